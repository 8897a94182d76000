import TSQBase
import TSQModel

/// A number or a histogram: what a sample holds.
enum ReferenceValue {
    case float(Double)
    case histogram(Histogram)

    var float: Double? { if case .float(let value) = self { value } else { nil } }
    var histogram: Histogram? { if case .histogram(let value) = self { value } else { nil } }
}

/// One element of an instant vector.
struct ReferenceSample {
    var labels: LabelSet
    var value: ReferenceValue
    /// The name goes at the end of the query (delayed name removal).
    var dropsName = false
}

/// The steps over which an expression is evaluated: the query's, or a subquery's. The end may lie
/// after the last step.
struct ReferenceFrame: Hashable {
    var startMs: TimestampMs
    var endMs: TimestampMs
    var stepMs: Int64

    var isInstant: Bool { startMs == endMs }

    var lastMs: TimestampMs { startMs + (endMs - startMs) / stepMs * stepMs }

    var times: StrideThrough<TimestampMs> { stride(from: startMs, through: endMs, by: Int(stepMs)) }
}

/// One series in a window.
struct ReferenceWindow {
    struct FloatPoint {
        var timeMs: TimestampMs
        var value: Double
        /// 0: unknown.
        var startTimeMs: TimestampMs = 0
    }

    struct HistogramPoint {
        var timeMs: TimestampMs
        var value: Histogram
        var startTimeMs: TimestampMs = 0
    }

    var labels: LabelSet
    var dropsName = false
    var floats: [FloatPoint] = []
    var histograms: [HistogramPoint] = []
    /// The window's bounds, without what anchored and smoothed add.
    var startMs: TimestampMs = 0
    var endMs: TimestampMs = 0
    var isAnchored = false
    var isSmoothed = false

    var rangeSeconds: Double { Double(endMs - startMs) / 1000 }
    var isEmpty: Bool { floats.isEmpty && histograms.isEmpty }
    var metricName: String { labels.metricName ?? "" }

    /// Both kinds in the order of time.
    var points: [(timeMs: TimestampMs, value: ReferenceValue, startTimeMs: TimestampMs)] {
        let all =
            floats.map { ($0.timeMs, ReferenceValue.float($0.value), $0.startTimeMs) }
            + histograms.map { ($0.timeMs, ReferenceValue.histogram($0.value), $0.startTimeMs) }
        return all.sorted { $0.0 < $1.0 }
    }
}

/// A sum with Neumaier's compensation.
struct ReferenceSum {
    var sum: Double
    var compensation = 0.0

    init(_ sum: Double = 0, _ compensation: Double = 0) {
        self.sum = sum
        self.compensation = compensation
    }

    mutating func add(_ value: Double) {
        let next = sum + value
        if next.isInfinite {
            compensation = 0
        } else if sum.magnitude >= value.magnitude {
            compensation += (sum - next) + value
        } else {
            compensation += (value - next) + sum
        }
        sum = next
    }

    var total: Double { sum + compensation }
}

extension LabelSet {
    /// Without the labels that say what is measured: name, type, unit.
    var withoutIdentity: LabelSet {
        keeping { !LabelSet.identityNames.contains($0) }
    }

    static let identityNames: Set<String> = [
        LabelName.metricName, LabelName.metricType, LabelName.metricUnit,
    ]

    func keeping(_ isKept: (String) -> Bool) -> LabelSet {
        LabelSet(sorted: labels.filter { isKept($0.name) })
    }
}
