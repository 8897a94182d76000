import Synchronization
import TSQBase
import TSQChunks
import TSQIO

/// An immutable block file, mapped; opened by reading its footer only. Pages and tables are held
/// against their checksums when they are first read.
final class Block: Sendable {
    let entry: Manifest.BlockEntry
    let footer: BlockFooter
    private let file: MappedFile
    /// One bit a page, then one for the page table and one for the table of time columns.
    private let verified: Guarded<[UInt64]>

    /// - Throws: `BlockError` when the file is no complete block.
    init(_ entry: Manifest.BlockEntry, _ file: MappedFile) throws(BlockError) {
        self.entry = entry
        self.file = file
        let footerCount = BlockFormat.footerByteCount
        guard file.byteCount >= BlockFormat.headerByteCount + footerCount else {
            throw BlockError(reason: "the file has only \(file.byteCount) bytes")
        }
        let tail: Span<UInt8>
        do throws(IOError) {
            tail = try file.bytes(at: file.byteCount - footerCount, count: footerCount)
        } catch {
            throw BlockError(reason: error.message)
        }
        let footer = try BlockFooter(tail)
        self.footer = footer
        let end = UInt64(file.byteCount - footerCount)
        let timesBytes = UInt64(footer.timesCount) * UInt64(BlockFormat.timeEntryByteCount)
        let pagesBytes = UInt64(footer.pagesCount) * UInt64(BlockFormat.pageEntryByteCount)
        guard footer.timesOffset <= end, timesBytes <= end - footer.timesOffset,
            footer.pagesOffset <= end, pagesBytes <= end - footer.pagesOffset
        else { throw BlockError(reason: "the footer points outside of the file") }
        verified = Guarded(
            [UInt64](repeating: 0, count: (Int(footer.pagesCount) + 2 + 63) / 64))
    }

    var path: String { file.path }
    var byteCount: Int { file.byteCount }
    var pageCount: Int { Int(footer.pagesCount) }

    @_lifetime(borrow self)
    func bytes(_ offset: Int, _ count: Int) throws(BlockError) -> Span<UInt8> {
        let buffer: UnsafeBufferPointer<UInt8>
        do throws(IOError) {
            buffer = try file.unsafeBytes(at: offset, count: count)
        } catch {
            throw BlockError(reason: error.message)
        }
        // Safe because: `file` holds the bytes and lives as long as `self`.
        return unsafe _overrideLifetime(Span(_unsafeElements: buffer), borrowing: self)
    }

    /// Checks bytes that have not been checked yet against their checksum.
    private func verify(
        _ bit: Int, _ bytes: Span<UInt8>, _ checksum: UInt32, _ what: @autoclosure () -> String
    ) throws(BlockError) {
        let mask: UInt64 = 1 << UInt64(bit & 63)
        if verified.withLock({ $0[bit >> 6] & mask != 0 }) { return }
        if CRC32C.checksum(bytes) != checksum {
            throw BlockError(reason: "\(what()) fails its checksum")
        }
        verified.withLock { $0[bit >> 6] |= mask }
    }

    /// Entry `index` of the page table.
    func page(_ index: Int) throws(BlockError) -> BlockPage {
        let offset = Int(footer.pagesOffset)
        let tableCount = pageCount * BlockFormat.pageEntryByteCount
        let table = try bytes(offset, tableCount)
        try verify(pageCount, table, footer.pagesChecksum, "the page table")
        let start = index * BlockFormat.pageEntryByteCount
        do throws(ByteReadError) {
            var reader = ByteReader(
                table.extracting(start..<(start + BlockFormat.pageEntryByteCount)))
            return try BlockPage(&reader)
        } catch {
            throw BlockError(reason: "page entry \(index) is malformed: \(error)")
        }
    }

    /// The page that has the series `ref` if any has.
    func pageIndex(of ref: UInt32) throws(BlockError) -> Int? {
        var low = 0
        var high = pageCount
        while low < high {
            let middle = (low + high) / 2
            if try page(middle).lastRef < ref { low = middle + 1 } else { high = middle }
        }
        guard low < pageCount, try page(low).firstRef <= ref else { return nil }
        return low
    }

