import TSQBase
import TSQIO

/// What blocks have of the selections that are asked for again and again. A block never changes, so
/// what it has of the same series stays the same, while to find it means to go through the entries of
/// all others.
///
/// What was not used for longest goes.
final class ChunkCache: Sendable {
    /// The chunks that a block has of a selection, ascending by series and in time within one.
    struct Found: Sendable {
        /// Which of the selection each chunk is of.
        private(set) var series: [UInt32] = []
        private(set) var chunks: [BlockChunk] = []

        var byteCount: Int {
            256 + chunks.count * (MemoryLayout<BlockChunk>.stride + MemoryLayout<UInt32>.stride)
        }

        mutating func append(_ chunk: BlockChunk, of number: UInt32) {
            series.append(number)
            chunks.append(chunk)
        }
    }

    struct Key: Hashable {
        var selection: UInt64
        /// The block's serial number.
        var block: UInt64
    }

    /// All chunks that some blocks have of a selection in a range of times.
    struct Whole: Sendable {
        /// All blocks there were, in their order: `places` has their numbers in it.
        let blocks: [UInt64]
        let range: (fromMs: TimestampMs, toMs: TimestampMs)
        /// Of the samples up to here only each series' newest is sure to be there.
        let newestAtMs: TimestampMs
        let places: ChunkPlaces
    }

    private enum Item {
        case found(Found)
        case whole(Whole)

        var byteCount: Int {
            switch self {
            case .found(let found): found.byteCount
            case .whole(let whole): 256 + whole.places.byteCount
            }
        }
    }

    private struct Entry {
        var item: Item
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var byteCount = 0
        var useCount: UInt64 = 0
    }

    static let bytesMax = 6 << 20
    /// Of one block about 7,000 chunks of one selection, of all together 50,000.
    static let foundBytesMax = 256 << 10
    static let wholeBytesMax = 2 << 20
    /// No block has this number.
    private static let allBlocks: UInt64 = 0

    private let state = Guarded(State())

    var byteCount: Int { state.withLock { $0.byteCount } }

    /// A number for a selection, by which nothing is known yet.
    func newSelection() -> KeptChunks {
        KeptChunks(cache: self, selection: SerialNumber.next())
    }

    private func item(_ key: Key) -> Item? {
        state.withLock { state in
            state.useCount += 1
            state.entries[key]?.lastUse = state.useCount
            return state.entries[key]?.item
        }
    }

    func find(_ key: Key) -> Found? {
        guard case .found(let found) = item(key) else { return nil }
        return found
    }

    func findWhole(of selection: UInt64) -> Whole? {
        let key = Key(selection: selection, block: Self.allBlocks)
        guard case .whole(let whole) = item(key) else { return nil }
        return whole
    }

    func keep(_ found: Found, _ key: Key) {
        if found.byteCount <= Self.foundBytesMax { keep(.found(found), key) }
    }

    func keep(_ whole: Whole, of selection: UInt64) {
        if whole.places.byteCount > Self.wholeBytesMax { return }
        keep(.whole(whole), Key(selection: selection, block: Self.allBlocks))
    }

    private func keep(_ item: Item, _ key: Key) {
        let byteCount = item.byteCount
        state.withLock { state in
            if let before = state.entries[key] { state.byteCount -= before.item.byteCount }
            state.useCount += 1
            state.entries[key] = Entry(item: item, lastUse: state.useCount)
            state.byteCount += byteCount
            while state.byteCount > Self.bytesMax,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.byteCount -= oldest.value.item.byteCount
                state.entries[oldest.key] = nil
            }
        }
    }
}

/// What is known of a selection's series: its part of a `ChunkCache`, and their columns in the head.
struct KeptChunks: Sendable {
    fileprivate let cache: ChunkCache
    fileprivate let selection: UInt64
    let columns = KeptColumns()

    func find(_ block: Block) -> ChunkCache.Found? {
        cache.find(ChunkCache.Key(selection: selection, block: block.serial))
    }

    func keep(_ found: ChunkCache.Found, _ block: Block) {
        cache.keep(found, ChunkCache.Key(selection: selection, block: block.serial))
    }

    /// The chunks that `blocks` have in the range, maybe with some beside it; `make` looks
    /// them up where they are not known.
    func whole(
        _ blocks: [Block], _ range: (fromMs: TimestampMs, toMs: TimestampMs),
        newestAtMs: TimestampMs, _ make: () -> ChunkPlaces?
    ) -> ChunkPlaces? {
        let blocks = blocks.map(\.serial)
        if let known = cache.findWhole(of: selection), known.blocks == blocks,
            known.range.fromMs <= range.fromMs, known.range.toMs >= range.toMs,
            known.newestAtMs <= newestAtMs
        {
            return known.places
        }
        let places = make()
        if let places, places.areAllKnown {
            cache.keep(
                ChunkCache.Whole(
                    blocks: blocks, range: range, newestAtMs: newestAtMs, places: places),
                of: selection)
        }
        return places
    }
}
