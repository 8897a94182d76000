import TSQBase
import TSQChunks
import TSQIO

/// Which stretches of which time columns a read was put together from: equal identities mean equal
/// times.
struct TimesIdentity {
    private(set) var hash = seed
    /// Cleared by a piece whose times nobody shares.
    private(set) var isShared = true

    private static let seed: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func add(_ source: UInt64, _ column: UInt64, _ range: Range<Int>) {
        add(Self.piece(source, column, range))
    }

    /// Adds what `piece` answered.
    @inline(__always)
    mutating func add(_ piece: UInt64) { hash = Self.mix(hash, piece) }

    /// Some rows of a column of times.
    static func piece(_ source: UInt64, _ column: UInt64, _ range: Range<Int>) -> UInt64 {
        var piece = mix(seed, source)
        piece = mix(piece, column)
        piece = mix(piece, UInt64(truncatingIfNeeded: range.lowerBound))
        return mix(piece, UInt64(truncatingIfNeeded: range.upperBound))
    }

    @inline(__always)
    private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        var hash = (hash ^ word) &* 0xBF58_476D_1CE4_E5B9
        hash ^= hash >> 29
        hash = hash &* 0x94D0_49BB_1331_11EB
        return hash ^ hash >> 32
    }

    mutating func addUnshared() { isShared = false }

    var id: UInt64 { isShared ? max(1, hash) : 0 }
}

/// Reads series of one block and keeps what neighbouring series need again: the page's place and
/// decoded time columns. One thread at a time.
struct BlockCursor {
    let block: Block
    /// The page looked into last, and all its chunks.
    private var page: BlockPage?
    private var pageChunks: [BlockChunk] = []
    /// Series that no page has, as found last.
    private var gap: ClosedRange<UInt32>?
    /// By the number of the column; empty: not decoded. No entries before the first is.
    private var timesByColumn: [[TimestampMs]] = []
    private var timesCount = 0
    private var lastBounds = ColumnBounds()
    private var scratchValues: [Double] = []

    /// Decoded time columns kept.
    private static let timesMax = 512

    init(_ block: Block) { self.block = block }

    /// The chunks of series `ref`, ascending in time within a kind.
    ///
    /// - Complexity: O(log chunks of a page) in the page of the call before, otherwise O(chunks of
    ///   the page): ask in ascending order of refs.
    mutating func chunks(of ref: UInt32) throws(BlockError) -> ArraySlice<BlockChunk> {
        if page.map({ ref < $0.firstRef || ref > $0.lastRef }) ?? true {
            if let gap, gap.contains(ref) { return [] }
            guard let index = try block.pageIndex(of: ref) else {
                gap = ref...(try block.firstRef(after: ref).map { max(ref, $0 - 1) } ?? .max)
                return []
            }
            try open(index)
        }
        var low = 0
        var high = pageChunks.count
        while low < high {
            let middle = (low + high) / 2
            if pageChunks[middle].ref < ref { low = middle + 1 } else { high = middle }
        }
        while high < pageChunks.count, pageChunks[high].ref == ref { high += 1 }
        return pageChunks[low..<high]
    }

    private mutating func open(_ index: Int) throws(BlockError) {
        page = nil
        let opened = try block.page(index)
        try block.readEntries(of: opened, index, into: &pageChunks) { _ in true }
        page = opened
    }

    /// Calls `body` with the chunks of many series, page by page.
    ///
    /// - Parameters:
    ///   - refs: ascending.
    ///   - body: with a position in `refs`, and a chunk, or why the series cannot be looked up.
    ///     Answers whether to go on.
    /// - Complexity: O(chunks of the pages that have any of `refs`).
    func lookUp(
        _ refs: [UInt32], _ body: (_ position: Int, _ chunk: Result<BlockChunk, BlockError>) -> Bool
    ) {
        var pages = PageWalk(block)
        var chunks: [BlockChunk] = []
        var at = 0
        while at < refs.count {
            do throws(BlockError) {
                guard let page = try pages.move(to: refs[at]) else {
                    guard let next = try pages.firstRef(after: refs[at]) else { return }
                    while at < refs.count && refs[at] < next { at += 1 }
                    continue
                }
                var next = at
                try block.readEntries(of: page, pages.index, into: &chunks) { ref in
                    while next < refs.count && refs[next] < ref { next += 1 }
                    return next < refs.count && refs[next] == ref
                }
                for chunk in chunks {
                    while refs[at] < chunk.ref { at += 1 }
                    if !body(at, .success(chunk)) { return }
                }
                while at < refs.count && refs[at] <= page.lastRef { at += 1 }
            } catch {
                if !body(at, .failure(error)) { return }
                at += 1
            }
        }
    }

    /// Finds the pages of ascending series: mostly the next one.
    private struct PageWalk {
        private let block: Block
        private(set) var index = -1

        init(_ block: Block) { self.block = block }

        /// The page that has `ref` if any has.
        mutating func move(to ref: UInt32) throws(BlockError) -> BlockPage? {
            if index + 1 < block.pageCount {
                let next = try block.page(index + 1)
                if ref >= next.firstRef && ref <= next.lastRef {
                    index += 1
                    return next
                }
            }
            guard let found = try block.pageIndex(of: ref) else { return nil }
            index = found
            return try block.page(found)
        }

        /// The first series of the page behind `ref`, which no page has; nil: there is none.
        func firstRef(after ref: UInt32) throws(BlockError) -> UInt32? {
            try block.firstRef(after: ref)
        }
    }

