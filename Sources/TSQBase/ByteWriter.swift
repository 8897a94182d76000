/// Appends little-endian integers, varints and strings to bytes.
package struct ByteWriter: Sendable {
    package var bytes: [UInt8] = []

    package init() {}
    package init(reserving byteCount: Int) { bytes.reserveCapacity(byteCount) }

    package var count: Int { bytes.count }

    @inlinable package mutating func u8(_ value: UInt8) { bytes.append(value) }

    @inlinable package mutating func u16(_ value: UInt16) { littleEndian(value) }
    @inlinable package mutating func u32(_ value: UInt32) { littleEndian(value) }
    @inlinable package mutating func u64(_ value: UInt64) { littleEndian(value) }
    @inlinable package mutating func i64(_ value: Int64) { littleEndian(UInt64(bitPattern: value)) }
    @inlinable package mutating func f64(_ value: Double) { littleEndian(value.bitPattern) }

    @inlinable
    package mutating func uvarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    @inlinable
    package mutating func varint(_ value: Int64) { uvarint(Varint.zigzag(value)) }

    @inlinable
    package mutating func raw(_ span: Span<UInt8>) {
        span.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    }

    @inlinable
    package mutating func raw(_ array: [UInt8]) { bytes.append(contentsOf: array) }

    /// A varint byte count, then the bytes.
    package mutating func string(_ text: String) {
        uvarint(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// Overwrites four bytes written earlier.
    package mutating func patchU32(at offset: Int, _ value: UInt32) {
        for index in 0..<4 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index))
        }
    }

    @inlinable
    mutating func littleEndian<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
