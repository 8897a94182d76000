import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

/// One random query on random data, the same for a seed: what the engine and the reference evaluator
/// answer is compared.
package struct RandomTrial: CustomStringConvertible {
    /// Where additions may come in another order.
    package static let tolerance = 1e-12
    /// Data sets, of which a seed takes one.
    package static let sources = (0..<6).map { RandomSeries.source(seed: $0, shiftMs: shiftMs($0)) }

    /// One begins before 1970, one in our time.
    private static func shiftMs(_ number: UInt64) -> Int64 {
        number == 4 ? -RandomSeries.lengthMs / 2 : number == 5 ? 1_700_000_000_007 : 0
    }

    package enum Outcome {
        /// The text is no PromQL.
        case unparsed
        case same
        /// What differs.
        case different(String)
    }

    package let seed: UInt64
    package var text: String
    package let options: EngineOptions
    package let startMs: TimestampMs
    package let endMs: TimestampMs
    package let stepMs: Int64
    package let isRange: Bool
    private let source: MemorySource

    package init(seed: UInt64) {
        self.seed = seed
        let number = seed % UInt64(Self.sources.count)
        source = Self.sources[Int(number)]
        var random = SplitMix64(seed: ~seed)
        let isInstant = Bool.random(using: &random)
        var expressions = RandomExpression(seed: seed)
        text = isInstant ? expressions.nextInstant() : expressions.next()
        var options = Self.options(&random)
        startMs =
            Self.shiftMs(number)
            + Int64.random(in: -60_000...(RandomSeries.lengthMs + 400_000), using: &random)
        let isFine = Int64.random(in: 0..<6, using: &random) == 0
        stepMs =
            isFine
            ? Int64.random(in: 1...9000, using: &random)
            : Int64.random(in: 1...120, using: &random) * 1000
        let stepCount = isInstant ? 0 : Int64.random(in: 0...8, using: &random)
        let restMs = isFine ? Int64.random(in: 0..<stepMs, using: &random) : 0
        endMs = isInstant ? startMs : startMs + stepCount * stepMs + restMs
        isRange = !isInstant
        // However little there is to share.
        if Int.random(in: 0..<3, using: &random) == 0 { options.helpedNsMin = 0 }
        self.options = options
    }

    private static func options(_ random: inout SplitMix64) -> EngineOptions {
        func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }
        var options = EngineOptions.script
        options.delayedNameRemoval = oneIn(2)
        options.useStartTimestamps = oneIn(2)
        options.typeAndUnitLabels = oneIn(4)
        if oneIn(6) { options.lookbackMs = oneIn(2) ? 15_000 : 61_000 }
        if oneIn(6) { options.subqueryStepMs = 15_000 }
        // How the work is cut must not show.
        if oneIn(3) { options.tileStepsMax = Int.random(in: 1...4, using: &random) }
        if oneIn(3) { options.threads = 1 }
        return options
    }

    package var description: String {
        "seed \(seed): \(text) "
            + (isRange ? "from \(startMs) to \(endMs) step \(stepMs)" : "at \(startMs)")
            + " names \(options.delayedNameRemoval ? "late" : "at once"), lookback "
            + "\(options.lookbackMs), starts \(options.useStartTimestamps), types "
            + "\(options.typeAndUnitLabels), tiles of \(options.tileStepsMax)"
    }

    package func run() -> Outcome {
        guard (try? PromQLParser.parse(text, options: options.parse)) != nil else {
            return .unparsed
        }
        var comparison = AnswerComparison(tolerance: Self.tolerance)
        comparison.comparesOrder = !isRange && AnswerComparison.isOrdered(text)
        let difference = comparison.difference(engineAnswer, expected)
        return difference.map { .different($0) } ?? .same
    }

    /// The engine's answer.
    package var engineAnswer: Result<QueryResult, QueryError> {
        answer(EngineUnderScript(QueryEngine(options: options)))
    }

    /// The reference evaluator's answer.
    package var expected: Result<QueryResult, QueryError> {
        answer(ReferenceEvaluator(options: options))
    }

    /// A value for people, a line a series.
    package static func text(of value: QueryResult.Value) -> String {
        switch value {
        case .scalar(_, let number): return "\(number)"
        case .string(_, let text): return text
        case .vector(let series), .matrix(let series):
            return PlainSeries.all(of: series).map { row in
                "\(row.labels) "
                    + row.points.map { "\($0.value)@\($0.timeMs)" }.joined(separator: " ")
            }.joined(separator: "\n    ")
        }
    }

    private func answer(_ evaluator: any ScriptEvaluator) -> Result<QueryResult, QueryError> {
        do throws(QueryError) {
            if isRange {
                return .success(
                    try evaluator.range(
                        text, startMs: startMs, endMs: endMs, stepMs: stepMs, from: source))
            }
            return .success(try evaluator.instant(text, atMs: startMs, from: source))
        } catch {
            return .failure(error)
        }
    }
}
