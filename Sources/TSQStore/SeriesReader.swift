import TSQBase

/// What a reader sees: the head's generations (older first) and the blocks, at one moment between
/// two commits.
struct StoreSnapshot: Sendable {
    var generations: [HeadGeneration]
    /// Ascending by sequence.
    var blocks: [Block]
    /// What of the blocks is hidden.
    var deletions: [Deletion] = []
}

/// Reads series of a snapshot, merged from blocks, rows and side buffers. One thread at a time.
struct SeriesReader {
    /// A column of a row buffer. Of 32 bits each: a selection has one for every series, or several.
    struct Place {
        private let numbers: (generation: UInt32, buffer: UInt32, column: UInt32)

        init(generation: Int, buffer: Int, column: Int) {
            numbers = (UInt32(generation), UInt32(buffer), UInt32(column))
        }

        var generation: Int { Int(numbers.generation) }
        var buffer: Int { Int(numbers.buffer) }
        var column: Int { Int(numbers.column) }
    }

    /// Samples of one source in ascending order of time.
    private enum Source {
        case chunk(cursor: Int, BlockChunk)
        case rows(Place)
        case sideFloats(generation: Int)
        case sideHistograms(generation: Int)
    }

    /// - Order: of pieces that overlap, the one of higher rank has the newer writes.
    private struct Piece {
        var source: Source
        var rank: Int
        var minMs: TimestampMs
        var maxMs: TimestampMs
        var isHistogram: Bool
        /// Only samples with `afterMs < time <= throughMs` are visible.
        var afterMs = TimestampMs.min
        var throughMs = TimestampMs.max
    }

    let snapshot: StoreSnapshot
    private(set) var cursors: [BlockCursor]
    private var pieces: [Piece] = []
    /// Blocks that could not be read, for the caller to name.
    private(set) var firstDamage: (path: String, error: BlockError)?

    init(_ snapshot: StoreSnapshot) {
        self.snapshot = snapshot
        cursors = snapshot.blocks.map { BlockCursor($0) }
    }

    /// Where the head has rows of `ref`.
    func places(of ref: UInt32) -> [Place] {
        var places: [Place] = []
        for (generation, head) in snapshot.generations.enumerated() {
            for (buffer, rows) in head.buffers.enumerated() {
                if let column = rows.layout.column(of: ref) {
                    places.append(Place(generation: generation, buffer: buffer, column: column))
                }
            }
        }
        return places
    }

    /// Whether `ref` may have samples with `fromMs < time <= toMs` beside the head's rows (blocks
    /// answer by the bounds of their chunks).
    mutating func hasSamplesBesideRows(
        _ ref: UInt32, fromMs: TimestampMs, toMs: TimestampMs
    ) throws(BlockError) -> Bool {
        if hasSideSamples(ref, fromMs: fromMs, toMs: toMs) { return true }
        for index in cursors.indices where overlaps(index, fromMs, toMs) {
            for chunk in try cursors[index].chunks(of: ref) {
                let bounds = try cursors[index].bounds(chunk)
                if isVisible(ref, bounds, index, fromMs: fromMs, toMs: toMs) { return true }
            }
        }
        return false
    }

    /// Whether the head has samples of `ref` with `fromMs < time <= toMs` beside its rows.
    func hasSideSamples(_ ref: UInt32, fromMs: TimestampMs, toMs: TimestampMs) -> Bool {
        for head in snapshot.generations {
            guard let side = head.sideBuffer(of: ref) else { continue }
            let columns = side.columns
            if !TimeRange.rows(columns.times, fromMs: fromMs, toMs: toMs).isEmpty { return true }
            let times = columns.histograms.times
            if !TimeRange.rows(times, fromMs: fromMs, toMs: toMs).isEmpty { return true }
        }
        return false
    }

    /// Whether a chunk of block `index` with these bounds may have visible samples in the range.
    func isVisible(
        _ ref: UInt32, _ bounds: (minMs: TimestampMs, maxMs: TimestampMs), _ index: Int,
        fromMs: TimestampMs, toMs: TimestampMs
    ) -> Bool {
        if bounds.minMs > toMs || bounds.maxMs <= fromMs { return false }
        if snapshot.deletions.isEmpty { return true }
        let visible = snapshot.visibleTimes(
            ref, cursors[index].block,
            afterMs: bounds.minMs > fromMs ? bounds.minMs - 1 : fromMs,
            throughMs: min(toMs, bounds.maxMs))
        return !visible.isEmpty
    }

