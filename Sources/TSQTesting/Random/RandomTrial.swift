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
    package static let sources = (0..<4).map { RandomSeries.source(seed: UInt64($0)) }

    package enum Outcome {
        /// The text is no PromQL.
        case unparsed
        case same
        /// What differs.
        case different(String)
    }

    package let seed: UInt64
    package let text: String
    package let options: EngineOptions
    package let startMs: TimestampMs
    package let endMs: TimestampMs
    package let stepMs: Int64
    package let isRange: Bool
    private let source: MemorySource

    package init(seed: UInt64) {
        self.seed = seed
        source = Self.sources[Int(seed % UInt64(Self.sources.count))]
        var expressions = RandomExpression(seed: seed)
        text = expressions.next()
        var random = SplitMix64(seed: ~seed)
        var options = EngineOptions.script
        options.delayedNameRemoval = Bool.random(using: &random)
        self.options = options
        startMs = Int64.random(in: 0...RandomSeries.lengthMs, using: &random)
        stepMs = Int64.random(in: 1...120, using: &random) * 1000
        let stepCount = Bool.random(using: &random) ? 0 : Int64.random(in: 1...7, using: &random)
        endMs = startMs + stepCount * stepMs
        isRange = stepCount > 0
    }

    package var description: String {
        "seed \(seed): \(text) "
            + (isRange ? "from \(startMs) to \(endMs) step \(stepMs)" : "at \(startMs)")
            + " names \(options.delayedNameRemoval ? "late" : "at once")"
    }

    package func run() -> Outcome {
        guard (try? PromQLParser.parse(text, options: options.parse)) != nil else {
            return .unparsed
        }
        let difference = AnswerComparison(tolerance: Self.tolerance).difference(
            answer(EngineUnderScript(QueryEngine(options: options))), expected)
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
