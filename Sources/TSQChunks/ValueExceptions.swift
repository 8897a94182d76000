import TSQBase

/// Entries of a decimal or bits column that are no ordinary numbers: runs of equal values that
/// replace what the integer column says.
enum ValueExceptions {
    struct Run: Sendable {
        var start: Int
        var count: Int
        var bits: UInt64
    }

    private static let tagged: [UInt64] = [
        StaleMarker.bits, StaleMarker.ordinaryNaNBits, Double.infinity.bitPattern,
        (-Double.infinity).bitPattern, (-0.0).bitPattern,
    ]

    static func append(_ bits: UInt64, at index: Int, to runs: inout [Run]) {
        if let last = runs.last, last.bits == bits, last.start + last.count == index {
            runs[runs.count - 1].count += 1
        } else {
            runs.append(Run(start: index, count: 1, bits: bits))
        }
    }

    static func encode(_ runs: [Run], into writer: inout ByteWriter) {
        writer.uvarint(UInt64(runs.count))
        var end = 0
        for run in runs {
            writer.uvarint(UInt64(run.start - end))
            writer.uvarint(UInt64(run.count))
            end = run.start + run.count
            if let index = tagged.firstIndex(of: run.bits) {
                writer.u8(UInt8(index + 1))
            } else {
                writer.u8(0)
                writer.u64(run.bits)
            }
        }
    }

    /// Reads past the runs and answers a reader at their start and their number.
    static func skip(_ reader: inout ChunkReader) throws(ChunkError) -> (ChunkReader, Int) {
        let runCount = try reader.count(max: ChunkLimits.samplesMax)
        if runCount == 0 { throw reader.malformed("no exceptions") }
        let runs = reader
        for _ in 0..<runCount {
            _ = try reader.uvarint()
            _ = try reader.uvarint()
            if try reader.u8() == 0 { _ = try reader.u64() }
        }
        return (runs, runCount)
    }

    /// Overwrites the entries of the runs.
    static func apply(
        _ start: ChunkReader, _ runCount: Int, to out: UnsafeMutableBufferPointer<Double>
    ) throws(ChunkError) {
        var reader = start
        var index = 0
        for _ in 0..<runCount {
            index += try reader.count(max: ChunkLimits.samplesMax)
            let count = try reader.count(max: ChunkLimits.samplesMax)
            let tag = Int(try reader.u8())
            if tag > tagged.count { throw reader.malformed("exception tag \(tag)") }
            let bits = tag == 0 ? try reader.u64() : tagged[tag - 1]
            if count == 0 || index + count > out.count {
                throw reader.malformed("exception beyond the column")
            }
            for position in index..<(index + count) { out[position] = Double(bitPattern: bits) }
            index += count
        }
    }
}
