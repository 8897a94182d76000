import TSQBase
import TSQIO

/// The layout of block files (docs/format/block.md).
enum BlockFormat {
    /// `TSQBLK1\n`
    static let magic: UInt64 = 0x0A31_4B4C_4251_5354
    static let headerByteCount = 16
    static let footerByteCount = 96

    /// A page is closed once it has this many chunks or bytes, at the end of a series.
    static let pageChunksMin = 64
    static let pageBytesMin = 16 << 10
    static let pageEntryByteCount = 24
    static let timeEntryByteCount = 40
    /// A chunk that is written anew has at most this many samples.
    static let chunkSamplesMax = 480

    struct Flags: OptionSet {
        let rawValue: UInt8
        /// The series has not every row of its time column: a presence bitmap follows.
        static let presence = Flags(rawValue: 1)
        static let startTimes = Flags(rawValue: 2)
        static let histogram = Flags(rawValue: 4)
    }
}

/// Where the chunks of some neighbouring series are.
struct BlockPage: Sendable {
    var firstRef: UInt32
    var lastRef: UInt32
    var offset: UInt64
    var byteCount: UInt32
    var checksum: UInt32

    func encode(into writer: inout ByteWriter) {
        writer.u32(firstRef)
        writer.u32(lastRef)
        writer.u64(offset)
        writer.u32(byteCount)
        writer.u32(checksum)
    }

    init(
        firstRef: UInt32, lastRef: UInt32, offset: UInt64, byteCount: UInt32, checksum: UInt32
    ) {
        self.firstRef = firstRef
        self.lastRef = lastRef
        self.offset = offset
        self.byteCount = byteCount
        self.checksum = checksum
    }

    init(_ reader: inout ByteReader) throws(ByteReadError) {
        firstRef = try reader.u32()
        lastRef = try reader.u32()
        offset = try reader.u64()
        byteCount = try reader.u32()
        checksum = try reader.u32()
    }
}

/// One of a block's time columns.
struct BlockTimeColumn: Sendable {
    var offset: UInt64
    var byteCount: UInt32
    var checksum: UInt32
    var count: UInt32
    var minTimeMs: TimestampMs
    var maxTimeMs: TimestampMs

    func encode(into writer: inout ByteWriter) {
        writer.u64(offset)
        writer.u32(byteCount)
        writer.u32(checksum)
        writer.u32(count)
        writer.u32(0)
        writer.i64(minTimeMs)
        writer.i64(maxTimeMs)
    }

    init(
        offset: UInt64, byteCount: UInt32, checksum: UInt32, count: UInt32,
        minTimeMs: TimestampMs, maxTimeMs: TimestampMs
    ) {
        self.offset = offset
        self.byteCount = byteCount
        self.checksum = checksum
        self.count = count
        self.minTimeMs = minTimeMs
        self.maxTimeMs = maxTimeMs
    }

    init(_ reader: inout ByteReader) throws(ByteReadError) {
        offset = try reader.u64()
        byteCount = try reader.u32()
        checksum = try reader.u32()
        count = try reader.u32()
        _ = try reader.u32()
        minTimeMs = try reader.i64()
        maxTimeMs = try reader.i64()
    }
}

/// The last bytes of a block: where its tables are, and what it holds.
struct BlockFooter: Sendable {
    var timesOffset: UInt64 = 0
    var timesCount: UInt32 = 0
    var timesChecksum: UInt32 = 0
    var pagesOffset: UInt64 = 0
    var pagesCount: UInt32 = 0
    var pagesChecksum: UInt32 = 0
    var sequence: UInt64 = 0
    var sampleCount: UInt64 = 0
    var seriesCount: UInt64 = 0
    var chunkCount: UInt64 = 0
    var minTimeMs: TimestampMs = .max
    var maxTimeMs: TimestampMs = .min

    func encode() -> [UInt8] {
        var writer = ByteWriter(reserving: BlockFormat.footerByteCount)
        writer.u64(timesOffset)
        writer.u32(timesCount)
        writer.u32(timesChecksum)
        writer.u64(pagesOffset)
        writer.u32(pagesCount)
        writer.u32(pagesChecksum)
        writer.u64(sequence)
        writer.u64(sampleCount)
        writer.u64(seriesCount)
        writer.u64(chunkCount)
        writer.i64(minTimeMs)
        writer.i64(maxTimeMs)
        writer.u32(CRC32C.checksum(writer.bytes))
        writer.u32(0)
        // The reader finds out by the last bytes that the file is complete.
        writer.u64(BlockFormat.magic)
        return writer.bytes
    }

    init() {}

    init(_ bytes: Span<UInt8>) throws(BlockError) {
        let (checksum, zero, magic): (UInt32, UInt32, UInt64)
        do throws(ByteReadError) {
            var reader = ByteReader(bytes)
            timesOffset = try reader.u64()
            timesCount = try reader.u32()
            timesChecksum = try reader.u32()
            pagesOffset = try reader.u64()
            pagesCount = try reader.u32()
            pagesChecksum = try reader.u32()
            sequence = try reader.u64()
            sampleCount = try reader.u64()
            seriesCount = try reader.u64()
            chunkCount = try reader.u64()
            minTimeMs = try reader.i64()
            maxTimeMs = try reader.i64()
            (checksum, zero, magic) = (try reader.u32(), try reader.u32(), try reader.u64())
        } catch {
            throw BlockError(reason: "the footer is malformed: \(error)")
        }
        if zero != 0 || magic != BlockFormat.magic {
            throw BlockError(reason: "the file has another end")
        }
        if checksum != CRC32C.checksum(bytes.extracting(0..<80)) {
            throw BlockError(reason: "the footer fails its checksum")
        }
    }
}

/// Why (a part of) a block cannot be read.
struct BlockError: Error, Equatable {
    var reason: String
}
