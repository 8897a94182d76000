import Testing

@testable import TSQBase

@Suite("Bytes")
struct BytesTests {
    private static func sample() -> [UInt8] {
        var writer = ByteWriter()
        writer.u8(7)
        writer.u16(0xBEEF)
        writer.u32(0xDEAD_BEEF)
        writer.u64(.max)
        writer.i64(.min)
        writer.f64(-0.0)
        writer.uvarint(.max)
        writer.varint(-1)
        writer.string("žluť")
        return writer.bytes
    }

    private static func read(_ bytes: [UInt8]) throws(ByteReadError) {
        var reader = ByteReader(bytes.span)
        let first = try reader.u8()
        let second = try reader.u16()
        let third = try reader.u32()
        let fourth = try reader.u64()
        let fifth = try reader.i64()
        let sixth = try reader.f64()
        let seventh = try reader.uvarint()
        let eighth = try reader.varint()
        let ninth = try reader.string()
        #expect(first == 7 && second == 0xBEEF && third == 0xDEAD_BEEF && fourth == .max)
        #expect(fifth == .min && sixth.bitPattern == (-0.0).bitPattern && seventh == .max)
        #expect(eighth == -1 && ninth == "žluť" && reader.isAtEnd)
    }

    @Test("what was written is read back") func roundTrip() throws { try Self.read(Self.sample()) }

    @Test("input cut at any byte throws")
    func truncated() {
        let bytes = Self.sample()
        for count in 0..<bytes.count {
            #expect(throws: ByteReadError.self) { try Self.read(Array(bytes[..<count])) }
        }
    }

    @Test("a varint of more than 64 bits throws")
    func overflow() {
        let bytes = [UInt8](repeating: 0xFF, count: 10)
        #expect(throws: ByteReadError.varintOverflow(offset: 0)) {
            var reader = ByteReader(bytes.span)
            _ = try reader.uvarint()
        }
    }

    @Test("zigzag keeps small magnitudes small and is its own way back")
    func zigzag() {
        for value in [0, -1, 1, Int64.min, .max, 123_456] {
            #expect(Varint.unzigzag(Varint.zigzag(value)) == value)
        }
        #expect(Varint.zigzag(-1) == 1 && Varint.zigzag(1) == 2)
    }
}
