import Synchronization
import TSQBase
import TSQChunks
import TSQIO

/// An immutable block file, mapped; opened by reading its footer only. Pages and tables are held
/// against their checksums when they are first read.
final class Block: Sendable {
    let entry: Manifest.BlockEntry
    let footer: BlockFooter
    /// By which others know what they keep of it.
    let serial = SerialNumber.next()
    private let file: MappedFile
    /// One bit a page, then one for the page table and one for the table of time columns.
    ///
    /// - Note: no `Guarded`, which is not specialised over modules: every look-up comes here.
    private let verified: Mutex<[UInt64]>
    /// Time columns decoded before, by their numbers: all series of a target share one, and every query
    /// that reads the block needs it.
    private let keptTimes = Mutex((columns: [[TimestampMs]](), count: 0))
    /// Times kept: those of short blocks, which most queries read, are not more.
    private static let keptTimesMax = 1 << 13

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
        verified = Mutex(
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

    /// The whole file, for owners that hold this object as long as they use the pointer.
    var mapped: UnsafeRawBufferPointer {
        guard let bytes = try? file.unsafeBytes(at: 0, count: file.byteCount) else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(bytes)
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

    /// The page that has the series `wanted` if any has.
    func pageIndex(of wanted: UInt32) throws(BlockError) -> Int? {
        guard let page = try firstPage(endingAt: wanted) else { return nil }
        return page.firstRef <= wanted ? page.index : nil
    }

    /// The first series behind `ref`, which no page has, that a page has; nil: there is none.
    func firstRef(after ref: UInt32) throws(BlockError) -> UInt32? {
        guard ref < .max, let page = try firstPage(endingAt: ref) else { return nil }
        return max(page.firstRef, ref + 1)
    }

    /// The first page whose last series is `wanted` or one behind it.
    private func firstPage(
        endingAt wanted: UInt32
    ) throws(BlockError) -> (index: Int, firstRef: UInt32)? {
        if pageCount == 0 { return nil }
        // Checks the table once.
        _ = try page(0)
        let size = BlockFormat.pageEntryByteCount
        let table = try bytes(Int(footer.pagesOffset), pageCount * size)
        // Safe because: every load is below `pageCount * size`.
        return table.withUnsafeBytes { raw in
            func ref(_ page: Int, _ field: Int) -> UInt32 {
                UInt32(
                    littleEndian: raw.loadUnaligned(
                        fromByteOffset: page * size + field, as: UInt32.self))
            }
            var (low, high) = (0, pageCount)
            while low < high {
                let middle = (low + high) / 2
                // The last ref is the entry's second field.
                if ref(middle, 4) < wanted { low = middle + 1 } else { high = middle }
            }
            return low < pageCount ? (low, ref(low, 0)) : nil
        }
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
        let place = Int(index)
        let known = keptTimes.withLock { kept in
            place < kept.columns.count ? kept.columns[place] : []
        }
        if !known.isEmpty { return known }
        let times = try decodeTimes(index)
        keep(times, place)
        return times
    }

    private func keep(_ times: [TimestampMs], _ place: Int) {
        if footer.timesCount > Self.keptTimesMax { return }
        keptTimes.withLock { kept in
            if kept.count + times.count > Self.keptTimesMax { return }
            if kept.columns.isEmpty {
                kept.columns = [[TimestampMs]](repeating: [], count: Int(footer.timesCount))
            }
            if kept.columns[place].isEmpty { kept.count += times.count }
            kept.columns[place] = times
        }
    }

    /// As `times`, from the file whatever was kept of it.
    func decodeTimes(_ index: UInt32) throws(BlockError) -> [TimestampMs] {
        let column = try timeColumn(index)
        let span = try bytes(Int(clamping: column.offset), Int(column.byteCount))
        if CRC32C.checksum(span) != column.checksum {
            throw BlockError(reason: "time column \(index) fails its checksum")
        }
        guard column.count <= ChunkLimits.samplesMax else {
            throw BlockError(reason: "time column \(index) has \(column.count) times")
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

    /// Where the chunks of page `index` are, ascending by series.
    func entries(ofPage index: Int) throws(BlockError) -> [BlockChunk] {
        var chunks: [BlockChunk] = []
        try readEntries(of: try page(index), index, into: &chunks) { _ in true }
        return chunks
    }

    /// Replaces `chunks` by those of `page`, which is page `index`, that are wanted.
    @inline(__always)
    func readEntries(
        of page: BlockPage, _ index: Int, into chunks: inout [BlockChunk],
        where isWanted: (_ ref: UInt32) -> Bool
    ) throws(BlockError) {
        let span = try bytes(Int(clamping: page.offset), Int(page.byteCount))
        try verify(index, span, page.checksum, "page \(index)")
        if !BlockChunk.decode(span, page, into: &chunks, where: isWanted) {
            throw BlockError(reason: "page \(index) is malformed")
        }
    }

    /// A fault maps what the page cache has around it, 64 KiB at most, with pages given back before.
    private static let mappedAroundBytes = 128 << 10

    /// Gives back the memory of a page that is not read again soon, and of what lies before it.
    func forget(page index: Int) throws(BlockError) {
        let page = try page(index)
        let start = Int(clamping: page.offset)
        let (end, overflow) = start.addingReportingOverflow(Int(page.byteCount))
        if !overflow { file.forget(max(0, start - Self.mappedAroundBytes)..<end) }
    }

    /// Reads everything and checks every checksum and every chunk.
    func verifyAll() throws(BlockError) {
        for index in 0..<footer.timesCount { _ = try decodeTimes(index) }
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
    var timeColumn: UInt32
    var offset: Int
    // Of 32 bits, as a page's length is: selections keep many of these.
    private var valuesBytes: UInt32
    private var presenceBytes: UInt32
    private var startTimesBytes: UInt32
    var flags: BlockFormat.Flags

    var valuesCount: Int { Int(valuesBytes) }
    var presenceCount: Int { Int(presenceBytes) }
    var startTimesCount: Int { Int(startTimesBytes) }

    /// Whether it has a float at each time of its time column.
    var hasAllRows: Bool { !flags.contains(.presence) && !flags.contains(.histogram) }

    /// Replaces `chunks` by those of a page that are wanted; false when the entries contradict the
    /// format.
    @inline(__always)
    static func decode(
        _ span: Span<UInt8>, _ page: BlockPage, into chunks: inout [BlockChunk],
        where isWanted: (_ ref: UInt32) -> Bool
    ) -> Bool {
        chunks.removeAll(keepingCapacity: true)
        let bodyStart: Int? = span.withUnsafeBytes { raw in
            var scan = EntryScan(raw)
            // An entry takes at least four bytes.
            let count = scan.count(raw.count / 4)
            var current = UInt64(page.firstRef)
            var bodyCount = 0
            for _ in 0..<count {
                if let entry = scan.plainEntry() {
                    current += UInt64(entry.step)
                    if current > UInt64(UInt32.max) { return nil }
                    if isWanted(UInt32(current)) {
                        chunks.append(
                            BlockChunk(
                                ref: UInt32(current), timeColumn: entry.timeColumn,
                                offset: bodyCount, valuesCount: entry.values))
                    }
                    bodyCount += Int(entry.values)
                    continue
                }
                current += scan.varint()
                let flags = BlockFormat.Flags(rawValue: scan.byte())
                let timeColumn = UInt32(clamping: scan.varint())
                let values = scan.count(raw.count)
                let presence = flags.contains(.presence) ? scan.count(raw.count) : 0
                let starts = flags.contains(.startTimes) ? scan.count(raw.count) : 0
                if scan.failed || current > UInt64(UInt32.max) { return nil }
                if isWanted(UInt32(current)) {
                    chunks.append(
                        BlockChunk(
                            ref: UInt32(current), timeColumn: timeColumn, offset: bodyCount,
                            valuesBytes: UInt32(values), presenceBytes: UInt32(presence),
                            startTimesBytes: UInt32(starts), flags: flags))
                }
                bodyCount += values + presence + starts
            }
            return !scan.failed && bodyCount == raw.count - scan.offset ? scan.offset : nil
        }
        guard let bodyStart else { return false }
        let base = Int(clamping: page.offset) + bodyStart
        for index in chunks.indices { chunks[index].offset += base }
        return true
    }
}

extension BlockChunk {
    /// A chunk of plain values.
    init(ref: UInt32, timeColumn: UInt32, offset: Int, valuesCount: UInt32) {
        self.init(
            ref: ref, timeColumn: timeColumn, offset: offset, valuesBytes: valuesCount,
            presenceBytes: 0, startTimesBytes: 0, flags: [])
    }
}

/// Reads a page's entries without throwing at each: a look-up reads all of the page.
private struct EntryScan {
    private let raw: UnsafeRawBufferPointer
    private(set) var offset = 0
    private(set) var failed = false

    // Safe because: `byte` reads below `raw.count` only; the pointer lives as long as its closure.
    init(_ raw: UnsafeRawBufferPointer) { self.raw = raw }

    @inline(__always)
    mutating func byte() -> UInt8 {
        guard offset < raw.count else {
            failed = true
            return 0
        }
        defer { offset += 1 }
        return raw[offset]
    }

    /// The commonest entry, without flags, whose numbers have one byte each, that of the values up to
    /// two; nil, and nothing read, where the next entry is another.
    ///
    /// Safe because: the eight bytes loaded lie below `raw.count`.
    @inline(__always)
    mutating func plainEntry() -> (step: UInt32, timeColumn: UInt32, values: UInt32)? {
        guard offset &+ 8 <= raw.count else { return nil }
        let word = UInt64(
            littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        if word & 0x80_FF80 != 0 { return nil }
        let step = UInt32(truncatingIfNeeded: word & 0x7F)
        let column = UInt32(truncatingIfNeeded: word >> 16 & 0x7F)
        let low = UInt32(truncatingIfNeeded: word >> 24 & 0x7F)
        if word & 0x8000_0000 == 0 {
            offset &+= 4
            return (step, column, low)
        }
        if word & 0x80_0000_0000 != 0 { return nil }
        offset &+= 5
        return (step, column, low | UInt32(truncatingIfNeeded: word >> 32 & 0x7F) << 7)
    }

    @inline(__always)
    mutating func varint() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 63 {
            let byte = byte()
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        failed = true
        return 0
    }

    @inline(__always)
    mutating func count(_ max: Int) -> Int {
        let value = varint()
        if value > UInt64(max) {
            failed = true
            return 0
        }
        return Int(value)
    }
}