    func timeColumn(_ index: UInt32) throws(BlockError) -> BlockTimeColumn {
        let tableCount = Int(footer.timesCount) * BlockFormat.timeEntryByteCount
        let table = try bytes(Int(footer.timesOffset), tableCount)
        try verify(pageCount + 1, table, footer.timesChecksum, "the table of time columns")
        guard index < footer.timesCount else {
            throw BlockError(reason: "time column \(index) of \(footer.timesCount)")
        }
        let start = Int(index) * BlockFormat.timeEntryByteCount
        do throws(ByteReadError) {
            var reader = ByteReader(
                table.extracting(start..<(start + BlockFormat.timeEntryByteCount)))
            return try BlockTimeColumn(&reader)
        } catch {
            throw BlockError(reason: "time entry \(index) is malformed: \(error)")
        }
    }

    /// The times of column `index`.
    func times(_ index: UInt32) throws(BlockError) -> [TimestampMs] {
        let column = try timeColumn(index)
        let span = try bytes(Int(clamping: column.offset), Int(column.byteCount))
        if CRC32C.checksum(span) != column.checksum {
            throw BlockError(reason: "time column \(index) fails its checksum")
        }
        var times: [TimestampMs] = []
        times.reserveCapacity(Int(column.count))
        do throws(ChunkError) {
            try TimeChunk.decode(span, into: &times)
        } catch {
            throw BlockError(reason: error.message)
        }
        if times.count != Int(column.count) {
            throw BlockError(reason: "time column \(index) has \(times.count) times")
        }
        return times
    }

    /// Where the chunks of page `index` are.
    func entries(ofPage index: Int) throws(BlockError) -> [BlockChunk] {
        let page = try page(index)
        let span = try bytes(Int(clamping: page.offset), Int(page.byteCount))
        try verify(index, span, page.checksum, "page \(index)")
        do throws(ByteReadError) {
            return try BlockChunk.decode(span, page)
        } catch {
            throw BlockError(reason: "page \(index) is malformed: \(error)")
        }
    }

    /// Reads everything and checks every checksum and every chunk.
    func verifyAll() throws(BlockError) {
        var columns = SampleColumns()
        var cursor = BlockCursor(self)
        for index in 0..<pageCount {
            for chunk in try entries(ofPage: index) {
                columns.removeAll()
                var identity = TimesIdentity()
                try cursor.decode(
                    chunk, fromMs: .min, toMs: .max, into: &columns, identity: &identity)
            }
        }
    }
}

/// One chunk as a page's entries describe it; offsets count from the start of the file.
struct BlockChunk: Sendable {
    var ref: UInt32
    var flags: BlockFormat.Flags
    var timeColumn: UInt32
    var offset: Int
    var valuesCount: Int
    var presenceCount = 0
    var startTimesCount = 0

    static func decode(
        _ span: Span<UInt8>, _ page: BlockPage
    ) throws(ByteReadError) -> [BlockChunk] {
        var reader = ByteReader(span)
        // An entry takes at least four bytes.
        let count = try reader.count(max: span.count / 4)
        var chunks: [BlockChunk] = []
        chunks.reserveCapacity(count)
        var ref = UInt64(page.firstRef)
        var bodyCount = 0
        for _ in 0..<count {
            ref += try reader.uvarint()
            let flags = BlockFormat.Flags(rawValue: try reader.u8())
            let timeColumn = UInt32(clamping: try reader.uvarint())
            var chunk = BlockChunk(
                ref: UInt32(clamping: ref), flags: flags, timeColumn: timeColumn,
                offset: bodyCount, valuesCount: try reader.count(max: span.count))
            if flags.contains(.presence) {
                chunk.presenceCount = try reader.count(max: span.count)
            }
            if flags.contains(.startTimes) {
                chunk.startTimesCount = try reader.count(max: span.count)
            }
            bodyCount += chunk.valuesCount + chunk.presenceCount + chunk.startTimesCount
            chunks.append(chunk)
        }
        if bodyCount != reader.remaining {
            throw .truncated(offset: reader.offset, needed: bodyCount)
        }
        let base = Int(clamping: page.offset) + reader.offset
        for index in chunks.indices { chunks[index].offset += base }
        return chunks
    }
}
