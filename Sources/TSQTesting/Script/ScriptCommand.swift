import TSQBase
import TSQModel

/// One command of a script, with the number of its line.
struct ScriptCommand: Sendable {
    enum Action: Sendable {
        case clear
        case load(ScriptLoad)
        case evaluate(ScriptEvaluation)
        /// A command that cannot be read: reported, and the rest of its block skipped.
        case invalid(String)
    }

    var line: Int
    var action: Action
}

/// `load` and `load_with_nhcb`: series with their points.
struct ScriptLoad: Sendable {
    struct Series: Sendable {
        var labels: LabelSet
        var values: [SequenceValue]
        /// ms relative to each point; empty or of the values' count.
        var startTimes: [Int64?]
    }

    var stepMs: Int64
    var convertsClassicHistograms: Bool
    var series: [Series] = []
}

/// `eval …` with what it expects.
struct ScriptEvaluation: Sendable {
    struct Expected: Sendable {
        /// From 1, in the order of the lines.
        var position: Int
        var labels: LabelSet
        var values: [SequenceValue]
    }

    /// How a text is compared.
    enum TextMatch: Sendable {
        case any
        case exactly(String)
        case regex(GoRegex)

        func matches(_ text: String) -> Bool {
            switch self {
            case .any: true
            case .exactly(let wanted): text == wanted
            case .regex(let regex): regex.matches(text)
            }
        }
    }

    var query: String
    var isRange: Bool
    /// Instant: `startMs == endMs` = the time of evaluation.
    var startMs: TimestampMs
    var endMs: TimestampMs
    var stepMs: Int64

    var expectsFailure: TextMatch?
    var isOrdered = false
    var warnings: [TextMatch] = []
    var infos: [TextMatch] = []
    var forbidsWarnings = false
    var forbidsInfos = false
    /// `expect range vector`: the times of the points of an instant query's range vector.
    var rangeVector: (startMs: TimestampMs, endMs: TimestampMs, stepMs: Int64)?
    var expectedString: String?
    var expectedScalar: Double?
    var series: [Expected] = []
}
