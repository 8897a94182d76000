import TSQBase
import TSQIO

/// Samples that are hidden although they are stored (docs/format/deletion.md). Immutable.
final class Deletion: Sendable {
    /// The number in the file's name, by which it is undone.
    let file: UInt64
    /// Samples of blocks with a smaller sequence are hidden.
    let sequenceEnd: UInt64
    /// Both included.
    let fromMs: TimestampMs
    let toMs: TimestampMs
    let madeMs: TimestampMs
    let seriesCount: UInt64
    let sampleCount: UInt64
    let selector: String
    let refs: RefSet

    /// `TSQDEL1\n`
    private static let magic: UInt64 = 0x0A31_4C45_4451_5354

    init(
        file: UInt64, sequenceEnd: UInt64, fromMs: TimestampMs, toMs: TimestampMs,
        madeMs: TimestampMs, sampleCount: UInt64, selector: String, refs: RefSet
    ) {
        self.file = file
        self.sequenceEnd = sequenceEnd
        self.fromMs = fromMs
        self.toMs = toMs
        self.madeMs = madeMs
        self.seriesCount = UInt64(refs.count)
        self.sampleCount = sampleCount
        self.selector = selector
        self.refs = refs
    }

    static func name(_ file: UInt64) -> String { "deletions/\(file).del" }

    /// Whether its space is to be given back.
    func isDue(nowMs: TimestampMs, undoMs: Int64) -> Bool {
        let (age, overflow) = nowMs.subtractingReportingOverflow(madeMs)
        return !overflow && age >= undoMs
    }

    /// Whether a block of this sequence and these times may have samples that are hidden.
    func concerns(sequence: UInt64, minMs: TimestampMs, maxMs: TimestampMs) -> Bool {
        sequence < sequenceEnd && minMs <= toMs && maxMs >= fromMs
    }

    /// Whether the block has a chunk that may have samples that are hidden.
    func concerns(_ block: Block) throws(BlockError) -> Bool {
        let entry = block.entry
        guard
            concerns(sequence: entry.sequence, minMs: entry.minTimeMs, maxMs: entry.maxTimeMs)
        else { return false }
        for index in 0..<block.pageCount {
            let page = try block.page(index)
            if !refs.intersects(page.firstRef, page.lastRef) { continue }
            for chunk in try block.entries(ofPage: index) where refs.contains(chunk.ref) {
                let column = try block.timeColumn(chunk.timeColumn)
                if column.minTimeMs <= toMs && column.maxTimeMs >= fromMs { return true }
            }
        }
        return false
    }

    func encode() -> [UInt8] {
        var writer = ByteWriter(reserving: 80 + refs.byteCount)
        writer.u64(Self.magic)
        writer.u64(sequenceEnd)
        writer.i64(fromMs)
        writer.i64(toMs)
        writer.i64(madeMs)
        writer.u64(seriesCount)
        writer.u64(sampleCount)
        writer.string(selector)
        refs.encode(into: &writer)
        writer.u32(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// - Throws: `.format` when the bytes are no deletion, or damaged.
    init(file: UInt64, _ bytes: [UInt8]) throws(StoreError) {
        self.file = file
        let body = try Sealed.body(bytes, magic: Self.magic, "the deletion")
        do throws(ByteReadError) {
            var reader = ByteReader(bytes.span.extracting(body))
            sequenceEnd = try reader.u64()
            fromMs = try reader.i64()
            toMs = try reader.i64()
            madeMs = try reader.i64()
            seriesCount = try reader.u64()
            sampleCount = try reader.u64()
            selector = try reader.string()
            refs = try RefSet(&reader)
            if reader.remaining > 0 { throw .truncated(offset: reader.offset, needed: 0) }
        } catch {
            throw .format("the deletion is malformed: \(error)")
        }
    }
}

/// Small files with a magic before and a checksum behind.
enum Sealed {
    /// Where the content is, after both were found right.
    static func body(
        _ bytes: [UInt8], magic: UInt64, _ what: String
    ) throws(StoreError) -> Range<Int> {
        guard bytes.count >= 12 else {
            throw .format("\(what) has only \(bytes.count) bytes")
        }
        let end = bytes.count - 4
        var head = ByteReader(bytes.span)
        var tail = ByteReader(bytes.span.extracting(end..<bytes.count))
        guard (try? head.u64()) == magic else {
            throw .format("\(what) has another beginning")
        }
        guard (try? tail.u32()) == CRC32C.checksum(bytes.span.extracting(0..<end)) else {
            throw .format("\(what) fails its checksum")
        }
        return 8..<end
    }
}

extension StoreSnapshot {
    /// Whether an exemplar is hidden: its series' samples of that time are.
    func hides(_ ref: UInt32, _ timeMs: TimestampMs) -> Bool {
        deletions.contains {
            timeMs >= $0.fromMs && timeMs <= min($0.toMs, $0.madeMs) && $0.refs.contains(ref)
        }
    }

    /// What is left of the times `afterMs < time <= throughMs` of a series in a block: the parts
    /// that no deletion hides, ascending.
    func visibleTimes(
        _ ref: UInt32, _ block: Block, afterMs: TimestampMs, throughMs: TimestampMs
    ) -> [(afterMs: TimestampMs, throughMs: TimestampMs)] {
        var parts = [(afterMs: afterMs, throughMs: throughMs)]
        for deletion in deletions
        where block.entry.sequence < deletion.sequenceEnd && deletion.refs.contains(ref) {
            var left: [(afterMs: TimestampMs, throughMs: TimestampMs)] = []
            for part in parts {
                if deletion.toMs <= part.afterMs || deletion.fromMs > part.throughMs {
                    left.append(part)
                    continue
                }
                // Not below the smallest: then nothing is before.
                if deletion.fromMs > .min, deletion.fromMs - 1 > part.afterMs {
                    left.append((part.afterMs, deletion.fromMs - 1))
                }
                if deletion.toMs < part.throughMs { left.append((deletion.toMs, part.throughMs)) }
            }
            parts = left
        }
        return parts
    }
}
