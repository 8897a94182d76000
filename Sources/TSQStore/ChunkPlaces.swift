import TSQBase

/// Where the blocks have the chunks of each of some series: looked up once, page by page, since
/// reading in label order would decode a page's entries anew for every series.
///
/// - Shape: a list of chunks a series, ascending by block, in time within a block.
struct ChunkPlaces {
    private struct Entry {
        var chunk: BlockChunk
        var cursor: UInt16
        var next: UInt32
    }

    private var entries: [Entry] = []
    private var heads: [UInt32]
    private let limit: Int

    private static let end = UInt32.max
    /// A head: the chunks could not be looked up.
    private static let unknown = UInt32.max - 1
    /// Chunks that a selection keeps: 5 MiB of them.
    static let chunksMax = 1 << 17

    init(seriesCount: Int, chunksMax: Int) {
        limit = chunksMax
        heads = [UInt32](repeating: Self.end, count: seriesCount)
    }

    /// Puts `chunk` before the others of the series; false when there is no place for more.
    mutating func prepend(_ chunk: BlockChunk, cursor: Int, series: Int) -> Bool {
        if heads[series] == Self.unknown { return true }
        guard entries.count < limit, let cursor = UInt16(exactly: cursor) else {
            return false
        }
        entries.append(Entry(chunk: chunk, cursor: cursor, next: heads[series]))
        heads[series] = UInt32(entries.count - 1)
        return true
    }

    mutating func setUnknown(_ series: Int) { heads[series] = Self.unknown }

    /// Nil when they could not be looked up.
    func chunks(_ series: Int) -> Chunks? {
        heads[series] == Self.unknown ? nil : Chunks(places: self, at: heads[series])
    }

    /// The chunks of one series, with the cursor that reads each.
    struct Chunks: Sequence, IteratorProtocol {
        fileprivate let places: ChunkPlaces
        fileprivate var at: UInt32

        mutating func next() -> (cursor: Int, chunk: BlockChunk)? {
            guard at != ChunkPlaces.end else { return nil }
            let entry = places.entries[Int(at)]
            at = entry.next
            return (Int(entry.cursor), entry.chunk)
        }
    }
}