    /// How many chunks a series has in the blocks that overlap the range, at a guess: as if it were in
    /// as many blocks as the others.
    func chunksPerSeries(_ fromMs: TimestampMs, _ toMs: TimestampMs) -> Int {
        var (chunks, series): (UInt64, UInt64) = (0, 1)
        for index in cursors.indices where overlaps(index, fromMs, toMs) {
            let footer = cursors[index].block.footer
            chunks &+= footer.chunkCount
            series = max(series, footer.seriesCount)
        }
        return max(1, Int(clamping: (chunks &+ series &- 1) / series))
    }

    func overlaps(_ index: Int, _ fromMs: TimestampMs, _ toMs: TimestampMs) -> Bool {
        let footer = cursors[index].block.footer
        return footer.minTimeMs <= toMs && footer.maxTimeMs > fromMs
    }

    /// Appends the samples of `ref` with `fromMs < time <= toMs` to `columns`, which must be empty.
    ///
    /// - Parameter chunks: those of `ref` that `chunkPlaces` found, if it did.
    mutating func read(
        _ ref: UInt32, _ places: some Sequence<Place>, chunks: ArraySlice<ChunkPlaces.Entry>? = nil,
        fromMs: TimestampMs, toMs: TimestampMs, into columns: inout SampleColumns
    ) throws(BlockError) {
        pieces.removeAll(keepingCapacity: true)
        if let chunks {
            for entry in chunks { try add(entry.chunk, Int(entry.cursor), fromMs, toMs) }
        } else {
            for index in cursors.indices where overlaps(index, fromMs, toMs) {
                for chunk in try cursors[index].chunks(of: ref) {
                    try add(chunk, index, fromMs, toMs)
                }
            }
        }
        collectHead(ref, places, fromMs, toMs)
        if pieces.isEmpty { return }
        var identity = TimesIdentity()
        if arrange() {
            for piece in pieces {
                try append(piece, ref, fromMs, toMs, into: &columns, &identity)
            }
            columns.timesID = columns.times.isEmpty ? 0 : identity.id
        } else {
            try merge(ref, fromMs, toMs, into: &columns)
        }
    }

    private mutating func add(
        _ chunk: BlockChunk, _ cursor: Int, _ fromMs: TimestampMs, _ toMs: TimestampMs
    ) throws(BlockError) {
        let bounds = try cursors[cursor].bounds(chunk)
        if bounds.minMs > toMs || bounds.maxMs <= fromMs { return }
        let piece = Piece(
            source: .chunk(cursor: cursor, chunk), rank: cursor, minMs: bounds.minMs,
            maxMs: bounds.maxMs, isHistogram: chunk.flags.contains(.histogram))
        if snapshot.deletions.isEmpty {
            pieces.append(piece)
        } else {
            addVisible(piece, chunk.ref, cursors[cursor].block)
        }
    }

    /// Adds what deletions leave of a piece.
    private mutating func addVisible(_ piece: Piece, _ ref: UInt32, _ block: Block) {
        let afterMs = piece.minMs == .min ? .min : piece.minMs - 1
        for part in snapshot.visibleTimes(
            ref, block, afterMs: afterMs, throughMs: piece.maxMs)
        {
            var visible = piece
            visible.afterMs = part.afterMs
            visible.throughMs = part.throughMs
            visible.minMs = max(piece.minMs, part.afterMs + 1)
            visible.maxMs = part.throughMs
            pieces.append(visible)
        }
    }

    private mutating func collectHead(
        _ ref: UInt32, _ places: some Sequence<Place>, _ fromMs: TimestampMs, _ toMs: TimestampMs
    ) {
        func add(_ source: Source, _ rank: Int, _ times: [TimestampMs], isHistogram: Bool) {
            let range = TimeRange.rows(times, fromMs: fromMs, toMs: toMs)
            if range.isEmpty { return }
            pieces.append(
                Piece(
                    source: source, rank: rank, minMs: times[range.lowerBound],
                    maxMs: times[range.upperBound - 1], isHistogram: isHistogram))
        }
        let base = cursors.count
        for place in places {
            let rows = snapshot.generations[place.generation].buffers[place.buffer]
            add(.rows(place), base + 2 * place.generation, rows.times, isHistogram: false)
        }
        for (generation, head) in snapshot.generations.enumerated() {
            guard let side = head.sideBuffer(of: ref) else { continue }
            let rank = base + 2 * generation + 1
            add(.sideFloats(generation: generation), rank, side.columns.times, isHistogram: false)
            add(
                .sideHistograms(generation: generation), rank, side.columns.histograms.times,
                isHistogram: true)
        }
    }

