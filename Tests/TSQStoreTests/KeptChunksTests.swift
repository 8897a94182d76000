import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("What is kept of selections that are asked for again")
struct KeptChunksTests {
    private let harness = StoreHarness()
    private let all = LabelMatcher(equal: "__name__", "m")

    /// The samples of the series in a range, as a selection gives them.
    private func read(
        _ store: Store, _ matchers: [LabelMatcher], _ fromMs: TimestampMs, _ toMs: TimestampMs,
        newestAtMs: TimestampMs, isPlain: Bool
    ) throws -> [[Sample]] {
        let request = SelectRequest(matchers: matchers, fromMs: fromMs, toMs: toMs)
        let selection = try store.select(request, symbols: SymbolTable())
        if isPlain { try #require(selection as? StoreSelection).wantsPlainReads = true }
        var columns = SampleColumns()
        return try (0..<selection.count).map { index in
            try selection.read(
                index, fromMs: fromMs, newestAtMs: newestAtMs, toMs: toMs, into: &columns)
            let samples = zip(columns.times, columns.values).map { Sample($0, $1) }
            // Of what is old only the newest sample is sure to be there.
            let old = samples.filter { $0.timeMs <= newestAtMs }
            return old.suffix(1) + samples.dropFirst(old.count)
        }
    }

    @Test("it stays right while rows come, blocks are written and merged, and samples are deleted")
    func changing() throws {
        let store = try harness.open()
        var random = SplitMix64(seed: 11)
        let groups = [store.openGroup(), store.openGroup()]
        var refs = try (0..<24).map { try store.resolve(labels("m", ["i": "\($0)"])) }
        let start = harness.clock.nowMs() - 400_000
        var askedCount = 0
        for step in 0..<160 {
            let timeMs = start + Int64(step) * 1000
            for (number, group) in groups.enumerated() {
                let members = refs.indices.filter { $0 % 2 == number }
                try store.addRow(
                    group, timeMs + Int64(number),
                    members.map { (refs[$0], Double(random.next() % 1000)) })
            }
            switch random.next() % 24 {
            case 0, 1: try store.checkpoint()
            case 2:
                try store.checkpoint()
                _ = try store.mergeBlocks()
            case 3:
                _ = try store.deleteSeries(
                    matching: [[LabelMatcher(equal: "i", "\(random.next() % 24)")]],
                    fromMs: timeMs - 5000, toMs: timeMs - 2000)
            case 4: try store.compactDeletions()
            case 5: refs.append(try store.resolve(labels("m", ["i": "new\(step)"])))
            case 6: try store.add(labels("m", ["i": "3"]), [(timeMs - 7777, 0.5)])
            default: break
            }
            let fromMs = timeMs - Int64(random.next() % 60_000)
            let toMs = max(fromMs, timeMs - Int64(random.next() % 3000))
            let newestAtMs = fromMs + Int64(random.next() % 3) * 700
            let kept = try read(
                store, [all], fromMs, toMs, newestAtMs: newestAtMs, isPlain: false)
            // Nobody has asked for these before.
            let unknown = [all, try LabelMatcher("x", .notEqual, "\(step)")]
            let fresh = try read(
                store, unknown, fromMs, toMs, newestAtMs: newestAtMs, isPlain: true)
            #expect(kept == fresh, "step \(step)")
            askedCount += kept.joined().count
        }
        #expect(askedCount > 5000)
        let chunks = store.registry.withLock { $0.selections.chunks }
        #expect(chunks.byteCount > 0)
    }

    private static let chunk = BlockChunk(ref: 1, timeColumn: 0, offset: 8, valuesCount: 4)

    @Test("no more than a bound, the oldest go first, nothing too large is kept")
    func bounds() {
        let cache = ChunkCache()
        let selections = (0..<3).map { _ in cache.newSelection() }
        func found(_ count: Int) -> ChunkCache.Found {
            var found = ChunkCache.Found()
            for number in 0..<count {
                found.append(Self.chunk, of: UInt32(number))
            }
            return found
        }
        let large = found(ChunkCache.foundBytesMax / 32)
        cache.keep(large, ChunkCache.Key(selection: 1, block: 1))
        #expect(cache.byteCount == 0)
        let some = found(5000)
        let count = ChunkCache.bytesMax / some.byteCount
        for number in 0..<UInt64(count + 10) {
            cache.keep(some, ChunkCache.Key(selection: 7, block: number + 1))
            #expect(cache.byteCount <= ChunkCache.bytesMax)
            #expect(cache.find(ChunkCache.Key(selection: 7, block: 1)) != nil)
        }
        #expect(cache.find(ChunkCache.Key(selection: 7, block: 2)) == nil)
        #expect(cache.byteCount == count * some.byteCount)
        #expect(selections.count == 3)
    }

    @Test("columns that are kept are those that the layouts have, whichever were met before")
    func columns() {
        var random = SplitMix64(seed: 3)
        let layouts = (0..<12).map { number in
            RowLayout(
                id: 0, group: UInt32(number),
                refs: (0..<UInt32(200)).filter { _ in random.next() % 3 == 0 }
                    .shuffled(using: &random).map { SeriesRef($0) })
        }
        let refs = Array((0..<UInt32(220)).shuffled(using: &random).prefix(60))
        let order = RefOrder.ascending(refs)
        let kept = KeptColumns()
        for number in 0..<40 {
            let generations = (0..<2).map { generation in
                var head = HeadGeneration(
                    number: UInt64(number * 2 + generation),
                    logStart: LogPlace(segment: 1, offset: 0), startedMs: 0)
                for layout in layouts where random.next() % 4 != 0 {
                    let count = layout.refs.count
                    head.appendRow(
                        layout, timeMs: 1, values: [Double](repeating: 1, count: count),
                        startTimes: [], presentCount: count)
                }
                return head
            }
            let known = RowPlaces(generations, refs: refs, order: order, kept: kept)
            let found = RowPlaces(generations, refs: refs, order: order)
            #expect(known.ends == found.ends)
            for (a, b) in zip(known.places, found.places) {
                #expect(
                    a.generation == b.generation && a.buffer == b.buffer && a.column == b.column)
            }
        }
    }
}
