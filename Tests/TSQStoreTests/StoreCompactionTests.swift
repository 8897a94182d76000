import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Merging blocks")
struct StoreCompactionTests {
    private let hour: Int64 = 3_600_000
    /// The beginning of a window of 2 h, 6 h and 18 h.
    private let start: TimestampMs = 26_000 * 18 * 3_600_000 + 0

    private func entry(
        _ sequence: UInt64, _ low: Int64, _ high: Int64, level: UInt8 = 2, bytes: UInt64 = 100
    ) -> Manifest.BlockEntry {
        Manifest.BlockEntry(
            file: sequence, level: level, sequence: sequence, minTimeMs: low, maxTimeMs: high,
            sampleCount: 1, byteCount: bytes)
    }

    private func plan(
        settledMs: TimestampMs = .max, deletions: [Deletion] = [], excluded: Set<UInt64> = [],
        ripe: Set<UInt64> = []
    ) -> MergePlan {
        MergePlan(
            blockRangeMs: 2 * hour, rangeMaxMs: 40 * hour, settledMs: settledMs, bytesMax: .max,
            deletions: deletions, excluded: excluded, ripe: ripe)
    }

    @Test(
        "a day of fresh blocks becomes one of 18 h and one of 6 h, each sample written a few times")
    func ladder() throws {
        var harness = StoreHarness(nowMs: start)
        harness.options.retentionMs = 1000 * hour
        let store = try harness.open()
        let group = store.openGroup()
        let refs = try (0..<3).map { try store.resolve(labels("m", ["i": "\($0)"])) }
        var expected: [Sample] = []
        // A block every quarter of an hour.
        for step in 0..<(26 * 60) {
            let time = start + Int64(step) * 60_000
            harness.clock.set(time)
            try store.addRow(group, time, refs.map { ($0, Double(step)) })
            expected.append(Sample(time, Double(step)))
            if step % 15 == 14 {
                try store.checkpoint()
                try store.maintain()
            }
        }
        #expect(try store.samples(named: "m")[labels("m", ["i": "1"])] == expected)
        let spans = try Store.blocks(directory: "d", fileSystem: harness.disk).map {
            ($0.maxTimeMs - $0.minTimeMs + 60_000) / hour
        }
        #expect(spans.first == 18 && spans.contains(6))
        #expect(spans.count < 14)
        let report = try Store.verify(directory: "d", fileSystem: harness.disk)
        #expect(report.problems == [])
        // Chunks that are long enough were copied as they are: none is longer than a new one.
        let analysis = try Store.analyze(directory: "d", fileSystem: harness.disk)
        #expect(Int(analysis.sampleCount / analysis.chunkCount) >= BlockMerge.copySamplesMin / 4)
    }

    @Test("a window is left alone until nothing more is expected in it")
    func unsettled() {
        let blocks = [
            entry(1, start, start + hour), entry(2, start + hour, start + 2 * hour - 1),
        ]
        #expect(plan(settledMs: start + 2 * hour - 1).next(blocks).isEmpty)
        #expect(plan(settledMs: start + 2 * hour).next(blocks).count == 2)
    }

    @Test("a merge never overtakes a newer block that it leaves out")
    func order() {
        // The second is too long to be merged, and has newer writes than the first.
        let blocks = [
            entry(1, start, start + hour), entry(2, start, start + 100 * hour),
            entry(3, start + hour, start + 2 * hour - 1),
        ]
        #expect(plan().next(blocks).isEmpty)
        // Where it lies elsewhere it does not matter.
        let apart = [blocks[0], entry(2, start + 50 * hour, start + 100 * hour), blocks[2]]
        #expect(plan().next(apart).map(\.sequence) == [1, 3])
    }

    @Test("blocks on both sides of a deletion are not joined, unless it does not concern them")
    func parted() {
        func deletion(_ from: Int64, _ to: Int64) -> Deletion {
            Deletion(
                file: 9, sequenceEnd: 2, fromMs: from, toMs: to, madeMs: 0, sampleCount: 1,
                selector: "", refs: RefSet([1]))
        }
        let blocks = [
            entry(1, start, start + hour), entry(2, start + hour, start + 2 * hour - 1),
        ]
        #expect(plan(deletions: [deletion(start, start + 5)]).next(blocks).isEmpty)
        #expect(plan(deletions: [deletion(0, start - 1)]).next(blocks).count == 2)
    }

    @Test("a big block is written again for small ones only when they are many, large or old")
    func worth() {
        let big = entry(1, start, start + 2 * hour - 1, bytes: 10_000)
        let small = entry(2, start, start + 10)
        #expect(plan().next([big, small]).isEmpty)
        #expect(plan(ripe: [2]).next([big, small]).count == 2)
        #expect(plan().next([big, entry(2, start, start + 10, bytes: 2000)]).count == 2)
        let many = (2..<10).map { entry(UInt64($0), start, start + 10) }
        #expect(plan().next([big] + many).count == 9)
    }

