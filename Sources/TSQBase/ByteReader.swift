/// Why bytes could not be read, and where.
package enum ByteReadError: Error, Equatable {
    /// `needed` bytes at `offset`, but the input ends before.
    case truncated(offset: Int, needed: Int)
    /// A varint longer than 64 bits.
    case varintOverflow(offset: Int)
}

/// A cursor over bytes that throws on any malformed input and never traps.
///
/// Offsets in errors count from the start of the span.
package struct ByteReader: ~Copyable, ~Escapable {
    package let span: Span<UInt8>
    package private(set) var offset: Int

    @_lifetime(copy span)
    package init(_ span: Span<UInt8>) {
        self.span = span
        self.offset = 0
    }

    package var remaining: Int { span.count - offset }
    package var isAtEnd: Bool { offset >= span.count }

    package mutating func u8() throws(ByteReadError) -> UInt8 {
        try need(1)
        defer { offset += 1 }
        return span[offset]
    }

    package mutating func u16() throws(ByteReadError) -> UInt16 { try littleEndian() }
    package mutating func u32() throws(ByteReadError) -> UInt32 { try littleEndian() }
    package mutating func u64() throws(ByteReadError) -> UInt64 { try littleEndian() }

    package mutating func i64() throws(ByteReadError) -> Int64 { Int64(bitPattern: try u64()) }
    package mutating func f64() throws(ByteReadError) -> Double { Double(bitPattern: try u64()) }

    package mutating func uvarint() throws(ByteReadError) -> UInt64 {
        let start = offset
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try u8()
            if shift == 63 && byte > 1 || shift > 63 { throw .varintOverflow(offset: start) }
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
        }
    }

    package mutating func varint() throws(ByteReadError) -> Int64 {
        Varint.unzigzag(try uvarint())
    }

    /// A varint that counts things which follow: at most `max`, so that a flipped bit never asks for
    /// terabytes.
    package mutating func count(max: Int) throws(ByteReadError) -> Int {
        let start = offset
        let value = try uvarint()
        guard value <= UInt64(max) else {
            throw .truncated(offset: start, needed: Int(clamping: value))
        }
        return Int(value)
    }

    /// The next `byteCount` bytes.
    @_lifetime(copy self)
    package mutating func bytes(_ byteCount: Int) throws(ByteReadError) -> Span<UInt8> {
        try need(byteCount)
        let result = span.extracting(offset..<(offset + byteCount))
        offset += byteCount
        return result
    }

    /// A varint byte count, then UTF-8; malformed sequences become U+FFFD.
    package mutating func string() throws(ByteReadError) -> String {
        let byteCount = try count(max: remaining)
        let content = try bytes(byteCount)
        return content.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    package mutating func skip(_ byteCount: Int) throws(ByteReadError) {
        try need(byteCount)
        offset += byteCount
    }

    private func need(_ byteCount: Int) throws(ByteReadError) {
        if byteCount < 0 || byteCount > span.count - offset {
            throw .truncated(offset: offset, needed: byteCount)
        }
    }

    @inline(__always)
    private mutating func littleEndian<T: FixedWidthInteger & BitwiseCopyable>()
        throws(ByteReadError) -> T
    {
        let byteCount = MemoryLayout<T>.size
        try need(byteCount)
        let start = offset
        offset += byteCount
        // Safe because: `byteCount` bytes are left, and any bytes are an integer.
        return span.withUnsafeBytes {
            T(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: T.self))
        }
    }
}