    /// The first and the last time that `chunk` may have.
    mutating func bounds(
        _ chunk: BlockChunk
    ) throws(BlockError) -> (minMs: TimestampMs, maxMs: TimestampMs) {
        let index = Int(chunk.timeColumn)
        if index < timesByColumn.count, let first = timesByColumn[index].first,
            let last = timesByColumn[index].last
        {
            return (first, last)
        }
        try lastBounds.find(chunk, block)
        return (lastBounds.minMs, lastBounds.maxMs)
    }

    mutating func times(_ column: UInt32) throws(BlockError) -> [TimestampMs] {
        let index = Int(column)
        if index < timesByColumn.count, !timesByColumn[index].isEmpty {
            return timesByColumn[index]
        }
        // Throws when there is no such column.
        let times = try block.times(column)
        if timesByColumn.isEmpty || timesCount >= Self.timesMax {
            timesByColumn = [[TimestampMs]](repeating: [], count: Int(block.footer.timesCount))
            timesCount = 0
        }
        timesByColumn[index] = times
        timesCount += 1
        return times
    }

    /// The first and the last time of the column asked for last: neighbouring series mostly share it.
    struct ColumnBounds {
        private var column: UInt32?
        private(set) var minMs: TimestampMs = 0
        private(set) var maxMs: TimestampMs = 0

        /// Moves to the column of `chunk`.
        @inline(__always)
        mutating func find(_ chunk: BlockChunk, _ block: Block) throws(BlockError) {
            if chunk.timeColumn != column { try load(chunk.timeColumn, block) }
        }

        private mutating func load(_ wanted: UInt32, _ block: Block) throws(BlockError) {
            let found = try block.timeColumn(wanted)
            column = wanted
            (minMs, maxMs) = (found.minTimeMs, found.maxTimeMs)
        }
    }

    /// Appends the samples of `chunk` with `fromMs < time <= toMs` to `columns`.
    mutating func decode(
        _ chunk: BlockChunk, fromMs: TimestampMs, toMs: TimestampMs,
        into columns: inout SampleColumns, identity: inout TimesIdentity
    ) throws(BlockError) {
        let shared = try times(chunk.timeColumn)
        let block = block
        do {
            if chunk.flags.contains(.histogram) {
                try decodeHistograms(chunk, shared, fromMs, toMs, into: &columns)
            } else if chunk.flags.contains(.presence) {
                let bytes = try block.bytes(
                    chunk.offset + chunk.valuesCount, chunk.presenceCount)
                let presence = try PresenceBitmap.decode(bytes)
                if presence.rowCount != shared.count {
                    throw BlockError(reason: "a presence bitmap has \(presence.rowCount) rows")
                }
                var present: [TimestampMs] = []
                presence.select(shared.span, into: &present)
                try decodeFloats(chunk, present, fromMs, toMs, into: &columns)
                identity.addUnshared()
            } else {
                let range = try decodeFloats(chunk, shared, fromMs, toMs, into: &columns)
                identity.add(block.entry.file, UInt64(chunk.timeColumn), range)
            }
        } catch let error as ChunkError {
            throw BlockError(reason: "series \(chunk.ref): \(error.message)")
        } catch let error as BlockError {
            throw error
        } catch {
            throw BlockError(reason: "\(error)")
        }
    }

    @discardableResult
    private mutating func decodeFloats(
        _ chunk: BlockChunk, _ times: [TimestampMs], _ fromMs: TimestampMs, _ toMs: TimestampMs,
        into columns: inout SampleColumns
    ) throws -> Range<Int> {
        let range = TimeRange.rows(times, fromMs: fromMs, toMs: toMs)
        if range.isEmpty { return range }
        let block = block
        let bytes = try block.bytes(chunk.offset, chunk.valuesCount)
        let whole = range.count == times.count
        if whole {
            let before = columns.values.count
            try ValueChunk.decode(bytes, into: &columns.values)
            if columns.values.count - before != times.count {
                throw BlockError(reason: "a chunk of series \(chunk.ref) has too few values")
            }
            columns.times.append(contentsOf: times)
        } else {
            scratchValues.removeAll(keepingCapacity: true)
            try ValueChunk.decode(bytes, into: &scratchValues)
            if scratchValues.count != times.count {
                throw BlockError(reason: "a chunk of series \(chunk.ref) has too few values")
            }
            columns.values.append(contentsOf: scratchValues[range])
            columns.times.append(contentsOf: times[range])
        }
        if chunk.flags.contains(.startTimes) {
            let offset = chunk.offset + chunk.valuesCount + chunk.presenceCount
            var starts: [TimestampMs] = []
            try TimeChunk.decode(try block.bytes(offset, chunk.startTimesCount), into: &starts)
            if starts.count != times.count {
                throw BlockError(reason: "a chunk of series \(chunk.ref) lacks start times")
            }
            columns.padStartTimes(to: columns.times.count - range.count)
            columns.startTimes.append(contentsOf: starts[range])
        } else if !columns.startTimes.isEmpty {
            columns.padStartTimes(to: columns.times.count)
        }
        return range
    }

    private mutating func decodeHistograms(
        _ chunk: BlockChunk, _ times: [TimestampMs], _ fromMs: TimestampMs, _ toMs: TimestampMs,
        into columns: inout SampleColumns
    ) throws {
        let range = TimeRange.rows(times, fromMs: fromMs, toMs: toMs)
        if range.isEmpty { return }
        let block = block
        let bytes = try block.bytes(chunk.offset, chunk.valuesCount)
        var whole = HistogramColumns()
        try HistogramChunk.decode(bytes, into: &whole)
        whole.times = times
        if whole.schemas.count != times.count {
            throw BlockError(reason: "a chunk of series \(chunk.ref) has too few histograms")
        }
        columns.histograms.append(whole, range)
    }
}
