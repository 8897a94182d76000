import TSQBase
import TSQIO

/// What a store directory consists of: one generation, replaced as a whole by an atomic rename
/// (docs/format/manifest.md). Files that it does not name are left over and are removed.
struct Manifest: Sendable, Equatable {
    struct BlockEntry: Sendable, Equatable {
        /// The number in the file's name.
        var file: UInt64
        /// 0: cut from the head; each merge adds one.
        var level: UInt8
        /// Of two samples at one time, the one of the block with the larger sequence counts.
        var sequence: UInt64
        var minTimeMs: TimestampMs
        var maxTimeMs: TimestampMs
        var sampleCount: UInt64
        var byteCount: UInt64
    }

    struct IndexEntry: Sendable, Equatable {
        var file: UInt64
        var seriesCount: UInt64
    }

    var generation: UInt64 = 0
    /// The number of the next file, whatever its kind.
    var nextFile: UInt64 = 1
    var nextSequence: UInt64 = 1
    /// The ref that the next new series gets.
    var nextRef: UInt32 = 0
    /// What the log holds from here on is in no block.
    var logStart = LogPlace(segment: 0, offset: 0)
    /// No block has a newer sample; `Int64.min` without blocks.
    var newestMs: TimestampMs = .min
    var indexes: [IndexEntry] = []
    /// Ascending by sequence.
    var blocks: [BlockEntry] = []
    /// The files of deletions that hide something, ascending.
    var deletions: [UInt64] = []
    /// Those of them that cannot be undone: a block was rewritten without their samples.
    var begunDeletions: Set<UInt64> = []
    /// Older first.
    var exemplars: [ExemplarEntry] = []

    struct ExemplarEntry: Sendable, Equatable {
        var file: UInt64
        var count: UInt64
    }

    static let fileName = "MANIFEST"
    /// `TSQMAN3\n`
    private static let magic: UInt64 = 0x0A33_4E41_4D51_5354
    /// `TSQMAN2\n`: deletions have no state.
    private static let secondMagic: UInt64 = 0x0A32_4E41_4D51_5354
    /// `TSQMAN1\n`: ends with the blocks.
    private static let firstMagic: UInt64 = 0x0A31_4E41_4D51_5354
    private static let entriesMax = 1 << 20

    static func indexName(_ file: UInt64) -> String { "index/\(file).idx" }
    static func blockName(_ file: UInt64) -> String { "blocks/\(file).blk" }
    static func exemplarsName(_ file: UInt64) -> String { "exemplars/\(file).exm" }

    /// Directories of the files that a MANIFEST names.
    static let folders = ["index", "blocks", "deletions", "exemplars"]

    /// The files named, relative to the store's directory.
    var fileNames: [String] {
        indexes.map { Self.indexName($0.file) } + blocks.map { Self.blockName($0.file) }
            + deletions.map { Deletion.name($0) } + exemplars.map { Self.exemplarsName($0.file) }
    }

