import CPrefetch
import TSQBase
import TSQChunks

/// Reads series whose samples are whole rows of shared time columns: the frequent case, in which
/// nothing has to be merged. What series of one group have in common (the times, which rows lie
/// within the bounds) is worked out once for all of them; what is left for each is to decode its
/// values, end to end.
///
/// `SeriesReader` is the plain form; whatever is not aligned goes there. One thread at a time.
///
/// Safe because: values are written into room of `pattern rows + rows of the longest piece`, and a
/// piece writes at most its own rows at the place where the pieces before it end.
struct AlignedReader {
    /// Samples up to here are wanted only as far as the newest of them.
    struct Bounds: Equatable {
        var fromMs: TimestampMs
        var newestAtMs: TimestampMs
        var toMs: TimestampMs
    }

    /// Values turned and kept at most, 4 MiB of them; beyond that each is looked up where it is.
    private static let turnedMax = 1 << 19

    private struct Piece {
        /// Of the chunks an entry, of the head the complement of a place.
        var source: Int
        /// The time column, or the row buffer.
        var number: Int
        var rows: Rows

        var isHead: Bool { source < 0 }
        var low: Int { rows.low }
        var high: Int { rows.high }
        var count: Int { rows.high - rows.low }
    }

    private let snapshot: StoreSnapshot
    /// The mapped bytes of each block, which `snapshot` holds: reading them counts no references,
    /// over which two threads would fight.
    private let files: [UnsafeRawBufferPointer]
    private let fileNumbers: [UInt64]
    /// No block has a later sample.
    private let blocksMaxMs: TimestampMs
    /// The chunks of the series from `firstSeries` on.
    private(set) var chunks = ChunkPlaces()
    private var firstSeries = 0
    /// Where the head has each series.
    private let places: [SeriesReader.Place]
    private let placeEnds: [UInt32]
    private var bounds = Bounds(fromMs: 0, newestAtMs: 0, toMs: 0)
    private var epoch: UInt32 = 0
    private var columns: [TimeRows] = []
    private var head: [HeadRows] = []
    /// First of each generation's buffers in `headNumbers`.
    private var headStarts: [Int] = []
    /// Which of `head` each buffer of the generations is; −1: none of the series is there.
    private var headNumbers: [Int32] = []
    /// The times of series that consist of the same pieces.
    private var patterns: [[TimestampMs]] = []
    private var patternOf: [UInt64: Int] = [:]
    private var pieces: [Piece] = []
    /// Where the last of them ends.
    private var lastMs: TimestampMs = 0
    /// Times held in columns and patterns.
    private var timesHeld = 0
    /// Where each of `places` is among the wanted columns of its buffer; empty where too much would
    /// have to be turned.
    private var wantedPlaces: [Int32] = []
    /// Buffer by buffer.
    private var wantedColumns: [Int32] = []

    /// Times kept, 8 MiB of them; beyond that all are forgotten.
    private static let timesMax = 1 << 20

    init(_ snapshot: StoreSnapshot, places: [SeriesReader.Place], placeEnds: [UInt32]) {
        self.snapshot = snapshot
        self.places = places
        self.placeEnds = placeEnds
        files = snapshot.blocks.map(\.mapped)
        fileNumbers = snapshot.blocks.map(\.entry.file)
        blocksMaxMs = snapshot.blocks.map(\.footer.maxTimeMs).max() ?? .min
        findHead()
        findWanted()
    }

    /// Takes the buffers that have any of the series.
    private mutating func findHead() {
        var bufferCount = 0
        for generation in snapshot.generations {
            headStarts.append(bufferCount)
            bufferCount += generation.buffers.count
        }
        headNumbers = [Int32](repeating: -1, count: bufferCount)
        for place in places where headNumber(place) < 0 {
            let generation = snapshot.generations[place.generation]
            headNumbers[headStarts[place.generation] + place.buffer] = Int32(head.count)
            head.append(
                HeadRows(generation.buffers[place.buffer], number: place.buffer, of: generation))
        }
    }