    /// Sorts the pieces by time; false when pieces of one kind overlap.
    private mutating func arrange() -> Bool {
        if pieces.count > 1 { pieces.sort { $0.minMs < $1.minMs } }
        var floatEnd = TimestampMs.min
        var histogramEnd = TimestampMs.min
        for (index, piece) in pieces.enumerated() {
            let end = piece.isHistogram ? histogramEnd : floatEnd
            if index > 0 && piece.minMs <= end { return false }
            if piece.isHistogram { histogramEnd = piece.maxMs } else { floatEnd = piece.maxMs }
        }
        return true
    }

    private mutating func append(
        _ piece: Piece, _ ref: UInt32, _ fromMs: TimestampMs, _ toMs: TimestampMs,
        into columns: inout SampleColumns, _ identity: inout TimesIdentity
    ) throws(BlockError) {
        switch piece.source {
        case .chunk(let cursor, let chunk):
            try cursors[cursor].decode(
                chunk, fromMs: max(fromMs, piece.afterMs), toMs: min(toMs, piece.throughMs),
                into: &columns, identity: &identity)
        case .rows(let place):
            let head = snapshot.generations[place.generation]
            let rows = head.buffers[place.buffer]
            let range = TimeRange.rows(rows.times, fromMs: fromMs, toMs: toMs)
            if rows.read(column: place.column, range, into: &columns) {
                // Files count up from 1, generations of the head down from the top.
                identity.add(~head.number, UInt64(place.buffer), range)
            } else {
                identity.addUnshared()
            }
        case .sideFloats(let generation):
            guard let side = snapshot.generations[generation].sideBuffer(of: ref) else { return }
            let range = TimeRange.rows(side.columns.times, fromMs: fromMs, toMs: toMs)
            let starts = side.columns.startTimes
            for index in range {
                columns.appendFloat(
                    side.columns.times[index], side.columns.values[index],
                    startTimeMs: starts.isEmpty ? 0 : starts[index])
            }
            identity.addUnshared()
        case .sideHistograms(let generation):
            guard let side = snapshot.generations[generation].sideBuffer(of: ref) else { return }
            let histograms = side.columns.histograms
            columns.histograms.append(
                histograms, TimeRange.rows(histograms.times, fromMs: fromMs, toMs: toMs))
        }
    }

    /// The way for pieces that overlap: at equal times the highest rank wins.
    private mutating func merge(
        _ ref: UInt32, _ fromMs: TimestampMs, _ toMs: TimestampMs,
        into columns: inout SampleColumns
    ) throws(BlockError) {
        var all = SampleColumns()
        var floatRanks: [Int] = []
        var histogramRanks: [Int] = []
        var identity = TimesIdentity()
        for piece in pieces {
            try append(piece, ref, fromMs, toMs, into: &all, &identity)
            while floatRanks.count < all.times.count { floatRanks.append(piece.rank) }
            while histogramRanks.count < all.histograms.count { histogramRanks.append(piece.rank) }
        }
        for index in Self.winners(all.times, floatRanks) {
            columns.appendFloat(
                all.times[index], all.values[index],
                startTimeMs: all.startTimes.isEmpty ? 0 : all.startTimes[index])
        }
        for index in Self.winners(all.histograms.times, histogramRanks) {
            columns.histograms.append(all.histograms, index)
        }
    }

    /// The positions to keep, in ascending order of time.
    private static func winners(_ times: [TimestampMs], _ ranks: [Int]) -> [Int] {
        let order = times.indices.sorted {
            times[$0] == times[$1] ? ranks[$0] > ranks[$1] : times[$0] < times[$1]
        }
        var result: [Int] = []
        result.reserveCapacity(order.count)
        for index in order where result.last.map({ times[$0] != times[index] }) ?? true {
            result.append(index)
        }
        return result
    }
}
