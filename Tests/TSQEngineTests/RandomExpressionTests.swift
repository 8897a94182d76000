import Foundation
import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import TSQTesting
import Testing

/// `TSQ_RANDOM_COUNT` sets how many expressions are tried, `TSQ_RANDOM_SEED` the first seed.
@Suite("Random expressions")
struct RandomExpressionTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let count = environment["TSQ_RANDOM_COUNT"].flatMap { Int($0) } ?? 400
    private static let firstSeed = environment["TSQ_RANDOM_SEED"].flatMap { UInt64($0) } ?? 1
    /// Where additions may come in another order.
    private static let tolerance = 1e-12

    @Test("the engine answers as the reference evaluator does")
    func agreement() {
        var parsedCount = 0
        var failures: [String] = []
        for index in 0..<UInt64(Self.count) {
            let seed = Self.firstSeed &+ index
            let source = Self.sources[Int(seed % UInt64(Self.sources.count))]
            var expressions = RandomExpression(seed: seed)
            let text = expressions.next()
            guard (try? PromQLParser.parse(text, options: .all)) != nil else { continue }
            parsedCount += 1
            var random = SplitMix64(seed: ~seed)
            var options = EngineOptions.script
            options.delayedNameRemoval = Bool.random(using: &random)
            let startMs = Int64.random(in: 0...RandomSeries.lengthMs, using: &random)
            let stepMs = Int64.random(in: 1...120, using: &random) * 1000
            let stepCount =
                Bool.random(using: &random) ? 0 : Int64.random(in: 1...7, using: &random)
            let run = Run(
                text: text, startMs: startMs, endMs: startMs + stepCount * stepMs, stepMs: stepMs,
                isRange: stepCount > 0)
            if let difference = run.difference(options, source, Self.tolerance) {
                failures.append(
                    "seed \(seed): \(run) names \(options.delayedNameRemoval ? "late" : "at once")"
                        + ": \(difference)")
            }
        }
        for failure in failures { Issue.record("\(failure)") }
        #expect(parsedCount * 10 >= Self.count * 8, "too many texts do not parse")
        print("\(parsedCount) random expressions, \(failures.count) differ")
    }

    private static let sources = (0..<4).map { RandomSeries.source(seed: UInt64($0)) }

    private struct Run: CustomStringConvertible {
        var text: String
        var startMs: Int64
        var endMs: Int64
        var stepMs: Int64
        var isRange: Bool

        var description: String {
            isRange ? "\(text) from \(startMs) to \(endMs) step \(stepMs)" : "\(text) at \(startMs)"
        }

        func difference(
            _ options: EngineOptions, _ source: MemorySource, _ tolerance: Double
        ) -> String? {
            AnswerComparison(tolerance: tolerance).difference(
                answer(EngineUnderScript(QueryEngine(options: options)), source),
                answer(ReferenceEvaluator(options: options), source))
        }

        private func answer(
            _ evaluator: any ScriptEvaluator, _ source: MemorySource
        ) -> Result<QueryResult, QueryError> {
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
}