    func encode() -> [UInt8] {
        var writer = ByteWriter()
        writer.u64(Self.magic)
        writer.u64(generation)
        writer.uvarint(nextFile)
        writer.uvarint(nextSequence)
        writer.uvarint(UInt64(nextRef))
        writer.uvarint(logStart.segment)
        writer.uvarint(logStart.offset)
        writer.i64(newestMs)
        writer.uvarint(UInt64(indexes.count))
        for index in indexes {
            writer.uvarint(index.file)
            writer.uvarint(index.seriesCount)
        }
        writer.uvarint(UInt64(blocks.count))
        for block in blocks {
            writer.uvarint(block.file)
            writer.u8(block.level)
            writer.uvarint(block.sequence)
            writer.i64(block.minTimeMs)
            writer.i64(block.maxTimeMs)
            writer.uvarint(block.sampleCount)
            writer.uvarint(block.byteCount)
        }
        writer.uvarint(UInt64(deletions.count))
        for file in deletions {
            writer.uvarint(file)
            writer.u8(begunDeletions.contains(file) ? 1 : 0)
        }
        writer.uvarint(UInt64(exemplars.count))
        for file in exemplars {
            writer.uvarint(file.file)
            writer.uvarint(file.count)
        }
        writer.u32(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    init() {}

    /// A store would take centuries to count so far; sums of these do not overflow.
    private static let numberMax: UInt64 = 1 << 40
    /// Those of MANIFESTs that were put together anew begin at 2^48.
    private static let generationMax: UInt64 = 1 << 60
    /// The head has some bytes for each number that was given to a series.
    private static let refsMax: UInt32 = 1 << 27

    private var isWithinBounds: Bool {
        let numbers =
            [nextFile, nextSequence, logStart.segment, logStart.offset]
            + indexes.flatMap { [$0.file, $0.seriesCount] }
            + blocks.flatMap { [$0.file, $0.sequence, $0.sampleCount, $0.byteCount] }
            + deletions + exemplars.map(\.file)
        return generation <= Self.generationMax && nextRef <= Self.refsMax
            && numbers.allSatisfy { $0 <= Self.numberMax }
    }

    /// - Throws: `.format` when the bytes are no MANIFEST, or damaged.
    init(_ bytes: [UInt8]) throws(StoreError) {
        let older = [Self.firstMagic, Self.secondMagic]
        let magic = older.first { bytes.starts(with: $0.littleEndianBytes) } ?? Self.magic
        let body = try Sealed.body(bytes, magic: magic, "the MANIFEST")
        do throws(ByteReadError) {
            var reader = ByteReader(bytes.span.extracting(body))
            try self.init(&reader, magic: magic)
        } catch {
            throw .format("the MANIFEST cannot be read: \(error)")
        }
        if !isWithinBounds {
            throw .format("the MANIFEST cannot be read: its numbers are out of all bounds")
        }
    }

    private init(_ reader: inout ByteReader, magic: UInt64) throws(ByteReadError) {
        generation = try reader.u64()
        nextFile = try reader.uvarint()
        nextSequence = try reader.uvarint()
        nextRef = UInt32(clamping: try reader.uvarint())
        logStart = LogPlace(segment: try reader.uvarint(), offset: try reader.uvarint())
        newestMs = try reader.i64()
        for _ in 0..<(try reader.count(max: Self.entriesMax)) {
            indexes.append(
                IndexEntry(file: try reader.uvarint(), seriesCount: try reader.uvarint()))
        }
        for _ in 0..<(try reader.count(max: Self.entriesMax)) {
            blocks.append(
                BlockEntry(
                    file: try reader.uvarint(), level: try reader.u8(),
                    sequence: try reader.uvarint(), minTimeMs: try reader.i64(),
                    maxTimeMs: try reader.i64(), sampleCount: try reader.uvarint(),
                    byteCount: try reader.uvarint()))
        }
        if magic == Self.firstMagic { return }
        for _ in 0..<(try reader.count(max: Self.entriesMax)) {
            let file = try reader.uvarint()
            deletions.append(file)
            if magic == Self.secondMagic { continue }
            switch try reader.u8() {
            case 0: break
            case 1: begunDeletions.insert(file)
            default: throw .truncated(offset: reader.offset - 1, needed: 0)
            }
        }
        for _ in 0..<(try reader.count(max: Self.entriesMax)) {
            exemplars.append(
                ExemplarEntry(file: try reader.uvarint(), count: try reader.uvarint()))
        }
        if reader.remaining > 0 { throw .truncated(offset: reader.offset, needed: 0) }
    }

    /// The MANIFEST of a directory; nil when there is none.
    static func read(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StoreError) -> Manifest? {
        let bytes: [UInt8]
        do throws(IOError) {
            bytes = try fileSystem.readAll(Path.join(directory, fileName))
        } catch {
            if error.isNotFound { return nil }
            throw .storage(error.message)
        }
        return try Manifest(bytes)
    }

    mutating func removeDeletions(_ files: Set<UInt64>) {
        deletions.removeAll { files.contains($0) }
        begunDeletions.subtract(files)
    }

    /// Gives up the numbers of a MANIFEST that failed to be written: whether it is on the disk is not
    /// known, so files that it may name must not be written again.
    mutating func skipNumbers(of failed: Manifest) {
        generation = max(generation, failed.generation)
        nextFile = max(nextFile, failed.nextFile)
        nextSequence = max(nextSequence, failed.nextSequence)
    }

    /// Replaces the directory's MANIFEST, durably.
    func write(_ directory: String, _ fileSystem: any FileSystem) throws(IOError) {
        try fileSystem.replace(Path.join(directory, Self.fileName), with: encode().span)
    }
}

extension UInt64 {
    fileprivate var littleEndianBytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: self >> (8 * UInt64($0))) }
    }
}

extension Manifest.BlockEntry {
    init(file: UInt64, level: UInt8, _ block: (path: String, footer: BlockFooter, bytes: UInt64)) {
        self.init(
            file: file, level: level, sequence: block.footer.sequence,
            minTimeMs: block.footer.minTimeMs, maxTimeMs: block.footer.maxTimeMs,
            sampleCount: block.footer.sampleCount, byteCount: block.bytes)
    }
}
