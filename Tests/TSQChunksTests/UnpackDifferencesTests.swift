import TSQBase
import Testing

@testable import TSQChunks

@Suite("Packed differences")
struct UnpackDifferencesTests {
    /// What is packed, and what it is summed with.
    private struct Column {
        var units: [UInt64]
        var width: Int
        var first: Int64
        var base: Int64
        var factor: Int64
        var power: Double?

        init(width: Int, _ random: inout SplitMix64) {
            self.width = width
            units = (0..<Int(random.next() % 70)).map { _ in
                random.next() & ((1 << UInt64(width)) &- 1)
            }
            let isLarge = random.next() % 3 == 0
            first = Int64(bitPattern: random.next()) >> (isLarge ? 0 : 20)
            base = Int64(bitPattern: random.next()) >> (isLarge ? 0 : 30)
            factor = random.next() % 2 == 0 ? 1 : Int64(random.next() >> (isLarge ? 1 : 40))
            power = [nil, 1, 1000][Int(random.next() % 3)]
        }

        /// One integer after the other.
        var sums: [UInt64] {
            var value = first
            let values =
                [value]
                + units.map { unit in
                    value &+= base &+ factor &* Int64(bitPattern: unit)
                    return value
                }
            return values.map { value in
                power.map { (Double(value) / $0).bitPattern } ?? UInt64(bitPattern: value)
            }
        }

        func unpacked(slack: Int) -> [UInt64]? {
            var bytes: [UInt8] = []
            BitPacking.pack(units, width: width, into: &bytes)
            let packedCount = bytes.count
            bytes += [UInt8](repeating: 0xA5, count: slack)
            var out = [Double](repeating: -1, count: units.count + 2)
            let isDone = out.withUnsafeMutableBufferPointer { out in
                bytes.withUnsafeBytes { raw in
                    guard let start = out.baseAddress else { return false }
                    return BitPacking.unpackDifferences(
                        UnsafeRawBufferPointer(rebasing: raw[..<packedCount]), slack: slack,
                        width: width, count: units.count, first: first, base: base,
                        factor: factor, power: power, into: start)
                }
            }
            #expect(out.last == -1, "written beyond its count")
            return isDone ? out.dropLast().map(\.bitPattern) : nil
        }
    }

    @Test("are summed one after the other, whatever their width", arguments: 1...56)
    func sums(width: Int) {
        var random = SplitMix64(seed: UInt64(width))
        for _ in 0..<50 {
            let column = Column(width: width, &random)
            #expect(column.unpacked(slack: 9) == column.sums)
        }
    }

    @Test("are left to another way where a load would end beyond the bytes")
    func withoutSlack() {
        var random = SplitMix64(seed: 7)
        for width in 1...56 {
            let column = Column(width: width, &random)
            if let unpacked = column.unpacked(slack: 0) {
                #expect(unpacked == column.sums)
                // An integer and eight bytes from its first one.
                #expect(column.units.isEmpty || column.units.count * width >= 64)
            }
        }
    }
}
