import Synchronization
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
        var file: UInt64
    }

    private struct Entry {
        var found: Found
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var byteCount = 0
        var useCount: UInt64 = 0
    }

    static let bytesMax = 4 << 20
    /// Of one block; about 7,000 chunks of one selection.
    static let foundBytesMax = 256 << 10

    private let state = Guarded(State())
    private let lastSelection = Atomic<UInt64>(0)

    var byteCount: Int { state.withLock { $0.byteCount } }

    /// A number for a selection, by which nothing is known yet.
    func newSelection() -> KeptChunks {
        let number = lastSelection.add(1, ordering: .relaxed).newValue
        return KeptChunks(cache: self, selection: number)
    }

    func find(_ key: Key) -> Found? {
        state.withLock { state in
            state.useCount += 1
            state.entries[key]?.lastUse = state.useCount
            return state.entries[key]?.found
        }
    }

    func keep(_ found: Found, _ key: Key) {
        let byteCount = found.byteCount
        if byteCount > Self.foundBytesMax { return }
        state.withLock { state in
            if let before = state.entries[key] { state.byteCount -= before.found.byteCount }
            state.useCount += 1
            state.entries[key] = Entry(found: found, lastUse: state.useCount)
            state.byteCount += byteCount
            while state.byteCount > Self.bytesMax,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.byteCount -= oldest.value.found.byteCount
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

    func find(file: UInt64) -> ChunkCache.Found? {
        cache.find(ChunkCache.Key(selection: selection, file: file))
    }

    func keep(_ found: ChunkCache.Found, file: UInt64) {
        cache.keep(found, ChunkCache.Key(selection: selection, file: file))
    }
}

/// Series of a selection that are sought in one block after the other.
struct SoughtSeries {
    /// Of the selection.
    private let refs: [UInt32]
    private let kept: KeptChunks?
    /// Those still sought, in ascending order of their refs.
    private(set) var order: [UInt32]
    private var ascending: [UInt32] = []
    private var isWhole = true

    /// - Parameters:
    ///   - order: the positions in `refs` in ascending order of the refs.
    ///   - kept: of the selection that consists of `refs`.
    init(_ refs: [UInt32], order: [UInt32], kept: KeptChunks?) {
        self.refs = refs
        self.order = order
        self.kept = kept
    }

    var isEmpty: Bool { order.isEmpty }

    mutating func remove(where isKnown: (_ series: Int) -> Bool) {
        order.removeAll { isKnown(Int($0)) }
        ascending = []
        isWhole = isWhole && order.count == refs.count
    }

    /// Calls `body` with all chunks that a block has of the series, and maybe with some of series
    /// removed.
    ///
    /// - Parameter body: with a position in `refs`, and a chunk, or why the series cannot be looked up.
    ///   Answers whether to go on.
    mutating func lookUp(
        _ cursor: borrowing BlockCursor,
        _ body: (_ series: Int, _ chunk: Result<BlockChunk, BlockError>) -> Bool
    ) {
        let file = cursor.block.entry.file
        if let found = kept?.find(file: file) {
            for index in found.chunks.indices {
                if !body(Int(found.series[index]), .success(found.chunks[index])) { return }
            }
            return
        }
        if ascending.count != order.count { ascending = order.map { refs[Int($0)] } }
        var found = isWhole && kept != nil ? ChunkCache.Found() : nil
        cursor.lookUp(ascending) { position, chunk in
            let series = order[position]
            if case .success(let chunk) = chunk {
                found?.append(chunk, of: series)
            } else {
                found = nil
            }
            if body(Int(series), chunk) { return true }
            found = nil
            return false
        }
        if let found { kept?.keep(found, file: file) }
    }
}
