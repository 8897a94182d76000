import TSQBase

/// A place in a segmented log: the byte `offset` of segment number `segment`.
package struct LogPlace: Hashable, Sendable, Comparable {
    package var segment: UInt64
    package var offset: UInt64

    package init(segment: UInt64, offset: UInt64) {
        self.segment = segment
        self.offset = offset
    }

    package static func < (a: LogPlace, b: LogPlace) -> Bool {
        (a.segment, a.offset) < (b.segment, b.offset)
    }
}

/// A stretch of a log segment that could not be read.
package struct LogDamage: Sendable, Equatable {
    package var path: String
    package var segment: UInt64
    package var offset: UInt64
    package var byteCount: UInt64
    package var reason: String
}

/// The layout of log segments (docs/format/log.md).
package enum LogFormat {
    /// `TSQLOG2\n`, then the segment's number.
    static let magic: UInt64 = 0x0A32_474F_4C51_5354
    package static let segmentHeaderByteCount = 16
    /// marker u16, kind u8, flags u8, stored bytes u32, raw bytes u32, CRC32C u32.
    package static let recordHeaderByteCount = 16
    static let marker: UInt16 = 0xA752
    /// The kind of the record that says how the segment before ended; all others are the caller's.
    static let segmentEndKind: UInt8 = 4
    static let flagLZ4: UInt8 = 1
    /// A payload is at most this long, so that a flipped bit never asks for more memory.
    package static let payloadByteCountMax = 64 << 20

    package static func name(_ segment: UInt64) -> String {
        let digits = String(segment)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits + ".log"
    }

    /// The number in a segment's file name.
    package static func segment(named name: String) -> UInt64? {
        name.hasSuffix(".log") ? UInt64(name.dropLast(4)).flatMap { $0 <= 1 << 40 ? $0 : nil } : nil
    }

    /// The segments of a directory, ascending.
    package static func segments(
        in directory: String, _ fileSystem: any FileSystem
    ) throws(IOError) -> [UInt64] {
        try fileSystem.list(directory).compactMap { segment(named: $0) }.sorted()
    }

    struct RecordHeader {
        var kind: UInt8
        var flags: UInt8
        var storedByteCount: Int
        var rawByteCount: Int
        var checksum: UInt32

        /// nil when the bytes cannot be a header.
        init?(_ bytes: Span<UInt8>) {
            var reader = ByteReader(bytes)
            guard let marker = try? reader.u16(), marker == LogFormat.marker,
                let kind = try? reader.u8(), let flags = try? reader.u8(),
                let stored = try? reader.u32(), let raw = try? reader.u32(),
                let checksum = try? reader.u32(),
                stored <= LogFormat.payloadByteCountMax, raw <= LogFormat.payloadByteCountMax,
                flags & ~LogFormat.flagLZ4 == 0, flags & LogFormat.flagLZ4 != 0 || stored == raw
            else { return nil }
            self.kind = kind
            self.flags = flags
            storedByteCount = Int(stored)
            rawByteCount = Int(raw)
            self.checksum = checksum
        }
    }

    /// Over the header without its last four bytes, and the stored payload.
    static func checksum(header: Span<UInt8>, payload: Span<UInt8>) -> UInt32 {
        var crc = CRC32C()
        crc.update(header.extracting(0..<(recordHeaderByteCount - 4)))
        crc.update(payload)
        return crc.value
    }
}
