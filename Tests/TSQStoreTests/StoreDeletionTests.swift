import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Deletion by selector and time range")
struct StoreDeletionTests {
    private let start: TimestampMs = 1_700_000_000_000
    private let m = [LabelMatcher(equal: LabelName.metricName, "m")]

    /// Three series m of 100 samples each and one n, a part of them in the head.
    private func filled(_ harness: StoreHarness) throws -> Store {
        let store = try harness.open()
        for half in 0..<2 {
            let times = (half * 50..<half * 50 + 50).map { start + Int64($0) * 1000 }
            for series in 0..<3 {
                try store.add(
                    labels("m", ["i": "\(series)"]), times.map { ($0, Double(series)) })
            }
            try store.add(labels("n"), times.map { ($0, 7) })
            if half == 0 { try store.checkpoint() }
        }
        return store
    }

    private func times(_ source: some SeriesSource, _ series: Int) throws -> [Int64] {
        (try source.samples(named: "m")[labels("m", ["i": "\(series)"])] ?? []).map {
            ($0.timeMs - start) / 1000
        }
    }

    @Test("a dry run counts what a deletion hides, and hides nothing")
    func dryRun() throws {
        let store = try filled(StoreHarness())
        let before = try store.samples(named: "m")
        let counted = try store.deleteSeries(
            matching: [m], fromMs: start + 20_000, toMs: start + 79_000, dryRun: true)
        #expect(counted.seriesCount == 3 && counted.sampleCount == 180 && counted.id == nil)
        #expect(try store.samples(named: "m") == before)
        let done = try store.deleteSeries(
            matching: [m], fromMs: start + 20_000, toMs: start + 79_000)
        #expect(done.seriesCount == 3 && done.sampleCount == 180 && done.id != nil)
    }

