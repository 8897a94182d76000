import TSQBase
import TSQChunks
import Testing

@Suite("TimeChunk")
struct TimeChunkTests {
    static func encode(_ times: [Int64]) -> [UInt8] {
        var writer = ByteWriter()
        var scratch = ChunkScratch()
        TimeChunk.encode(times.span, into: &writer, scratch: &scratch)
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(ChunkError) -> [Int64] {
        var times: [Int64] = []
        try TimeChunk.decode(bytes.span, into: &times)
        return times
    }

    static func columns(_ count: Int) -> [(name: String, times: [Int64], budget: Int)] {
        var random = SplitMix64(seed: 3)
        let start: Int64 = 1_700_000_000_123
        let regular = (0..<count).map { start + Int64($0) * 1000 }
        return [
            ("regular", regular, 14),
            (
                "one scrape missed", regular.enumerated().map { $1 + ($0 > count / 2 ? 1000 : 0) },
                22
            ),
            ("jitter", regular.map { $0 + Int64.random(in: 0...20, using: &random) }, 12 + count),
            ("start times", regular.map { _ in start }, 12),
            (
                "start times with zeros", regular.enumerated().map { $0 % 2 == 0 ? 0 : $1 },
                9 * count + 20
            ),
            ("extremes", (0..<count).map { [Int64.min, .max, 0, -1][$0 % 4] }, 9 * count + 20),
            ("random", (0..<count).map { _ in Int64(bitPattern: random.next()) }, 9 * count + 20),
        ]
    }

    @Test(
        "every column comes back, regular ones in a few bytes",
        arguments: [0, 1, 2, 3, 5, 64, 120, 3600])
    func roundTrip(count: Int) throws {
        for (name, times, budget) in Self.columns(count) {
            let bytes = Self.encode(times)
            #expect(try Self.decode(bytes) == times, "\(name)")
            #expect(try TimeChunk.count(bytes.span) == count)
            #expect(bytes.count <= budget, "\(name)")
        }
    }

    @Test("truncation anywhere is refused, flipped bits never trap")
    func damage() {
        for (name, times, _) in Self.columns(30) {
            let bytes = Self.encode(times)
            for count in 0..<bytes.count {
                #expect(throws: ChunkError.self, "\(name) cut at \(count)") {
                    try Self.decode(Array(bytes[..<count]))
                }
            }
            for bit in 0..<(bytes.count * 8) {
                var flipped = bytes
                flipped[bit >> 3] ^= 1 << UInt8(bit & 7)
                if let decoded = try? Self.decode(flipped) {
                    #expect(decoded.count <= ChunkLimits.samplesMax)
                }
            }
        }
    }

    @Test("the content address depends on every time and on nothing else")
    func contentHash() {
        let times: [Int64] = [1, 2, 3]
        #expect(TimeChunk.contentHash(times.span) == TimeChunk.contentHash([1, 2, 3].span))
        #expect(TimeChunk.contentHash(times.span) != TimeChunk.contentHash([1, 2, 4].span))
        #expect(TimeChunk.contentHash(times.span) != TimeChunk.contentHash([1, 2].span))
        // Little-endian 64-bit integers through XXH64, for readers in other languages.
        #expect(
            TimeChunk.contentHash([Int64(1)].span) == XXHash64.hash([1, 0, 0, 0, 0, 0, 0, 0]))
    }
}

@Suite("PresenceBitmap")
struct PresenceBitmapTests {
    static func bitmap(_ rowCount: Int, _ isPresent: (Int) -> Bool) -> PresenceBitmap {
        var result = PresenceBitmap(rowCount: rowCount)
        for row in 0..<rowCount where isPresent(row) { result[row] = true }
        return result
    }

    static func encode(_ bitmap: PresenceBitmap) -> [UInt8] {
        var writer = ByteWriter()
        bitmap.encode(into: &writer)
        return writer.bytes
    }

    @Test(
        "every pattern comes back and selects its times", arguments: [0, 1, 7, 8, 63, 64, 65, 500])
    func roundTrip(rowCount: Int) throws {
        let times = (0..<rowCount).map { Int64($0) * 15 }
        let patterns: [(Int) -> Bool] = [
            { _ in true }, { _ in false }, { $0 % 2 == 0 }, { $0 % 2 == 1 }, { $0 > 20 },
            { $0 < 20 }, { $0 != 30 }, { ($0 &* 2_654_435_761) >> 5 & 1 == 0 },
        ]
        for pattern in patterns {
            let bitmap = Self.bitmap(rowCount, pattern)
            let bytes = Self.encode(bitmap)
            #expect(try PresenceBitmap.decode(bytes.span) == bitmap)
            #expect(bytes.count <= 3 + (rowCount + 7) / 8)
            var selected: [Int64] = []
            bitmap.select(times.span, into: &selected)
            #expect(selected == times.indices.filter(pattern).map { times[$0] })
            #expect(bitmap.count == selected.count)
            for count in 0..<bytes.count {
                #expect(throws: ChunkError.self) {
                    try PresenceBitmap.decode(Array(bytes[..<count]).span)
                }
            }
            for bit in 0..<(bytes.count * 8) {
                var flipped = bytes
                flipped[bit >> 3] ^= 1 << UInt8(bit & 7)
                if let other = try? PresenceBitmap.decode(flipped.span) {
                    #expect(other.count <= other.rowCount)
                }
            }
        }
    }

    @Test("a series that joined late takes a few bytes")
    func runsAreShort() {
        #expect(Self.encode(Self.bitmap(4000) { $0 > 1234 }).count <= 8)
    }
}
