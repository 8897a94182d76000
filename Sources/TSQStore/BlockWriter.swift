import TSQBase
import TSQChunks
import TSQIO

/// Writes one block file: chunks in ascending order of refs, the chunks of a series in ascending
/// order of time. One thread at a time.
final class BlockWriter {
    let path: String
    private let file: any File
    private var written: UInt64 = 0
    private var footer = BlockFooter()

    private var pages: [BlockPage] = []
    private var pageEntries = ByteWriter()
    private var pageChunks = ByteWriter()
    private var pageChunkCount = 0
    private var pageFirstRef: UInt32 = 0
    private var lastRef: UInt32?

    private var timeColumns: [BlockTimeColumn] = []
    private var timeBytes = ByteWriter()
    private var timeColumnsByHash: [UInt64: [UInt32]] = [:]
    private var scratch = ChunkScratch()

    init(path: String, sequence: UInt64, fileSystem: any FileSystem) throws(IOError) {
        self.path = path
        file = try fileSystem.open(path, .create)
        footer.sequence = sequence
        var header = ByteWriter()
        header.u64(BlockFormat.magic)
        header.u64(sequence)
        try append(header.bytes)
    }

    /// The number of the time column with these times (ascending, not empty), stored once.
    func timeColumn(_ times: Span<TimestampMs>) -> UInt32 {
        let hash = TimeChunk.contentHash(times)
        var encoded = ByteWriter()
        TimeChunk.encode(times, into: &encoded, scratch: &scratch)
        for candidate in timeColumnsByHash[hash] ?? [] {
            let column = timeColumns[Int(candidate)]
            let start = Int(column.offset)
            if timeBytes.bytes[start..<(start + Int(column.byteCount))]
                .elementsEqual(encoded.bytes)
            {
                return candidate
            }
        }
        let index = UInt32(timeColumns.count)
        timeColumns.append(
            BlockTimeColumn(
                offset: UInt64(timeBytes.count), byteCount: UInt32(encoded.count),
                checksum: CRC32C.checksum(encoded.bytes), count: UInt32(times.count),
                minTimeMs: times[0], maxTimeMs: times[times.count - 1]))
        timeBytes.raw(encoded.bytes)
        timeColumnsByHash[hash, default: []].append(index)
        return index
    }

    /// Adds float samples: one value for every row that `presence` has, or for every row.
    func addFloats(
        ref: UInt32, timeColumn: UInt32, presence: PresenceBitmap?, values: Span<Double>,
        startTimes: Span<TimestampMs>?
    ) throws(IOError) {
        var flags: BlockFormat.Flags = []
        if presence != nil { flags.insert(.presence) }
        if startTimes != nil { flags.insert(.startTimes) }
        try beginChunk(ref: ref, flags: flags, timeColumn: timeColumn)
        var start = pageChunks.count
        ValueChunk.encode(values, into: &pageChunks, scratch: &scratch)
        pageEntries.uvarint(UInt64(pageChunks.count - start))
        if let presence {
            start = pageChunks.count
            presence.encode(into: &pageChunks)
            pageEntries.uvarint(UInt64(pageChunks.count - start))
        }
        if let startTimes {
            start = pageChunks.count
            TimeChunk.encode(startTimes, into: &pageChunks, scratch: &scratch)
            pageEntries.uvarint(UInt64(pageChunks.count - start))
        }
        endChunk(timeColumn: timeColumn, sampleCount: values.count)
    }

    /// Adds the histogram samples `range` of `columns`, one for every row of the time column.
    func addHistograms(
        ref: UInt32, timeColumn: UInt32, columns: borrowing HistogramColumns, range: Range<Int>
    ) throws(IOError) {
        try beginChunk(ref: ref, flags: .histogram, timeColumn: timeColumn)
        let start = pageChunks.count
        HistogramChunk.encode(columns, range, into: &pageChunks, scratch: &scratch)
        pageEntries.uvarint(UInt64(pageChunks.count - start))
        endChunk(timeColumn: timeColumn, sampleCount: range.count)
    }