    @Test("what is deleted is gone at once: from samples, series and label lists, head and blocks")
    func immediate() throws {
        let harness = StoreHarness()
        let store = try filled(harness)
        _ = try store.deleteSeries(
            matching: [[LabelMatcher(equal: "i", "1")]], fromMs: start + 10_000,
            toMs: start + 89_000)
        #expect(try times(store, 1) == Array(0..<10) + Array(90..<100))
        #expect(try times(store, 0) == Array(0..<100))
        // Nothing of the series is in the range deleted.
        let inside = try store.samples(
            m, fromMs: start + 10_000, toMs: start + 89_000)
        #expect(inside.count == 2)
        _ = try store.deleteSeries(matching: [m])
        #expect(try store.samples(named: "m").isEmpty)
        #expect(try store.samples(named: "n")[labels("n")]?.count == 100)
        #expect(
            try store.labelNames(matching: [], fromMs: .min, toMs: .max) == ["__name__"])
        #expect(
            try store.labelValues("__name__", matching: [], fromMs: .min, toMs: .max) == ["n"])
    }

    @Test("a deletion survives a restart, and readers in other processes see it")
    func durable() throws {
        let harness = StoreHarness()
        let store = try filled(harness)
        let reader = try harness.openReadOnly()
        _ = try store.deleteSeries(matching: [m], fromMs: start, toMs: start + 9000)
        // The reader has its old view until it looks again.
        #expect(try times(reader, 0) == Array(0..<100))
        try reader.refresh()
        #expect(try times(reader, 0) == Array(10..<100))
        harness.disk.kill()
        let again = try harness.open()
        #expect(try times(again, 2) == Array(10..<100))
        #expect(again.deletions().map(\.sampleCount) == [30])
    }

    @Test("samples written after a deletion are visible, also at the times deleted")
    func rewritten() throws {
        let harness = StoreHarness()
        var store = try filled(harness)
        _ = try store.deleteSeries(matching: [m])
        let report = try store.add(
            labels("m", ["i": "0"]), [(start + 5000, 42), (start + 200_000, 43)])
        #expect(report.acceptedCount == 2)
        let expected = [Sample(start + 5000, 42), Sample(start + 200_000, 43)]
        for round in 0..<4 {
            switch round {
            case 1: try store.checkpoint()
            case 2:
                try store.close()
                store = try harness.open()
            case 3: try store.compactDeletions()
            default: break
            }
            let found = try store.samples(named: "m")
            #expect(found == [labels("m", ["i": "0"]): expected], "round \(round)")
        }
    }

    @Test("undone, a deletion has never been; a second undo is an error")
    func undo() throws {
        let harness = StoreHarness()
        let store = try filled(harness)
        let before = try store.samples(named: "m")
        let id = try #require(try store.deleteSeries(matching: [m]).id)
        #expect(try store.samples(named: "m").isEmpty)
        try store.undoDeletion(id)
        #expect(try store.samples(named: "m") == before)
        #expect(store.deletions().isEmpty)
        #expect(throws: StoreError.self) { try store.undoDeletion(id) }
        try store.close()
        #expect(try harness.open().samples(named: "m") == before)
    }

    @Test("compacted, a deletion gives its bytes back, and the index forgets the series")
    func compact() throws {
        let harness = StoreHarness()
        var store = try filled(harness)
        try store.checkpoint()
        let before = store.statistics().blockBytes
        _ = try store.deleteSeries(matching: [m])
        #expect(store.statistics().blockBytes >= before)
        try store.compactDeletions()
        #expect(store.deletions().isEmpty)
        #expect(store.statistics().blockBytes < before)
        #expect(try store.samples(named: "n")[labels("n")]?.count == 100)
        #expect(!harness.disk.paths.contains { $0.hasSuffix(".del") })
        // Writers of this store may hold the numbers; those of the next one ask again.
        try store.close()
        store = try harness.open()
        harness.clock.advance(byMs: Store.deadSeriesAfterMs)
        try store.maintain()
        #expect(store.statistics().headSeries == 1)
        #expect(
            try store.labelValues("__name__", matching: [], fromMs: .min, toMs: .max) == ["n"])
        #expect(try store.add(labels("m", ["i": "0"]), [(start, 1)]).acceptedCount == 1)
        #expect(try times(store, 0) == [0])
    }

    @Test(
        "interrupted while its space is given back, a deletion is undone as a whole or not at all",
        arguments: [true, false])
    func interrupted(isKilled: Bool) throws {
        var undone = 0
        var refused = 0
        var ended = 0
        for call in 1..<60 {
            let harness = StoreHarness()
            var store = try filled(harness)
            let before = try store.samples(named: "m")
            let id = try #require(try store.deleteSeries(matching: [m]).id)
            harness.disk.plan(
                isKilled ? .kills : .fails(5), atCall: harness.disk.callCount + call)
            let didFail = (try? store.compactDeletions()) == nil
            if isKilled {
                harness.disk.kill()
                store = try harness.open()
            } else {
                harness.disk.clearFaults()
            }
            #expect(store.statistics().deletionCount == store.deletions().count, "call \(call)")
            if store.deletions().contains(where: { $0.id == id }) {
                #expect(didFail)
                undone += 1
                try store.undoDeletion(id)
                #expect(try store.samples(named: "m") == before, "call \(call)")
                continue
            }
            #expect(throws: StoreError.self, "call \(call)") { try store.undoDeletion(id) }
            #expect(try store.samples(named: "m").isEmpty, "call \(call)")
            if try Manifest.read("d", harness.disk)?.deletions == [id] { refused += 1 }
            // What was begun goes on without being asked.
            try store.maintain()
            #expect(try Manifest.read("d", harness.disk)?.deletions == [], "call \(call)")
            #expect(try store.samples(named: "m").isEmpty, "call \(call)")
            #expect(try store.samples(named: "n")[labels("n")]?.count == 100)
            if !didFail { ended += 1 }
        }
        #expect(undone > 0 && refused > 0 && ended > 0)
    }

    @Test("after the time for undoing the space is given back by itself")
    func due() throws {
        let harness = StoreHarness()
        let store = try filled(harness)
        _ = try store.deleteSeries(matching: [m], fromMs: start + 50_000)
        harness.clock.advance(byMs: harness.options.deletionUndoMs - 1)
        try store.maintain()
        #expect(store.deletions().count == 1)
        harness.clock.advance(byMs: 1)
        try store.maintain()
        #expect(store.deletions().isEmpty)
        #expect(try times(store, 1) == Array(0..<50))
    }

    @Test("merges around a deletion change neither what it hides nor what it leaves")
    func merges() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let series = labels("m", ["i": "0"])
        for part in 0..<40 {
            try store.add(series, [(start + Int64(part) * 1000, 1)])
            try store.checkpoint()
            if part == 19 {
                _ = try store.deleteSeries(matching: [m], fromMs: start + 5000)
                // Again at a time that is hidden.
                try store.add(series, [(start + 7000, 2)])
            }
        }
        let expected = Array(0..<5) + [7] + Array(20..<40)
        #expect(try times(store, 0) == expected.map { Int64($0) })
        while try store.mergeBlocks() {}
        #expect(store.statistics().blockCount < 20)
        #expect(try times(store, 0) == expected.map { Int64($0) })
        try store.compactDeletions()
        while try store.mergeBlocks() {}
        store._checkInvariants()
        #expect(try times(store, 0) == expected.map { Int64($0) })
    }

    @Test("histograms and start times beside the deleted ones stay as they were")
    func histograms() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let ref = try store.resolve(labels("h"))
        var batch = WriteBatch(origin: .timestamped)
        for step in 0..<6 {
            var histogram = Histogram()
            histogram.count = Double(step)
            histogram.sum = 1
            batch.histogramRefs.append(ref)
            batch.histograms.append(
                histogram, timeMs: start + Int64(step), startTimeMs: start - 1)
        }
        #expect(try store.commit(batch).acceptedCount == 6)
        let report = try store.deleteSeries(
            matching: [[LabelMatcher(equal: "__name__", "h")]], fromMs: start + 2,
            toMs: start + 3)
        #expect(report.sampleCount == 2)
        var expected = HistogramColumns()
        for index in [0, 1, 4, 5] { expected.append(batch.histograms, index) }
        for round in 0..<2 {
            if round == 1 { try store.compactDeletions() }
            let selection = try store.select(
                SelectRequest(
                    matchers: [LabelMatcher(equal: "__name__", "h")], fromMs: 0, toMs: .max),
                symbols: SymbolTable())
            var columns = SampleColumns()
            try selection.read(0, fromMs: 0, toMs: .max, into: &columns)
            #expect(columns.histograms == expected, "round \(round)")
        }
    }

    @Test("requests without a selector or with times the wrong way round are refused")
    func invalid() throws {
        let store = try filled(StoreHarness())
        #expect(throws: StoreError.self) { try store.deleteSeries(matching: []) }
        #expect(throws: StoreError.self) { try store.deleteSeries(matching: [[]]) }
        #expect(throws: StoreError.self) {
            try store.deleteSeries(matching: [m], fromMs: 2, toMs: 1)
        }
        let nothing = try store.deleteSeries(matching: [[LabelMatcher(equal: "x", "y")]])
        #expect(nothing == DeletionReport())
        #expect(store.deletions().isEmpty)
    }

    @Test("a deletion's file is read back as it was; any bit flipped in it is found")
    func file() throws {
        let deletion = Deletion(
            file: 7, sequenceEnd: 9, fromMs: -5, toMs: .max, madeMs: 3, sampleCount: 11,
            selector: "{a=\"b\"}", refs: RefSet([3, 4, 5, 9, 4_294_967_295]))
        let bytes = deletion.encode()
        let read = try Deletion(file: 7, bytes)
        #expect(read.info == deletion.info && read.refs == deletion.refs)
        #expect(read.sequenceEnd == 9)
        for bit in 0..<(bytes.count * 8) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: StoreError.self) { try Deletion(file: 7, flipped) }
        }
        for count in bytes.indices {
            #expect(throws: StoreError.self) { try Deletion(file: 7, Array(bytes[..<count])) }
        }
    }

    @Test("a set of series numbers is what a Set is")
    func refSet() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<50 {
            let refs = (0..<60).map { _ in UInt32.random(in: 0..<100, using: &random) }
            let set = RefSet(refs)
            let plain = Set(refs)
            #expect(set.count == plain.count)
            for ref in 0..<UInt32(102) { #expect(set.contains(ref) == plain.contains(ref)) }
            #expect(
                set.intersects(40, 45) == !plain.intersection(Set(40...45)).isEmpty)
        }
    }
}
