import CChecksum

/// CRC-32C (Castagnoli): by the processor where it can, otherwise slicing by eight.
///
/// - Source: RFC 3720 appendix B.4; polynomial 0x1EDC6F41 reflected.
package struct CRC32C: Sendable {
    private var state: UInt32 = 0xFFFF_FFFF

    package init() {}

    /// The checksum of `bytes`. `checksum("123456789") == 0xE3069283`.
    package static func checksum(_ bytes: Span<UInt8>) -> UInt32 {
        var crc = CRC32C()
        crc.update(bytes)
        return crc.value
    }

    package static func checksum(_ bytes: [UInt8]) -> UInt32 { checksum(bytes.span) }

    package var value: UInt32 { ~state }

    private static let isThere = tsq_crc32c_is_there() != 0

    package mutating func update(_ bytes: Span<UInt8>) {
        // Safe because: as many bytes are read as the span has.
        if Self.isThere {
            state = bytes.withUnsafeBytes { tsq_crc32c(state, $0.baseAddress, $0.count) }
        } else {
            updateByTable(bytes)
        }
    }

    /// What `update` does where the processor has no instruction for it.
    mutating func updateByTable(_ bytes: Span<UInt8>) {
        let tables = Self.tables
        state = tables.withUnsafeBufferPointer { table in
            bytes.withUnsafeBytes { raw in Self.run(state, raw, table) }
        }
    }

    // Safe because: `raw` is read only below `raw.count`, `table` has 8 × 256 entries and every
    // index is a byte.
    private static func run(
        _ start: UInt32, _ raw: UnsafeRawBufferPointer, _ table: UnsafeBufferPointer<UInt32>
    ) -> UInt32 {
        precondition(table.count == 8 * 256, "BUG: CRC table has \(table.count) entries")
        var crc = start
        var index = 0
        while index + 8 <= raw.count {
            let word =
                UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                ^ UInt64(crc)
            var next: UInt32 = 0
            for lane in 0..<8 {
                let byte = Int((word >> UInt64(8 * lane)) & 0xFF)
                next ^= table[(7 - lane) * 256 + byte]
            }
            crc = next
            index += 8
        }
        while index < raw.count {
            crc = (crc >> 8) ^ table[Int((crc ^ UInt32(raw[index])) & 0xFF)]
            index += 1
        }
        return crc
    }

    private static let tables: [UInt32] = {
        var result = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
            result[byte] = crc
        }
        for lane in 1..<8 {
            for byte in 0..<256 {
                let previous = result[(lane - 1) * 256 + byte]
                result[lane * 256 + byte] = (previous >> 8) ^ result[Int(previous & 0xFF)]
            }
        }
        return result
    }()
}