    @Test("back-filled blocks that overlap are merged, the newer write winning")
    func overlapping() throws {
        var harness = StoreHarness(nowMs: start + 100 * hour)
        harness.options.retentionMs = 1000 * hour
        let store = try harness.open()
        func add(_ part: [(Int64, Double)]) throws {
            try store.add(
                labels("m"), part.map { (start + $0.0 * 60_000, $0.1) },
                origin: .backfill(overwrite: true))
            try store.checkpoint()
        }
        try add((0..<60).map { (Int64($0), 1) })
        try add((30..<90).map { (Int64($0), 2) })
        try add([(6000, 9)])
        try add((10..<40).filter { $0 % 2 == 0 }.map { (Int64($0), 3) })
        var model: [Int64: Double] = [6000: 9]
        for at in 0..<60 { model[Int64(at)] = 1 }
        for at in 30..<90 { model[Int64(at)] = 2 }
        for at in 10..<40 where at % 2 == 0 { model[Int64(at)] = 3 }
        let expected = model.sorted { $0.key < $1.key }.map {
            Sample(start + $0.key * 60_000, $0.value)
        }
        #expect(try store.samples(named: "m")[labels("m")] == expected)
        try store.maintain()
        #expect(store.statistics().blockCount == 2)
        #expect(try store.samples(named: "m")[labels("m")] == expected)
        #expect(try Store.verify(directory: "d", fileSystem: harness.disk).isSound)
    }

    @Test("a block that cannot be read is not merged and not tried again; the others go on")
    func damaged() throws {
        let harness = StoreHarness(nowMs: start)
        let store = try harness.open()
        for part in 0..<24 {
            try store.add(labels("m"), [(start + Int64(part) * 1000, 1)])
            try store.checkpoint()
        }
        // In the page of the third block.
        let third = try Store.blocks(directory: "d", fileSystem: harness.disk)[2]
        harness.disk.flipBit("d/\(third.file)", byte: 18, bit: 3)
        try store.close()
        let again = try harness.open()
        while try again.mergeBlocks() {}
        // It parts the fresh blocks: eight and eight of those behind it were merged.
        #expect(again.statistics().blockCount == 24 - 14)
        let files = try Store.blocks(directory: "d", fileSystem: harness.disk).map(\.file)
        #expect(files.contains(third.file))
        #expect(throws: SourceError.self) { try again.samples(named: "m") }
        #expect(
            try again.samples(named: "m", fromMs: start + 2000)[labels("m")]?.count == 21)
    }

    @Test("a kill in any call of a merge leaves the samples as they were")
    func killed() throws {
        for call in 1..<40 {
            let harness = StoreHarness(seed: UInt64(call), nowMs: start)
            let store = try harness.open()
            for part in 0..<8 {
                try store.add(labels("m"), [(start + Int64(part) * 1000, Double(part))])
                try store.checkpoint()
            }
            harness.disk.plan(.kills, atCall: harness.disk.callCount + call)
            _ = try? store.mergeBlocks()
            harness.disk.kill()
            let again = try harness.open()
            #expect(try again.samples(named: "m")[labels("m")]?.count == 8)
            while try again.mergeBlocks() {}
            #expect(again.statistics().blockCount == 1)
            let report = try Store.verify(directory: "d", fileSystem: harness.disk)
            #expect(report.isSound && report.unnamedFiles.isEmpty)
        }
    }

    @Test("checkpoints, deletions and snapshots go on while a merge runs, and nothing is lost")
    func concurrent() throws {
        let harness = StoreHarness(nowMs: start)
        let store = try harness.open()
        for part in 0..<8 {
            try store.add(labels("m"), [(start + Int64(part) * 1000, Double(part))])
            try store.add(labels("n"), [(start + Int64(part) * 1000, Double(part))])
            try store.checkpoint()
        }
        // In the middle of a merge: a deletion that hides samples of its sources.
        let sources = store.core.withLock { $0.blocks }
        var didInterrupt = false
        var merge = BlockMerge(sources, leavingOut: []) { _ in
            if didInterrupt { return }
            didInterrupt = true
            _ = try? store.deleteSeries(matching: [[LabelMatcher(equal: "__name__", "m")]])
            _ = try? store.snapshot(name: "s")
        } makeWriter: { () throws(IOError) in
            try BlockWriter(path: "d/blocks/77.blk", sequence: 8, fileSystem: harness.disk)
        }
        _ = try merge.run()
        #expect(didInterrupt)
        #expect(store.deletions().count == 1)
        while try store.mergeBlocks() {}
        #expect(try store.samples(named: "m").isEmpty)
        #expect(try store.samples(named: "n")[labels("n")]?.count == 8)
        let copy = try Store.openReadOnly(directory: "d/snapshots/s", fileSystem: harness.disk)
        #expect(try copy.samples(named: "n")[labels("n")]?.count == 8)
        #expect(try copy.samples(named: "m").isEmpty)
    }
}
