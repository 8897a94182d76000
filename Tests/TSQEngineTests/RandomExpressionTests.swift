import Foundation
import TSQTesting
import Testing

/// `TSQ_RANDOM_COUNT` sets how many expressions are tried, `TSQ_RANDOM_SEED` the first seed; longer
/// runs are `promql-fuzz`'s.
@Suite("Random expressions")
struct RandomExpressionTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let count = environment["TSQ_RANDOM_COUNT"].flatMap { Int($0) } ?? 150
    private static let firstSeed = environment["TSQ_RANDOM_SEED"].flatMap { UInt64($0) } ?? 1

    @Test("the engine answers as the reference evaluator does")
    func agreement() {
        var parsedCount = 0
        var differentCount = 0
        for index in 0..<UInt64(Self.count) {
            let trial = RandomTrial(seed: Self.firstSeed &+ index)
            switch trial.run() {
            case .unparsed: continue
            case .same: break
            case .different(let difference):
                differentCount += 1
                Issue.record("\(trial): \(difference)")
            }
            parsedCount += 1
        }
        #expect(parsedCount * 10 >= Self.count * 8, "too many texts do not parse")
        print("\(parsedCount) random expressions, \(differentCount) differ")
    }

    @Test("odd queries at the ends of time are answered or refused, never trap")
    func extremes() {
        var answered = 0
        for seed in 0..<UInt64(Self.count) { answered += ExtremeTrial(seed: seed).run() }
        #expect(answered > 0)
    }
}
