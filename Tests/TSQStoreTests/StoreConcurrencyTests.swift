import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Store with many threads")
struct StoreConcurrencyTests {
    private static let rowCount = 300

    /// Commits rows whose cells all have the step's number; series come and go.
    private static func write(_ store: Store, _ job: String, _ startMs: TimestampMs) throws {
        let group = store.openGroup()
        for step in 0..<rowCount {
            var batch = WriteBatch(origin: .scrape, group: group)
            batch.rowTimeMs = startMs + Int64(step)
            for series in 0..<12 {
                // Every fifty steps two new series take the place of old ones.
                let era = series >= 10 ? step / 50 : 0
                let ref = try store.resolve(
                    labels("m", ["job": job, "i": "\(series)", "era": "\(era)"]))
                batch.rowRefs.append(ref)
                batch.rowValues.append(Double(step))
            }
            _ = try store.commit(batch)
        }
        store.closeGroup(group)
    }

    /// Whether every commit that is seen is seen with all its twelve samples, and none is missing
    /// before the last.
    private static func isWhole(_ source: some SeriesSource, _ job: String) throws -> Bool {
        let found = try source.samples([LabelMatcher(equal: "job", job)])
        var counts: [TimestampMs: Int] = [:]
        for samples in found.values {
            for sample in samples { counts[sample.timeMs, default: 0] += 1 }
        }
        guard let last = counts.keys.max(), let first = counts.keys.min() else { return true }
        return counts.count == Int(last - first) + 1 && counts.values.allSatisfy { $0 == 12 }
    }

    @Test("queries see whole commits while writers write and the head is cut and merged")
    func wholeCommits() async throws {
        let harness = StoreHarness(seed: 1)
        let store = try harness.open()
        let startMs = harness.clock.nowMs()
        let jobs = ["a", "b", "c"]
        let results = try await withThrowingTaskGroup(of: Bool.self) { group in
            for job in jobs {
                group.addTask {
                    try Self.write(store, job, startMs)
                    return true
                }
            }
            group.addTask {
                for _ in 0..<12 {
                    try store.checkpoint()
                    while try store.mergeBlocks() {}
                }
                return true
            }
            group.addTask {
                var right = true
                for _ in 0..<25 {
                    for job in jobs { right = try Self.isWhole(store, job) && right }
                }
                return right
            }
            group.addTask {
                let reader = try harness.openReadOnly()
                var right = true
                for _ in 0..<10 {
                    for job in jobs { right = try Self.isWhole(reader, job) && right }
                    try reader.refresh()
                }
                return right
            }
            var all: [Bool] = []
            for try await result in group { all.append(result) }
            return all
        }
        #expect(results.allSatisfy { $0 })
        for job in jobs {
            let whole = try Self.isWhole(store, job)
            let samples = try store.samples([LabelMatcher(equal: "job", job)])
            #expect(whole && samples.values.reduce(0) { $0 + $1.count } == 12 * Self.rowCount)
        }
        store._checkInvariants()
        try store.close()
        let again = try harness.open()
        for job in jobs { #expect(try Self.isWhole(again, job)) }
    }
}
