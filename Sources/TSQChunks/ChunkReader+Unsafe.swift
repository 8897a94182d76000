import TSQBase

/// A cursor over the bytes of one chunk. In this module, so that it is inlined.
///
/// Safe because: every access is below `raw.count`, checked here; it lives within the
/// `withUnsafeBytes` of the span that it reads.
struct ChunkReader {
    let raw: UnsafeRawBufferPointer
    /// Bytes behind the chunk that may be loaded, whatever they are.
    private let slack: Int
    private(set) var offset = 0

    /// - Parameter slack: how many bytes after `raw` are memory of the same owner.
    init(_ raw: UnsafeRawBufferPointer, slack: Int = 0) {
        self.raw = raw
        self.slack = slack
    }

    var remaining: Int { raw.count - offset }
    /// Bytes from here on that may be loaded.
    var loadable: Int { remaining + slack }

    @inline(__always)
    mutating func u8() throws(ChunkError) -> UInt8 {
        guard offset < raw.count else { throw .truncated(offset: offset) }
        defer { offset += 1 }
        return raw[offset]
    }

    mutating func u64() throws(ChunkError) -> UInt64 {
        let bytes = try bytes(8)
        return UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    }

    mutating func f64() throws(ChunkError) -> Double { Double(bitPattern: try u64()) }

    /// Most are of one byte.
    @inline(__always)
    mutating func uvarint() throws(ChunkError) -> UInt64 {
        if offset < raw.count, raw[offset] < 0x80 {
            offset += 1
            return UInt64(raw[offset - 1])
        }
        return try longVarint()
    }

    /// From one load of eight bytes where it may be made: the first byte without its high bit ends the
    /// varint.
    private mutating func longVarint() throws(ChunkError) -> UInt64 {
        if loadable >= 8 {
            let word = UInt64(
                littleEndian: raw.baseAddress.map {
                    $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                } ?? 0)
            let ends = ~word & 0x8080_8080_8080_8080
            let byteCount = ends.trailingZeroBitCount >> 3 + 1
            if ends != 0 && byteCount <= remaining {
                offset += byteCount
                return Self.joinedSevens(word & (UInt64.max &>> UInt64(64 &- 8 &* byteCount)))
            }
        }
        return try longestVarint()
    }

    /// Of nine or ten bytes, which bit patterns of doubles take: as `longVarint`, and what is left.
    private mutating func longestVarint() throws(ChunkError) -> UInt64 {
        guard remaining >= 10, let start = raw.baseAddress.map({ $0 + offset }) else {
            return try varintByBytes()
        }
        let word = UInt64(littleEndian: start.loadUnaligned(as: UInt64.self))
        let (ninth, tenth) = (raw[offset + 8], raw[offset + 9])
        if ~word & 0x8080_8080_8080_8080 != 0 || ninth >= 0x80 && tenth > 1 {
            return try varintByBytes()
        }
        let low = Self.joinedSevens(word) | UInt64(ninth & 0x7F) << 56
        offset += ninth < 0x80 ? 9 : 10
        return ninth < 0x80 ? low : low | UInt64(tenth) << 63
    }

    /// The low seven bits of each byte, moved together by halves.
    @inline(__always)
    private static func joinedSevens(_ word: UInt64) -> UInt64 {
        var bits = word
        bits = bits & 0x007F_007F_007F_007F | (bits & 0x7F00_7F00_7F00_7F00) >> 1
        bits = bits & 0x0000_3FFF_0000_3FFF | (bits & 0x3FFF_0000_3FFF_0000) >> 2
        return bits & 0x0FFF_FFFF | (bits & 0x0FFF_FFFF_0000_0000) >> 4
    }

    private mutating func varintByBytes() throws(ChunkError) -> UInt64 {
        let start = offset
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try u8()
            if shift == 63 && byte > 1 || shift > 63 {
                throw .malformed(offset: start, reason: "varint beyond 64 bits")
            }
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
        }
    }

    mutating func varint() throws(ChunkError) -> Int64 {
        let value = try uvarint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A count of at most `max`.
    mutating func count(max: Int) throws(ChunkError) -> Int {
        let start = offset
        let value = try uvarint()
        guard value <= UInt64(max) else { throw .tooLarge(offset: start) }
        return Int(value)
    }

    mutating func bytes(_ byteCount: Int) throws(ChunkError) -> UnsafeRawBufferPointer {
        guard byteCount >= 0, byteCount <= remaining else { throw .truncated(offset: offset) }
        defer { offset += byteCount }
        return UnsafeRawBufferPointer(rebasing: raw[offset..<(offset + byteCount)])
    }

    /// A value chunk within this one, preceded by its byte count.
    mutating func nested() throws(ChunkError) -> ChunkReader {
        ChunkReader(try bytes(try count(max: remaining)))
    }

    func malformed(_ reason: String) -> ChunkError { .malformed(offset: offset, reason: reason) }

    func expectEnd() throws(ChunkError) {
        if offset != raw.count { throw malformed("bytes after the end") }
    }
}

extension Array {
    /// Appends `count` elements that `body` initialises; after a throw they are `filler`.
    ///
    /// Safe because: the elements exist (as `filler`) before `body` gets their memory.
    mutating func extend<E: Error>(
        by count: Int, filler: Element,
        _ body: (UnsafeMutableBufferPointer<Element>) throws(E) -> Void
    ) throws(E) {
        let start = self.count
        append(contentsOf: repeatElement(filler, count: count))
        var failure: E?
        withUnsafeMutableBufferPointer { buffer in
            do throws(E) {
                try body(UnsafeMutableBufferPointer(rebasing: buffer[start...]))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