    @inline(__always)
    private func headNumber(_ place: SeriesReader.Place) -> Int {
        Int(headNumbers[headStarts[place.generation] + place.buffer])
    }

    private mutating func findWanted() {
        var count = 0
        var counts = [Int](repeating: 0, count: head.count)
        for place in places {
            let number = headNumber(place)
            counts[number] += 1
            count += head[number].buffer.times.count
            if count > Self.turnedMax { return }
        }
        var start = 0
        for number in head.indices {
            head[number].wanted = start..<start
            start += counts[number]
        }
        wantedColumns = [Int32](repeating: 0, count: places.count)
        wantedPlaces.reserveCapacity(places.count)
        for place in places {
            let number = headNumber(place)
            let wanted = head[number].wanted
            wantedPlaces.append(Int32(truncatingIfNeeded: wanted.count))
            wantedColumns[wanted.upperBound] = Int32(truncatingIfNeeded: place.column)
            head[number].wanted = wanted.lowerBound..<wanted.upperBound + 1
        }
    }

    /// Where the head has rows of `series`.
    func places(_ series: Int) -> ArraySlice<SeriesReader.Place> { places[placeRange(series)] }

    private func placeRange(_ series: Int) -> Range<Int> {
        (series == 0 ? 0 : Int(placeEnds[series - 1]))..<Int(placeEnds[series])
    }

    /// From here on series are read by these chunks.
    mutating func use(_ chunks: ChunkPlaces, firstSeries: Int) {
        self.chunks = chunks
        self.firstSeries = firstSeries
        columns = [TimeRows](repeating: TimeRows(), count: chunks.columns.count)
        timesHeld = 0
        forget()
    }

    /// For a copy that another thread uses: counting references to the same times, both would fight
    /// over them.
    mutating func forgetPatterns() { forget() }

    private mutating func forget() {
        epoch &+= 1
        patterns.removeAll(keepingCapacity: true)
        patternOf.removeAll(keepingCapacity: true)
    }

    private mutating func begin(_ wanted: Bounds) {
        if timesHeld > Self.timesMax {
            columns = [TimeRows](repeating: TimeRows(), count: columns.count)
            timesHeld = 0
            forget()
        }
        pieces.removeAll(keepingCapacity: true)
        if wanted == bounds { return }
        bounds = wanted
        forget()
    }

    /// Replaces `output` by the samples of a series within the bounds; false when it is not aligned
    /// and `output` was left as it was.
    mutating func read(
        _ series: Int, _ wanted: Bounds, into output: inout SampleColumns
    ) throws(BlockError) -> Bool {
        begin(wanted)
        prefetchChunks(of: series + Self.seriesAhead)
        for index in chunks.range(series - firstSeries) {
            let column = Int(chunks.entries[index].column)
            if chunks.entries[index].chunk.flags.rawValue != 0 { return false }
            if columns[column].epoch != epoch { try load(column) }
            if !addPiece(index, column, columns[column].rows) { return false }
        }
        if !addHead(series) { return false }
        try finish(from: leaveOutOld(), into: &output)
        return true
    }

    /// As `read`, without looking at chunks: false where they matter, too, because the head does not
    /// reach back to the newest sample up to `newestAtMs`.
    mutating func readNewest(
        _ series: Int, _ wanted: Bounds, into output: inout SampleColumns
    ) throws(BlockError) -> Bool {
        if wanted.newestAtMs <= wanted.fromMs { return false }
        begin(wanted)
        if !addHead(series) { return false }
        guard let place = pieces.lastIndex(where: { $0.rows.newest >= 0 }),
            head[pieces[place].number].column.times[pieces[place].rows.newest] > blocksMaxMs
        else { return false }
        try finish(from: leaveOutOld(), into: &output)
        return true
    }

    /// Adds the rows that the head has of `series`; false when some are not plain.
    private mutating func addHead(_ series: Int) -> Bool {
        for index in placeRange(series) {
            let number = headNumber(places[index])
            if head[number].column.epoch != epoch { load(head: number) }
            if !head[number].isPlain { return false }
            if !addPiece(~index, number, head[number].column.rows) { return false }
        }
        return true
    }

