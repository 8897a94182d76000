import TSQBase
import TSQChunks

/// Bytes a sample and speed of the value codecs on the workload.
enum ChunkBench {
    private static let seriesPerKind = 20

    static func run() {
        for count in [120, 240, 900, 3600] {
            print("values, \(count) samples a chunk: bytes/sample, M samples/s")
            print("  kind             codec          bytes    encode    decode")
            var total = 0.0
            var weights = 0
            for kind in SeriesKind.allCases {
                let bytes = measure(kind, count)
                total += bytes * Double(kind.weight)
                weights += kind.weight
            }
            print("  mean            ", Measure.column(total / Double(weights), width: 20))
        }
        times()
    }

    private static func measure(_ kind: SeriesKind, _ count: Int) -> Double {
        var workload = Workload(seed: UInt64(kind.weight) + UInt64(count))
        let columns = (0..<seriesPerKind).map { _ in workload.column(kind, count) }
        var scratch = ChunkScratch()
        var chunks: [[UInt8]] = []
        var codec = ValueCodec.raw
        for column in columns {
            var writer = ByteWriter()
            codec = ValueChunk.encode(column.span, into: &writer, scratch: &scratch)
            chunks.append(writer.bytes)
        }
        let repeats = max(1, 40_000 / (count * seriesPerKind))
        let samples = Double(count * seriesPerKind * repeats)
        var writer = ByteWriter()
        let encodeNs = Measure.fastestNs(rounds: 7) {
            for _ in 0..<repeats {
                writer.bytes.removeAll(keepingCapacity: true)
                for column in columns {
                    ValueChunk.encode(column.span, into: &writer, scratch: &scratch)
                }
            }
        }
        var values: [Double] = []
        var failures = 0
        let decodeNs = Measure.fastestNs(rounds: 15) {
            for _ in 0..<repeats {
                for chunk in chunks {
                    values.removeAll(keepingCapacity: true)
                    do { try ValueChunk.decode(chunk.span, into: &values) } catch { failures += 1 }
                }
            }
        }
        precondition(failures == 0, "BUG: a chunk does not decode")
        let bytes = Double(chunks.reduce(0) { $0 + $1.count }) / Double(count * seriesPerKind)
        print(
            "  \(Measure.name(kind.rawValue)) \(Measure.name("\(codec)", width: 10))"
                + Measure.column(bytes, digits: 3) + Measure.column(samples * 1000 / encodeNs)
                + Measure.column(samples * 1000 / decodeNs))
        return bytes
    }

    private static func times() {
        let count = 3600
        let times = (0..<count).map { 1_700_000_000_000 + Int64($0) * 1000 }
        var writer = ByteWriter()
        var scratch = ChunkScratch()
        TimeChunk.encode(times.span, into: &writer, scratch: &scratch)
        var decoded: [Int64] = []
        let ns = Measure.fastestNs(rounds: 200) {
            decoded.removeAll(keepingCapacity: true)
            try? TimeChunk.decode(writer.bytes.span, into: &decoded)
        }
        print(
            "times, regular: \(writer.count) bytes for \(decoded.count), decode M/s",
            Measure.column(Double(count) * 1000 / ns))
    }
}
