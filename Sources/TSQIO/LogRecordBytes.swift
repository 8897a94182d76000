import CLZ4
import TSQBase

extension LogFormat {
    static func header(_ bytes: Span<UInt8>, at start: Int) -> RecordHeader? {
        RecordHeader(bytes.extracting(start..<(start + recordHeaderByteCount)))
    }
}

extension LogFormat.RecordHeader {
    /// Replaces `payload` by that of the record, all of whose bytes begin at `start`; false when its
    /// checksum is wrong.
    func unpack(_ bytes: Span<UInt8>, at start: Int, into payload: inout [UInt8]) -> Bool {
        let headerCount = LogFormat.recordHeaderByteCount
        let whole = bytes.extracting(start..<(start + headerCount + storedByteCount))
        let stored = whole.extracting(headerCount..<(headerCount + storedByteCount))
        guard LogFormat.checksum(header: whole, payload: stored) == checksum else { return false }
        return unpack(stored, into: &payload)
    }

    /// Replaces `payload`, in the memory it has; false when the bytes do not decompress to the
    /// announced length.
    private func unpack(_ stored: Span<UInt8>, into payload: inout [UInt8]) -> Bool {
        payload.removeAll(keepingCapacity: true)
        if flags & LogFormat.flagLZ4 == 0 {
            stored.withUnsafeBufferPointer { payload.append(contentsOf: $0) }
            return true
        }
        // Safe because: LZ4_decompress_safe writes at most the bytes it is given room for.
        payload.append(addingCapacity: rawByteCount) { (span: inout OutputSpan<UInt8>) in
            span.withUnsafeMutableBufferPointer { target, count in
                let unpacked = stored.withUnsafeBytes { raw in
                    LZ4_decompress_safe(
                        raw.baseAddress?.assumingMemoryBound(to: CChar.self),
                        UnsafeMutableRawPointer(target.baseAddress)?
                            .assumingMemoryBound(to: CChar.self), Int32(raw.count),
                        Int32(rawByteCount))
                }
                count += Int(max(0, unpacked))
            }
        }
        return payload.count == rawByteCount
    }
}

/// What a segment had when it was read as a whole.
package struct LogSegmentBytes: Sendable {
    package let segment: UInt64
    package let bytes: [UInt8]
}

/// Goes through a segment's records up to the first that is not whole.
package struct LogRecordWalk {
    private let bytes: [UInt8]
    /// The kind, start and payload of the record that `next()` found.
    package private(set) var kind: UInt8 = 0
    package private(set) var offset: UInt64 = 0
    package private(set) var payload: [UInt8] = []
    private var end = LogFormat.segmentHeaderByteCount

    package init(_ segment: LogSegmentBytes) { bytes = segment.bytes }

    package mutating func next() -> Bool {
        let rest = bytes.count - end - LogFormat.recordHeaderByteCount
        // Into the memory that the record before had.
        var unpacked: [UInt8] = []
        swap(&unpacked, &payload)
        defer { swap(&unpacked, &payload) }
        guard rest >= 0, let record = LogFormat.header(bytes.span, at: end),
            record.storedByteCount <= rest, record.unpack(bytes.span, at: end, into: &unpacked)
        else { return false }
        kind = record.kind
        offset = UInt64(end)
        end += LogFormat.recordHeaderByteCount + record.storedByteCount
        return true
    }
}