    private mutating func finish(
        from first: Int, into output: inout SampleColumns
    ) throws(BlockError) {
        let id = identity(from: first)
        let pattern = pattern(id, from: first)
        // Not `removeAll`: the times are mostly shared, and emptying them would make a copy.
        output.values.removeAll(keepingCapacity: true)
        if !output.startTimes.isEmpty { output.startTimes.removeAll(keepingCapacity: true) }
        if !output.histograms.times.isEmpty { output.histograms.removeAll() }
        output.times = patterns[pattern]
        output.timesID = output.times.isEmpty ? 0 : id
        output.areFinite = try appendValues(from: first, into: &output.values)
    }

    /// False when the piece does not lie behind those before it.
    @inline(__always)
    private mutating func addPiece(_ source: Int, _ number: Int, _ rows: Rows) -> Bool {
        if rows.low >= rows.high { return true }
        if !pieces.isEmpty && rows.minMs <= lastMs { return false }
        lastMs = rows.maxMs
        pieces.append(Piece(source: source, number: number, rows: rows))
        return true
    }

    // MARK: Times

    private mutating func load(_ number: Int) throws(BlockError) {
        if columns[number].times.isEmpty {
            let column = chunks.columns[number]
            columns[number].times = try snapshot.blocks[Int(column.cursor)].times(column.column)
            timesHeld += columns[number].times.count
        }
        let column = chunks.columns[number]
        columns[number].bound(
            bounds, epoch, fileNumbers[Int(column.cursor)], UInt64(column.column))
    }

    private mutating func load(head number: Int) {
        head[number].column.times = head[number].buffer.times
        head[number].isPlain =
            head[number].buffer.isComplete && head[number].buffer.startTimes.isEmpty
        head[number].column.bound(bounds, epoch, head[number].source, head[number].number)
    }

    /// The first piece that is wanted: the last one with a sample up to `newestAtMs`, cut to begin
    /// with the newest such sample.
    private mutating func leaveOutOld() -> Int {
        if bounds.newestAtMs <= bounds.fromMs { return 0 }
        for index in pieces.indices.reversed() where pieces[index].rows.newest >= 0 {
            if pieces[index].rows.low != pieces[index].rows.newest {
                pieces[index].rows.low = pieces[index].rows.newest
                pieces[index].rows.identity = identity(of: pieces[index])
            }
            return index
        }
        return 0
    }

    private func identity(from first: Int) -> UInt64 {
        var identity = TimesIdentity()
        for index in first..<pieces.count { identity.add(pieces[index].rows.identity) }
        return identity.id
    }

    /// As the plain form says it: some series of a selection are read that way.
    private func identity(of piece: Piece) -> UInt64 {
        let rows = piece.low..<piece.high
        if piece.isHead {
            return TimesIdentity.piece(head[piece.number].source, head[piece.number].number, rows)
        }
        let column = chunks.columns[piece.number]
        return TimesIdentity.piece(
            fileNumbers[Int(column.cursor)], UInt64(column.column), rows)
    }

    /// The number of the pattern `id`, made when it is new.
    private mutating func pattern(_ id: UInt64, from first: Int) -> Int {
        guard first < pieces.count else { return pattern(id, pieces[first...]) }
        let piece = pieces[first]
        let last = piece.isHead ? head[piece.number].column.pattern : columns[piece.number].pattern
        if last.id == id { return last.index }
        let index = pattern(id, pieces[first...])
        if piece.isHead {
            head[piece.number].column.pattern = (id, index)
        } else {
            columns[piece.number].pattern = (id, index)
        }
        return index
    }

    private mutating func pattern(_ id: UInt64, _ pieces: ArraySlice<Piece>) -> Int {
        if let known = patternOf[id] { return known }
        var all: [TimestampMs] = []
        var count = 0
        for piece in pieces { count += piece.count }
        all.reserveCapacity(count)
        for piece in pieces {
            let times = piece.isHead ? head[piece.number].column.times : columns[piece.number].times
            all.append(contentsOf: times[piece.low..<piece.high])
        }
        timesHeld += all.count
        patterns.append(all)
        patternOf[id] = patterns.count - 1
        return patterns.count - 1
    }

