import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Retention, and what leaves the index with it")
struct StoreRetentionTests {
    private let hour: Int64 = 3_600_000
    private let start: TimestampMs = 1_700_000_000_000

    /// Blocks of a day each, oldest first, in each a series of its own and one that goes on.
    private func fill(_ store: Store, _ harness: StoreHarness, days: Range<Int>) throws {
        for day in days {
            let time = start + Int64(day) * 24 * hour
            harness.clock.set(time)
            var random = SplitMix64(seed: UInt64(day))
            let samples = (0..<500).map {
                (time + Int64($0), Double.random(in: 0..<1, using: &random))
            }
            try store.add(labels("day", ["n": "\(day)"]), samples)
            try store.add(labels("all"), samples)
            try store.checkpoint()
        }
    }

    private func days(_ store: Store) throws -> [String] {
        try store.labelValues("n", matching: [], fromMs: .min, toMs: .max)
    }

    @Test("beyond the bytes kept, the oldest blocks go, as a whole")
    func bytes() throws {
        var harness = StoreHarness()
        var store = try harness.open()
        try fill(store, harness, days: 0..<10)
        try store.close()
        // The log counts as well.
        let statistics = store.statistics()
        harness.options.retentionBytes = statistics.diskBytes - statistics.blockBytes * 4 / 10
        store = try harness.open()
        try store.maintain()
        let left = try #require(try store.samples(named: "all")[labels("all")])
        #expect(left.count == 2500 || left.count == 3000)
        #expect(store.diskBytes() <= harness.options.retentionBytes)
        #expect(left.last?.timeMs == start + 9 * 24 * hour + 499)
        // Far too little: the newest block stays.
        try store.close()
        harness.options.retentionBytes = 1
        store = try harness.open()
        try store.maintain()
        #expect(try store.samples(named: "all")[labels("all")]?.count == 500)
    }

    @Test("a share of the disk is a number of bytes")
    func share() throws {
        var harness = StoreHarness()
        var store = try harness.open()
        try fill(store, harness, days: 0..<10)
        try store.close()
        let statistics = store.statistics()
        let kept = statistics.diskBytes - statistics.blockBytes * 4 / 10
        harness.disk.limit(toBytes: Int(kept) * 4)
        harness.options.retentionDiskShare = 0.25
        store = try harness.open()
        try store.maintain()
        let left = try #require(try store.samples(named: "all")[labels("all")])
        #expect(left.count == 2500 || left.count == 3000)
    }

    /// A block that lasts long, one with a later value for a time of it that ends sooner, and a newest.
    private func overwrite(_ store: Store, _ harness: StoreHarness) throws {
        harness.clock.set(start + 30 * hour)
        try store.add(labels("m"), (0..<10).map { (start + Int64($0) * hour, 1) })
        try store.checkpoint()
        try store.add(labels("m"), [(start + hour, 2)], origin: .backfill(overwrite: true))
        try store.checkpoint()
        try store.add(labels("m"), [(start + 20 * hour, 3)])
        try store.checkpoint()
    }

    private func blockCount(_ harness: StoreHarness) -> Int {
        harness.disk.paths.count { $0.hasSuffix(".blk") }
    }

    @Test("a value that was overwritten does not come back when the later one's block is the older")
    func overwritten() throws {
        var harness = StoreHarness()
        harness.options.blockRangeMs = 100 * hour
        var store = try harness.open()
        try overwrite(store, harness)
        try store.close()
        #expect(blockCount(harness) == 3)
        // By time: it waits for the block that it is newer than.
        harness.options.retentionMs = 15 * hour
        store = try harness.open()
        try store.applyRetention(nowMs: start + 20 * hour)
        #expect(blockCount(harness) == 3)
        let values = try store.samples(named: "m")[labels("m")]
        #expect(values?.first { $0.timeMs == start + hour } == Sample(start + hour, 2))
        try store.close()
        // By bytes: that block goes first, and then it.
        harness.options.retentionMs = .max
        harness.options.retentionBytes = store.diskBytes() - 1
        store = try harness.open()
        try store.applyRetention(nowMs: harness.clock.nowMs())
        #expect(
            try store.samples(named: "m")[labels("m")] == [
                Sample(start + hour, 2), Sample(start + 20 * hour, 3),
            ])
        try store.close()
        harness.options.retentionBytes = 1
        store = try harness.open()
        try store.applyRetention(nowMs: harness.clock.nowMs())
        #expect(try store.samples(named: "m")[labels("m")] == [Sample(start + 20 * hour, 3)])
    }

    @Test("series go from the index with their last block; those that go on stay")
    func deadSeries() throws {
        var harness = StoreHarness()
        harness.options.retentionMs = 100 * 24 * hour
        var store = try harness.open()
        try fill(store, harness, days: 0..<6)
        try store.close()
        harness.options.retentionMs = 3 * 24 * hour
        store = try harness.open()
        try store.maintain()
        #expect(try days(store) == ["3", "4", "5"] || days(store) == ["2", "3", "4", "5"])
        let kept = try days(store).count
        #expect(store.statistics().headSeries == kept + 1)
        #expect(try Store.verify(directory: "d", fileSystem: harness.disk).isSound)
        // A reader in another process sees the same.
        let reader = try harness.openReadOnly()
        #expect(try reader.labelValues("n", matching: [], fromMs: .min, toMs: .max).count == kept)
        // It comes again under a new number.
        try store.add(labels("day", ["n": "0"]), [(harness.clock.nowMs(), 1)])
        #expect(try days(store).count == kept + 1)
    }

    @Test(
        "a number that a writer holds stays while its group is open, and a day after it was given")
    func held() throws {
        var harness = StoreHarness()
        harness.options.retentionMs = 2 * hour
        harness.options.blockRangeMs = hour
        let store = try harness.open()
        let group = store.openGroup()
        let row = try store.resolve(labels("row"))
        let loose = try store.resolve(labels("loose"))
        let go = try store.resolve(labels("go"))
        harness.clock.set(start)
        try store.addRow(group, start, [(row, 1)])
        try store.add(labels("loose"), [(start, 1)])
        func goOn(_ hours: Int64) throws {
            let time = start + hours * hour
            harness.clock.set(time)
            var batch = WriteBatch(origin: .timestamped)
            batch.refs = [go]
            batch.times = [time]
            batch.values = [1]
            _ = try store.commit(batch)
            try store.checkpoint()
            try store.maintain()
        }
        try goOn(0)
        for hours in 1...6 { try goOn(Int64(hours)) }
        #expect(try store.samples(named: "row").isEmpty)
        // Their samples are gone, their numbers are not.
        #expect(store.statistics().headSeries == 3)
        try store.addRow(group, harness.clock.nowMs() + 1, [(row, 2)])
        #expect(try store.samples(named: "row").count == 1)
        // Days later the loose one is gone; a writer that comes with its number is told so.
        for hours in stride(from: 7, through: 120, by: 1) { try goOn(Int64(hours)) }
        #expect(store.statistics().headSeries == 2)
        var batch = WriteBatch(origin: .timestamped)
        batch.refs = [loose]
        batch.times = [harness.clock.nowMs()]
        batch.values = [1]
        #expect(throws: AppendError.self) { try store.commit(batch) }
        batch.refs = [try store.resolve(labels("loose"))]
        #expect(try store.commit(batch).acceptedCount == 1)
        #expect(try store.samples(named: "loose").count == 1)
        try store.addRow(group, harness.clock.nowMs() + 2, [(row, 3)])
        #expect(try store.samples(named: "row").count == 1)
        store._checkInvariants()
    }
}
