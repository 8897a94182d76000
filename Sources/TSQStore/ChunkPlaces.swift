import TSQBase

/// Where the blocks have the chunks of each of some series: looked up once, page by page, since
/// reading in label order would decode a page's entries anew for every series.
///
/// - Shape: the entries of series `i` are `entries[ends[i-1]..<ends[i]]`, ascending by block, in time
///   within a block.
struct ChunkPlaces {
    struct Entry {
        var chunk: BlockChunk
        /// Which block.
        var cursor: UInt16
        /// The chunk's time column, numbered over all blocks in the order in which they are met.
        var column: UInt32
    }

    struct TimeColumn: Hashable {
        var cursor: UInt16
        var column: UInt32
    }

    private(set) var entries: [Entry] = []
    private(set) var ends: [UInt32] = []
    private(set) var columns: [TimeColumn] = []
    /// The chunks could not be looked up; empty where that never happened.
    private var isUnknown: [Bool] = []

    /// Chunks that a selection keeps: 6 MiB of them.
    static let chunksMax = 1 << 17

    func range(_ series: Int) -> Range<Int> {
        (series == 0 ? 0 : Int(ends[series - 1]))..<Int(ends[series])
    }

    var areAllKnown: Bool { isUnknown.isEmpty }

    var byteCount: Int {
        entries.count * MemoryLayout<Entry>.stride + ends.count * 4
            + columns.count * MemoryLayout<TimeColumn>.stride
    }

    func isKnown(_ series: Int) -> Bool { isUnknown.isEmpty || !isUnknown[series] }

    /// Nil when they could not be looked up.
    func chunks(_ series: Int) -> ArraySlice<Entry>? {
        isKnown(series) ? entries[range(series)] : nil
    }

    /// Collects chunks as they are found, block by block, and puts them in the order of the series.
    struct Builder {
        private var found: [Entry] = []
        private var seriesOf: [UInt32] = []
        /// Where the chunks of each block begin, in the order in which blocks are looked into.
        private var starts: [(cursor: Int, first: Int)] = []
        private var places: ChunkPlaces
        private var numbers: [TimeColumn: UInt32] = [:]
        private var last: (column: TimeColumn, number: UInt32)?
        private let seriesCount: Int
        private let limit: Int

        init(seriesCount: Int, chunksMax: Int) {
            self.seriesCount = seriesCount
            limit = chunksMax
            places = ChunkPlaces()
            found.reserveCapacity(min(chunksMax, seriesCount * 4))
            seriesOf.reserveCapacity(min(chunksMax, seriesCount * 4))
        }

        /// What follows is of another block.
        mutating func begin(cursor: Int) { starts.append((cursor, found.count)) }

        /// False when there is no place for more.
        mutating func add(_ chunk: BlockChunk, cursor: Int, series: Int) -> Bool {
            guard found.count < limit, let cursor = UInt16(exactly: cursor) else { return false }
            let column = TimeColumn(cursor: cursor, column: chunk.timeColumn)
            found.append(Entry(chunk: chunk, cursor: cursor, column: number(column)))
            seriesOf.append(UInt32(series))
            return true
        }

        /// Neighbouring series mostly share their times.
        private mutating func number(_ column: TimeColumn) -> UInt32 {
            if let last, last.column == column { return last.number }
            let number = numbers[column] ?? UInt32(places.columns.count)
            if Int(number) == places.columns.count {
                places.columns.append(column)
                numbers[column] = number
            }
            last = (column, number)
            return number
        }

        mutating func setUnknown(_ series: Int) {
            if places.isUnknown.isEmpty {
                places.isUnknown = [Bool](repeating: false, count: seriesCount)
            }
            places.isUnknown[series] = true
        }

        /// The positions in `found`, ascending by block.
        private var inBlockOrder: some Sequence<Int> {
            let ends = starts.dropFirst().map(\.first) + [found.count]
            return zip(starts, ends).sorted { $0.0.cursor < $1.0.cursor }
                .lazy.flatMap { $0.0.first..<$0.1 }
        }

        consuming func build() -> ChunkPlaces {
            var places = places
            var counts = [UInt32](repeating: 0, count: seriesCount)
            for series in seriesOf { counts[Int(series)] += 1 }
            var sum: UInt32 = 0
            var next = counts
            for series in 0..<seriesCount {
                next[series] = sum
                sum += counts[series]
                counts[series] = sum
            }
            places.ends = counts
            if let any = found.first {
                places.entries = [Entry](repeating: any, count: found.count)
                for index in inBlockOrder {
                    let series = Int(seriesOf[index])
                    places.entries[Int(next[series])] = found[index]
                    next[series] += 1
                }
            }
            return places
        }
    }
}