    // MARK: Values

    /// How many series on chunks begin to be loaded: mostly they are in no cache.
    private static let seriesAhead = 2

    /// The first two lines of the cache of each chunk: few are longer.
    private func prefetchChunks(of series: Int) {
        if series - firstSeries >= chunks.ends.count { return }
        for index in chunks.range(series - firstSeries) {
            guard let file = files[Int(chunks.entries[index].cursor)].baseAddress else { continue }
            let start = file + chunks.entries[index].chunk.offset
            tsq_prefetch(start)
            tsq_prefetch(start + 64)
        }
    }

    /// `mutating`, so that the closure refers to `self` in place instead of holding a copy.
    ///
    /// - Returns: whether all values are known to be finite.
    private mutating func appendValues(
        from first: Int, into values: inout [Double]
    ) throws(BlockError) -> Bool {
        var room = 0
        var longest = 0
        for index in first..<pieces.count {
            room += pieces[index].count
            longest = max(longest, pieces[index].rows.count)
        }
        var failure: BlockError?
        var areFinite = true
        values.append(addingCapacity: room + longest) { (span: inout OutputSpan<Double>) in
            span.withUnsafeMutableBufferPointer { buffer, count in
                guard var at = buffer.baseAddress else { return }
                at += count
                for index in first..<pieces.count {
                    let piece = pieces[index]
                    if piece.isHead {
                        copyRows(piece, to: at)
                        for row in 0..<piece.count where !at[row].isFinite { areFinite = false }
                    } else {
                        do throws(BlockError) {
                            let entry = chunks.entries[piece.source]
                            let isFinite = try Self.decode(
                                entry.chunk, files[Int(entry.cursor)], piece, to: at)
                            if !isFinite { areFinite = false }
                        } catch {
                            failure = error
                            return
                        }
                    }
                    at += piece.count
                }
                count += room
            }
        }
        if let failure { throw failure }
        return areFinite
    }

    private mutating func copyRows(_ piece: Piece, to out: UnsafeMutablePointer<Double>) {
        let number = piece.number
        if wantedPlaces.isEmpty {
            let column = places[~piece.source].column
            for row in piece.low..<piece.high {
                out[row - piece.low] = head[number].buffer.rows[row][column]
            }
            return
        }
        if head[number].turned.isEmpty { head[number].turn(wantedColumns) }
        let start = Int(wantedPlaces[~piece.source]) * head[number].buffer.rows.count
        head[number].turned.withUnsafeBufferPointer { turned in
            precondition(start + piece.high <= turned.count, "BUG: a column beyond those turned")
            guard let values = turned.baseAddress else { return }
            out.update(from: values + (start + piece.low), count: piece.count)
        }
    }

    /// Decodes a chunk to `out` and moves the rows that are wanted to the front.
    @inline(__always)
    private static func decode(
        _ chunk: BlockChunk, _ file: UnsafeRawBufferPointer, _ piece: Piece,
        to out: UnsafeMutablePointer<Double>
    ) throws(BlockError) -> Bool {
        guard chunk.offset >= 0, chunk.valuesCount <= file.count - chunk.offset else {
            throw BlockError(reason: "a chunk of series \(chunk.ref) ends beyond the file")
        }
        let bytes = UnsafeRawBufferPointer(
            rebasing: file[chunk.offset..<(chunk.offset + chunk.valuesCount)])
        let areFinite: Bool
        do throws(ChunkError) {
            let slack = file.count - chunk.offset - chunk.valuesCount
            areFinite = try ValueChunk.decode(bytes, slack: slack, count: piece.rows.count, to: out)
        } catch {
            throw BlockError(reason: "series \(chunk.ref): \(error.message)")
        }
        if piece.low > 0 {
            out.update(from: out + piece.low, count: piece.count)
        }
        return areFinite
    }
}
