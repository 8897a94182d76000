import TSQBase
import Testing

@testable import TSQStore

@Suite("Rows of the log")
struct LogRowTests {
    private static let special: [Double] = [
        0, -0.0, 1, -1, 0.1, 0.25, 12.34, 1234.567, -99.99, 1e15, 0x1p51, -0x1p51, 0x1p53, 1e300,
        .nan, .infinity, -.infinity, .leastNonzeroMagnitude,
        Double(bitPattern: 0x7FF0_0000_0000_0002),
        Double(bitPattern: RowLayout.absentBits), 4_294_967_296, 2_147_483_648, 127, 128, -128,
        -129,
        32767, 32768, 0.001, 0.005, 1_000_000.001, 3.0000000000000004,
    ]

    private func encoded(_ values: [Double], _ base: [Double]) -> [UInt8] {
        var writer = ByteWriter()
        LogRow.encode(values, base: base, into: &writer)
        return writer.bytes
    }

    private func decoded(_ bytes: [UInt8], _ base: [Double]?) throws -> (count: Int, bits: [UInt64])
    {
        var reader = ByteReader(bytes.span)
        let (count, values) = try LogRow.decode(&reader, base: base)
        let isAtEnd = reader.isAtEnd
        #expect(isAtEnd)
        return (count, values.map(\.bitPattern))
    }

    @Test("every value comes back bit for bit after every other")
    func pairs() throws {
        for old in Self.special {
            let base = [Double](repeating: old, count: Self.special.count)
            let bytes = encoded(Self.special, base)
            #expect(try decoded(bytes, base).bits == Self.special.map(\.bitPattern))
        }
    }

    @Test("random rows come back, also where the base is shorter, longer or missing")
    func randomRows() throws {
        var random = SplitMix64(seed: 7)
        func value(_ near: Double) -> Double {
            switch random.next() % 6 {
            case 0: near
            case 1: near + Double(random.next() % 100)
            case 2: (near * 100).rounded() / 100 + Double(random.next() % 1000) / 100
            case 3: Double(bitPattern: random.next())
            case 4: near + Double(random.next() % 1000) / 997
            default: Double(random.next() % 100_000) / 1000
            }
        }
        for _ in 0..<500 {
            let base = (0..<Int(random.next() % 40)).map { _ in value(5) }
            let values = (0..<Int(random.next() % 40)).map {
                value($0 < base.count ? base[$0] : 0)
            }
            let bytes = encoded(values, base)
            #expect(try decoded(bytes, base).bits == values.map(\.bitPattern))
            let unknown = try decoded(bytes, nil)
            #expect(unknown.count == values.count && unknown.bits.isEmpty)
        }
    }

    @Test("counters and decimals that move by little take a byte and a half")
    func size() {
        let base = (0..<1000).map { Double($0) * 1000 + 0.25 * Double($0 % 2) }
        let values = base.map { $0 + 0.75 }
        #expect(encoded(values, base).count <= 1502)
        #expect(encoded(base, base).count <= 502)
    }

    @Test("any bytes are an error or some row, and never a trap")
    func anyBytes() {
        var random = SplitMix64(seed: 11)
        let base = Self.special
        var errors = 0
        for _ in 0..<20_000 {
            let bytes = (0..<Int(random.next() % 60)).map { _ in
                UInt8(truncatingIfNeeded: random.next())
            }
            var reader = ByteReader(bytes.span)
            do {
                let (count, values) = try LogRow.decode(&reader, base: base)
                #expect(values.count == count)
            } catch {
                errors += 1
            }
        }
        #expect(errors > 1000)
    }
}
