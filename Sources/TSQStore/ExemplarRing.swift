import TSQBase
import TSQModel

/// The newest exemplars of all series, a bounded number.
struct ExemplarRing: Sendable {
    struct Entry: Sendable {
        var ref: SeriesRef
        var exemplar: Exemplar
    }

    let capacity: Int
    private var entries: [Entry] = []
    private var start = 0
    /// All that were ever appended, dropped ones too.
    private(set) var appendedCount: UInt64 = 0
    /// Of those, how many are in files.
    private(set) var savedCount: UInt64 = 0

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    /// Adds an exemplar, dropping the oldest of a full ring.
    mutating func append(_ ref: SeriesRef, _ exemplar: Exemplar) {
        if capacity == 0 { return }
        appendedCount += 1
        if entries.count < capacity {
            entries.append(Entry(ref: ref, exemplar: exemplar))
        } else {
            entries[start] = Entry(ref: ref, exemplar: exemplar)
            start = (start + 1) % capacity
        }
    }

    /// Oldest first.
    var inOrder: [Entry] { Array(entries[start...] + entries[..<start]) }

    /// The first `count` of all that were appended are in files.
    mutating func setSaved(_ count: UInt64) { savedCount = max(savedCount, count) }

    /// Those that are in no file yet, as far as they are still here.
    var unsaved: [Entry] { Array(inOrder.suffix(Int(clamping: appendedCount - savedCount))) }
}

/// A file of exemplars that the log has no more (docs/format/manifest.md).
enum ExemplarFile {
    /// `TSQEXM1\n`
    private static let magic: UInt64 = 0x0A31_4D58_4551_5354
    /// Small files are joined when there are this many.
    static let filesMax = 8

    static func encode(_ entries: [ExemplarRing.Entry]) -> [UInt8] {
        var writer = ByteWriter(reserving: 16 + entries.count * 64)
        writer.u64(magic)
        writer.uvarint(UInt64(entries.count))
        for entry in entries { writer.exemplar(entry.ref, entry.exemplar) }
        writer.u32(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// - Throws: `.format` when the bytes are no such file, or damaged.
    static func decode(_ bytes: [UInt8]) throws(StoreError) -> [ExemplarRing.Entry] {
        let body = try Sealed.body(bytes, magic: magic, "the file of exemplars")
        do throws(ByteReadError) {
            var reader = ByteReader(bytes.span.extracting(body))
            var entries: [ExemplarRing.Entry] = []
            for _ in 0..<(try reader.count(max: reader.remaining)) {
                let (ref, exemplar) = try reader.exemplar()
                entries.append(ExemplarRing.Entry(ref: ref, exemplar: exemplar))
            }
            if reader.remaining > 0 { throw .truncated(offset: reader.offset, needed: 0) }
            return entries
        } catch {
            throw .format("the file of exemplars is malformed: \(error)")
        }
    }
}

extension ByteWriter {
    mutating func exemplar(_ ref: SeriesRef, _ exemplar: Exemplar) {
        uvarint(UInt64(ref.rawValue))
        labels(exemplar.labels)
        f64(exemplar.value)
        u8(exemplar.timeMs == nil ? 0 : 1)
        if let timeMs = exemplar.timeMs { i64(timeMs) }
    }
}

extension ByteReader {
    mutating func exemplar() throws(ByteReadError) -> (SeriesRef, Exemplar) {
        let ref = SeriesRef(UInt32(clamping: try uvarint()))
        let labels = try labels()
        let value = try f64()
        let timeMs = try u8() == 0 ? nil : try i64()
        return (ref, Exemplar(labels: labels, value: value, timeMs: timeMs))
    }
}
