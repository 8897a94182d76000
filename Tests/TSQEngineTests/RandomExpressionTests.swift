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

    /// Seeds whose answers once differed.
    @Test(
        "what differed once agrees",
        arguments: [
            173_777, 314_338, 336_100, 359_801, 459_631, 521_380, 597_779, 778_134, 797_717,
            3_062_764, 3_203_009, 3_314_282, 3_646_872, 3_750_390,
        ])
    func mended(_ seed: UInt64) {
        let trial = RandomTrial(seed: seed)
        if case .different(let difference) = trial.run() {
            Issue.record("\(trial): \(difference)")
        }
    }

    @Test("odd queries at the ends of time are answered or refused, never trap")
    func extremes() {
        var answered = 0
        for seed in 0..<UInt64(Self.count) { answered += ExtremeTrial(seed: seed).run() }
        #expect(answered > 0)
    }
}
