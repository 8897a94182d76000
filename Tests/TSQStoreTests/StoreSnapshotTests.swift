import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Snapshots")
struct StoreSnapshotTests {
    private let start: TimestampMs = 1_700_000_000_000

    private func open(_ harness: StoreHarness, _ path: String) throws -> Store {
        try Store.open(
            directory: path, options: harness.options, fileSystem: harness.disk,
            clock: harness.clock)
    }

    @Test("a snapshot is a store of its own with everything committed before, and stays as it is")
    func complete() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        for part in 0..<20 {
            try store.add(labels("m"), [(start + Int64(part) * 1000, Double(part))])
            if part % 2 == 0 { try store.checkpoint() }
        }
        _ = try store.deleteSeries(
            matching: [[LabelMatcher(equal: "__name__", "m")]], fromMs: start, toMs: start + 2000)
        try store.add(labels("m"), [(start + 1000, 77)])
        let expected = try store.samples(named: "m")
        let path = try store.snapshot(name: "first")
        #expect(path == "d/snapshots/first")
        // The store goes on; nothing of that is in the snapshot.
        try store.add(labels("m"), [(start + 100_000, 1)])
        try store.compactDeletions()
        while try store.mergeBlocks() {}
        let reader = try Store.openReadOnly(directory: path, fileSystem: harness.disk)
        #expect(try reader.samples(named: "m") == expected)
        let copy = try open(harness, path)
        #expect(try copy.samples(named: "m") == expected)
        #expect(copy.deletions().count == 1)
        try copy.add(labels("m"), [(start + 50_000, 5)])
        try copy.close()
        #expect(try open(harness, path).samples(named: "m")[labels("m")]?.count == 19)
        #expect(try store.samples(named: "m")[labels("m")]?.count == 19)
    }

    @Test("small fresh blocks are merged on the way, in the snapshot only")
    func merged() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        for part in 0..<7 {
            try store.add(
                labels("m"), (0..<30).map { (start + Int64(part * 30 + $0) * 1000, 1) })
            try store.checkpoint()
        }
        let path = try store.snapshot(name: "s")
        #expect(store.statistics().blockCount == 7)
        let reader = try Store.openReadOnly(directory: path, fileSystem: harness.disk)
        // The samples begin in one window of the block range, or in two.
        #expect(reader.statistics().blockCount <= 2)
        #expect(try reader.samples(named: "m")[labels("m")]?.count == 210)
    }

    @Test("without the head a snapshot has what is in blocks")
    func withoutHead() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        try store.add(labels("m"), [(start, 1)])
        try store.checkpoint()
        try store.add(labels("m"), [(start + 1, 2)])
        let path = try store.snapshot(name: "s", includingHead: false)
        let reader = try Store.openReadOnly(directory: path, fileSystem: harness.disk)
        #expect(try reader.samples(named: "m")[labels("m")] == [Sample(start, 1)])
    }

    @Test("names that are taken or lead elsewhere are refused")
    func names() throws {
        let store = try StoreHarness().open()
        try store.add(labels("m"), [(start, 1)])
        _ = try store.snapshot(name: "s-1.2_3")
        for name in ["s-1.2_3", "", ".", "..", "a/b", "../x", "a b", ".hidden"] {
            #expect(throws: StoreError.self) { try store.snapshot(name: name) }
        }
    }

    @Test("a snapshot that a kill cut off is removed at the next start; any other is complete")
    func killed() throws {
        var unfinished = 0
        for call in 1..<60 {
            let harness = StoreHarness(seed: UInt64(call))
            let store = try harness.open()
            try store.add(labels("m"), [(start, 1)])
            try store.checkpoint()
            try store.add(labels("m"), [(start + 1, 2)])
            harness.disk.plan(.kills, atCall: harness.disk.callCount + call)
            let isDone = (try? store.snapshot(name: "s")) != nil
            harness.disk.kill()
            let again = try harness.open()
            #expect(try again.samples(named: "m")[labels("m")]?.count == 2)
            if harness.disk.paths.contains("d/snapshots/s/MANIFEST") {
                let reader = try Store.openReadOnly(
                    directory: "d/snapshots/s", fileSystem: harness.disk)
                #expect(try reader.samples(named: "m")[labels("m")]?.count == 2)
            } else {
                #expect(!isDone)
                unfinished += 1
                #expect(!harness.disk.paths.contains { $0.hasPrefix("d/snapshots/s/") })
            }
        }
        #expect(unfinished > 10)
    }
}