    /// Adds a chunk of another block as it is.
    ///
    /// - Parameter rowCount: the times of the time column.
    func addCopy(
        ref: UInt32, _ chunk: BlockChunk, of block: Block, timeColumn: UInt32, rowCount: Int
    ) throws {
        var sampleCount = rowCount
        if chunk.flags.contains(.presence) {
            sampleCount = try block.presence(chunk).count
        }
        let counts = [chunk.valuesCount, chunk.presenceCount, chunk.startTimesCount]
        let body = try block.bytes(chunk.offset, counts.reduce(0, +))
        try beginChunk(ref: ref, flags: chunk.flags, timeColumn: timeColumn)
        pageEntries.uvarint(UInt64(chunk.valuesCount))
        if chunk.flags.contains(.presence) { pageEntries.uvarint(UInt64(chunk.presenceCount)) }
        if chunk.flags.contains(.startTimes) {
            pageEntries.uvarint(UInt64(chunk.startTimesCount))
        }
        pageChunks.raw(body)
        endChunk(timeColumn: timeColumn, sampleCount: sampleCount)
    }

    /// The bytes written so far.
    var byteCount: UInt64 { written + UInt64(pageChunks.count + pageEntries.count) }
    var isEmpty: Bool { footer.chunkCount == 0 }

    /// Writes the tables and makes the file durable; the directory is not synced.
    func finish() throws(IOError) -> BlockFooter {
        try closePage()
        let timesStart = written
        try append(timeBytes.bytes)
        var table = ByteWriter()
        for var column in timeColumns {
            column.offset += timesStart
            column.encode(into: &table)
        }
        footer.timesOffset = written
        footer.timesCount = UInt32(timeColumns.count)
        footer.timesChecksum = CRC32C.checksum(table.bytes)
        try append(table.bytes)
        table = ByteWriter()
        for page in pages { page.encode(into: &table) }
        footer.pagesOffset = written
        footer.pagesCount = UInt32(pages.count)
        footer.pagesChecksum = CRC32C.checksum(table.bytes)
        try append(table.bytes)
        try append(footer.encode())
        try flushPending()
        try file.sync()
        file.close()
        return footer
    }

    private func beginChunk(
        ref: UInt32, flags: BlockFormat.Flags, timeColumn: UInt32
    ) throws(IOError) {
        precondition(lastRef.map { $0 <= ref } ?? true, "BUG: series of a block out of order")
        let isNew = lastRef != ref
        if isNew {
            let full =
                pageChunkCount >= BlockFormat.pageChunksMin
                || pageChunks.count >= BlockFormat.pageBytesMin
            if full { try closePage() }
            footer.seriesCount += 1
        }
        if pageChunkCount == 0 { pageFirstRef = ref }
        pageEntries.uvarint(UInt64(ref - (pageChunkCount == 0 ? ref : lastRef ?? ref)))
        pageEntries.u8(flags.rawValue)
        pageEntries.uvarint(UInt64(timeColumn))
        lastRef = ref
        pageChunkCount += 1
    }

    private func endChunk(timeColumn: UInt32, sampleCount: Int) {
        let column = timeColumns[Int(timeColumn)]
        footer.chunkCount += 1
        footer.sampleCount += UInt64(sampleCount)
        footer.minTimeMs = min(footer.minTimeMs, column.minTimeMs)
        footer.maxTimeMs = max(footer.maxTimeMs, column.maxTimeMs)
    }

    private func closePage() throws(IOError) {
        if pageChunkCount == 0 { return }
        var page = ByteWriter(reserving: pageEntries.count + pageChunks.count + 10)
        page.uvarint(UInt64(pageChunkCount))
        page.raw(pageEntries.bytes)
        page.raw(pageChunks.bytes)
        pages.append(
            BlockPage(
                firstRef: pageFirstRef, lastRef: lastRef ?? pageFirstRef, offset: written,
                byteCount: UInt32(page.count), checksum: CRC32C.checksum(page.bytes)))
        try append(page.bytes)
        pageEntries.bytes.removeAll(keepingCapacity: true)
        pageChunks.bytes.removeAll(keepingCapacity: true)
        pageChunkCount = 0
    }

    private var pending: [UInt8] = []
    private static let pendingBytesMax = 1 << 20

    /// Buffers small writes.
    private func append(_ bytes: [UInt8]) throws(IOError) {
        pending.append(contentsOf: bytes)
        written += UInt64(bytes.count)
        if pending.count >= Self.pendingBytesMax { try flushPending() }
    }

    private func flushPending() throws(IOError) {
        let bytes = pending
        try file.append(bytes.span)
        pending.removeAll(keepingCapacity: true)
    }
}
