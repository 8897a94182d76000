import TSQBase
import Testing

@testable import TSQChunks

@Suite("A value chunk decoded to a place")
struct DecodeInPlaceTests {
    /// One column for each codec, and some in between.
    private static var columns: [[Double]] {
        var random = SplitMix64(seed: 3)
        return [
            [], [1.5], [Double](repeating: 7, count: 200), [Double](repeating: 0.1, count: 90),
            (0..<240).map { Double($0 * 13) }, (0..<240).map { Double($0 % 17) / 100 },
            (0..<100).map { _ in Double(random.next() % 1_000_000) / 7 },
            (0..<100).map { _ in Double(bitPattern: random.next()) },
            (0..<300).map { Double($0 / 40) * 1e-3 + .pi },
        ]
    }

    private func decode(
        _ bytes: [UInt8], count: Int
    ) throws(ChunkError) -> [Double] {
        var values = [Double](repeating: -1, count: count + 1)
        var failure: ChunkError?
        values.withUnsafeMutableBufferPointer { out in
            bytes.withUnsafeBytes { raw in
                guard let start = out.baseAddress else { return }
                do throws(ChunkError) {
                    try ValueChunk.decode(raw, count: count, to: start)
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
        #expect(values[count] == -1, "written beyond its count")
        return Array(values.dropLast())
    }

    @Test("gives the values of the plain form, and nothing behind them", arguments: columns)
    func same(column: [Double]) throws {
        var writer = ByteWriter()
        var scratch = ChunkScratch()
        ValueChunk.encode(column.span, into: &writer, scratch: &scratch)
        let decoded = try decode(writer.bytes, count: column.count)
        #expect(decoded.map(\.bitPattern) == column.map(\.bitPattern))
    }

    @Test("of another count than expected, or cut off, is an error", arguments: columns)
    func malformed(column: [Double]) {
        var writer = ByteWriter()
        var scratch = ChunkScratch()
        ValueChunk.encode(column.span, into: &writer, scratch: &scratch)
        for count in [column.count + 1, column.count - 1] where count >= 0 {
            #expect(throws: ChunkError.self) { try decode(writer.bytes, count: count) }
        }
        for length in 0..<writer.bytes.count {
            #expect(throws: ChunkError.self) {
                try decode(Array(writer.bytes[..<length]), count: column.count)
            }
        }
        #expect(throws: ChunkError.self) {
            try decode(writer.bytes + [0], count: column.count)
        }
    }
}
