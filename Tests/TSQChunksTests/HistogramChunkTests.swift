import TSQBase
import TSQChunks
import Testing

@Suite("HistogramChunk")
struct HistogramChunkTests {
    /// Histograms of a counter whose buckets appear one after the other.
    static func columns(
        _ count: Int, whole: Bool = true, startTimes: Bool = false
    ) -> HistogramColumns {
        var random = SplitMix64(seed: 11)
        var columns = HistogramColumns()
        var buckets: [Double] = []
        var total = 0.0
        for sample in 0..<count {
            if sample % 25 == 0 { buckets.append(0) }
            for index in buckets.indices {
                let step = Double(Int.random(in: 0..<9, using: &random)) * (whole ? 1 : 0.37)
                buckets[index] += step
                total += step
            }
            let isStale = sample % 40 == 39
            columns.times.append(Int64(sample) * 1000)
            if startTimes { columns.startTimes.append(sample < count / 2 ? 5 : 77) }
            columns.schemas.append(isStale ? 0 : 3)
            columns.hints.append(sample == 0 ? .reset : sample % 7 == 3 ? .unknown : .notReset)
            columns.zeroThresholds.append(isStale ? 0 : 0x1p-128)
            columns.zeroCounts.append(isStale ? 0 : Double(sample / 3))
            columns.counts.append(isStale ? 0 : total)
            columns.sums.append(isStale ? StaleMarker.value : total * 0.25)
            if !isStale {
                columns.positiveSpans.append(HistogramSpan(offset: -3, length: 1))
                columns.positiveSpans.append(
                    HistogramSpan(offset: 2, length: UInt32(buckets.count - 1)))
                columns.positiveBuckets.append(contentsOf: buckets)
                columns.negativeSpans.append(HistogramSpan(offset: 0, length: 2))
                columns.negativeBuckets.append(contentsOf: [1, Double(sample)])
            }
            columns.positiveSpanEnds.append(UInt32(columns.positiveSpans.count))
            columns.negativeSpanEnds.append(UInt32(columns.negativeSpans.count))
            columns.positiveBucketEnds.append(UInt32(columns.positiveBuckets.count))
            columns.negativeBucketEnds.append(UInt32(columns.negativeBuckets.count))
            columns.customBoundEnds.append(0)
        }
        return columns
    }

    static func custom(_ count: Int) -> HistogramColumns {
        var columns = HistogramColumns()
        for sample in 0..<count {
            columns.times.append(Int64(sample))
            columns.schemas.append(-53)
            columns.hints.append(.gauge)
            columns.zeroThresholds.append(0)
            columns.zeroCounts.append(0)
            columns.counts.append(Double(sample * 3))
            columns.sums.append(Double(sample) / 7)
            columns.positiveSpans.append(HistogramSpan(offset: 0, length: 3))
            columns.positiveSpanEnds.append(UInt32(columns.positiveSpans.count))
            columns.negativeSpanEnds.append(0)
            columns.positiveBuckets.append(
                contentsOf: [Double](repeating: Double(sample), count: 3))
            columns.positiveBucketEnds.append(UInt32(columns.positiveBuckets.count))
            columns.negativeBucketEnds.append(0)
            columns.customBounds.append(contentsOf: sample < count / 2 ? [0.1, 1] : [0.1, 2])
            columns.customBoundEnds.append(UInt32(columns.customBounds.count))
        }
        return columns
    }

    static func encode(_ columns: HistogramColumns, _ range: Range<Int>? = nil) -> [UInt8] {
        var writer = ByteWriter()
        var scratch = ChunkScratch()
        HistogramChunk.encode(
            columns, range ?? 0..<columns.count, into: &writer, scratch: &scratch)
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8], times: [Int64]) throws -> HistogramColumns {
        var columns = HistogramColumns()
        try HistogramChunk.decode(bytes.span, into: &columns)
        columns.times = times
        return columns
    }

    /// NaN makes `==` of columns false: compare their bits.
    static func isEqual(_ a: HistogramColumns, _ b: HistogramColumns) -> Bool {
        var (x, y) = (a, b)
        if bits(x.sums) != bits(y.sums) { return false }
        x.sums = []
        y.sums = []
        return x == y
    }

    @Test("every column but the times comes back", arguments: [0, 1, 2, 10, 60, 200])
    func roundTrip(count: Int) throws {
        for columns in [
            Self.columns(count), Self.columns(count, whole: false),
            Self.columns(count, startTimes: true), Self.custom(count),
        ] {
            let bytes = Self.encode(columns)
            #expect(try Self.isEqual(Self.decode(bytes, times: columns.times), columns))
            #expect(try HistogramChunk.count(bytes.span) == count)
        }
    }

    @Test("chunks of a part of the samples append to each other, hints and all")
    func parts() throws {
        let columns = Self.columns(100, startTimes: true)
        var decoded = HistogramColumns()
        for range in [0..<33, 33..<34, 34..<100] {
            try HistogramChunk.decode(Self.encode(columns, range).span, into: &decoded)
        }
        decoded.times = columns.times
        #expect(Self.isEqual(decoded, columns))
    }

    @Test("a chunk without start times after one with them has unknown ones")
    func startTimesFillUp() throws {
        var decoded = HistogramColumns()
        try HistogramChunk.decode(Self.encode(Self.columns(3)).span, into: &decoded)
        #expect(decoded.startTimes == [])
        try HistogramChunk.decode(
            Self.encode(Self.columns(2, startTimes: true)).span, into: &decoded)
        try HistogramChunk.decode(Self.encode(Self.columns(1)).span, into: &decoded)
        #expect(decoded.startTimes == [0, 0, 0, 5, 77, 0])
    }

    @Test("an unchanged layout is stored once and bucket counts as differences")
    func size() {
        // 200 samples of up to 10 buckets that grow by 9 at most, in 16 layouts: raw, they are 27 kB.
        #expect(Self.encode(Self.columns(200)).count < 2000)
    }

    @Test("truncation anywhere is refused, flipped bits never trap or ask for much memory")
    func damage() {
        for columns in [Self.columns(12), Self.columns(5, whole: false), Self.custom(30)] {
            let bytes = Self.encode(columns)
            for count in 0..<bytes.count {
                #expect(throws: ChunkError.self, "cut at \(count)") {
                    try Self.decode(Array(bytes[..<count]), times: [])
                }
            }
            for bit in 0..<(bytes.count * 8) {
                var flipped = bytes
                flipped[bit >> 3] ^= 1 << UInt8(bit & 7)
                if let decoded = try? Self.decode(flipped, times: []) {
                    #expect(decoded.positiveBuckets.count <= ChunkLimits.histogramPartsMax)
                }
            }
        }
    }
}
