import TSQBase
import TSQChunks
import Testing

@Suite("ValueChunk")
struct ValueChunkTests {
    static func encode(_ values: [Double]) -> (bytes: [UInt8], codec: ValueCodec) {
        var writer = ByteWriter()
        var scratch = ChunkScratch()
        let codec = ValueChunk.encode(values.span, into: &writer, scratch: &scratch)
        return (writer.bytes, codec)
    }

    static func decode(_ bytes: [UInt8]) throws(ChunkError) -> [Double] {
        var values: [Double] = []
        try ValueChunk.decode(bytes.span, into: &values)
        return values
    }

    @Test(
        "every column comes back bit for bit, whatever its length",
        arguments: [0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 120, 1000])
    func roundTrip(count: Int) throws {
        for (name, values) in Columns.all(count) {
            let (bytes, codec) = Self.encode(values)
            #expect(try bits(Self.decode(bytes)) == bits(values), "\(name) by \(codec)")
            #expect(try ValueChunk.count(bytes.span) == count)
            #expect(bytes.count <= 8 * count + 12, "\(name)")
        }
    }

    @Test("decoding appends")
    func appends() throws {
        let (bytes, _) = Self.encode([1, 2, 4])
        var values: [Double] = [9]
        try ValueChunk.decode(bytes.span, into: &values)
        #expect(values == [9, 1, 2, 4])
    }

    @Test("scratch left by other columns changes no byte")
    func scratchIsClean() {
        var scratch = ChunkScratch()
        for (name, values) in Columns.all(300) {
            var writer = ByteWriter()
            ValueChunk.encode(values.span, into: &writer, scratch: &scratch)
            #expect(writer.bytes == Self.encode(values).bytes, "\(name)")
        }
    }

    @Test("each kind of column is written by the codec made for it, within a budget of bytes")
    func sizes() throws {
        let budgets: [String: (ValueCodec, Int)] = [
            "constant": (.decimal, 7), "constant full precision": (.constant, 11),
            "constant delta": (.decimal, 12), "counter": (.decimal, 890),
            "counter with reset": (.decimal, 900), "seconds": (.decimal, 890),
            "pages": (.decimal, 370), "two decimals": (.decimal, 1770),
            "full precision walk": (.bits, 6300), "stale marker within": (.decimal, 25),
            "floats of 32 bits": (.bits, 3700), "repeating noise": (.compressed, 700),
            "nanosecond times": (.decimal, 30), "one outlier of many digits": (.decimal, 50),
        ]
        for (name, values) in Columns.all(1000) {
            let (bytes, codec) = Self.encode(values)
            guard let (expected, budget) = budgets[name] else { continue }
            #expect(codec == expected, "\(name)")
            #expect(bytes.count <= budget, "\(name)")
        }
    }

    @Test("a chunk that ends early is refused, wherever it ends")
    func truncation() {
        for (name, values) in Columns.all(40) {
            let (bytes, _) = Self.encode(values)
            for count in 0..<bytes.count {
                #expect(throws: ChunkError.self, "\(name) cut at \(count)") {
                    try Self.decode(Array(bytes[..<count]))
                }
            }
            #expect(throws: ChunkError.self, "\(name) and a byte more") {
                try Self.decode(bytes + [0])
            }
        }
    }

    @Test("a flipped bit gives an error or some values of a bounded count, never a trap")
    func bitFlips() {
        for (_, values) in Columns.all(20) {
            let (bytes, _) = Self.encode(values)
            var decodedCount = 0
            for bit in 0..<(bytes.count * 8) {
                var flipped = bytes
                flipped[bit >> 3] ^= 1 << UInt8(bit & 7)
                guard let decoded = try? Self.decode(flipped) else { continue }
                decodedCount += 1
                #expect(decoded.count <= ChunkLimits.samplesMax)
            }
            // Data bits carry no redundancy: some flips must decode.
            #expect(decodedCount > 0)
        }
    }

    @Test("random bytes behind every head are refused or decoded, never a trap")
    func randomBytes() {
        var random = SplitMix64(seed: 99)
        var refused = 0
        for round in 0..<20_000 {
            var bytes = [UInt8(round % 7), UInt8.random(in: 0...200, using: &random)]
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                // Small bytes keep the decoder going further than random ones do.
                let small = Bool.random(using: &random)
                bytes.append(UInt8.random(in: 0...(small ? 8 : 255), using: &random))
            }
            if (try? Self.decode(bytes)) == nil { refused += 1 }
        }
        #expect(refused > 5000)
    }

    @Test("the largest chunk goes through, one more sample in a head does not")
    func limits() throws {
        let values = (0..<ChunkLimits.samplesMax).map { Double($0 % 1000) }
        #expect(try Self.decode(Self.encode(values).bytes) == values)
        var writer = ByteWriter()
        writer.u8(ValueCodec.constant.rawValue)
        writer.uvarint(UInt64(ChunkLimits.samplesMax + 1))
        writer.f64(1)
        #expect(throws: ChunkError.tooLarge(offset: 1)) { try Self.decode(writer.bytes) }
    }
}
