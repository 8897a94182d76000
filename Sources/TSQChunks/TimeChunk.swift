import TSQBase

/// A column of times (or of start times) in ms as bytes.
///
/// Times need not ascend for the codec; a regular column takes some ten bytes whatever its length.
package enum TimeChunk {
    /// Appends the encoding of `times` (at most `ChunkLimits.samplesMax`); equal columns have equal
    /// bytes.
    package static func encode(
        _ times: Span<TimestampMs>, into writer: inout ByteWriter, scratch: inout ChunkScratch
    ) {
        precondition(
            times.count <= ChunkLimits.samplesMax, "BUG: \(times.count) times in a chunk")
        writer.uvarint(UInt64(times.count))
        scratch.ints.ints.removeAll(keepingCapacity: true)
        times.withUnsafeBufferPointer { scratch.ints.ints.append(contentsOf: $0) }
        IntColumn.encode(&scratch.ints, into: &writer)
    }

    /// Appends the times of the chunk `bytes` (all of it, nothing after it) to `times`.
    ///
    /// - Throws: `ChunkError` on any bytes that no encoder writes; `times` may then have been extended
    ///   by times without meaning.
    package static func decode(
        _ bytes: Span<UInt8>, into times: inout [TimestampMs]
    ) throws(ChunkError) {
        try bytes.withUnsafeBytes { raw throws(ChunkError) in
            var reader = ChunkReader(raw)
            let count = try reader.count(max: ChunkLimits.samplesMax)
            try times.extend(by: count, filler: 0) { out throws(ChunkError) in
                try IntColumn.decode(&reader, into: out)
            }
            try reader.expectEnd()
        }
    }

    /// How many times the chunk has, from its head alone.
    package static func count(_ bytes: Span<UInt8>) throws(ChunkError) -> Int {
        try bytes.withUnsafeBytes { raw throws(ChunkError) in
            var reader = ChunkReader(raw)
            return try reader.count(max: ChunkLimits.samplesMax)
        }
    }

    /// The address of a time column by its content: XXH64 of the times as little-endian 64-bit
    /// integers. Equal addresses must be confirmed by comparing the columns (or their encodings).
    package static func contentHash(_ times: Span<TimestampMs>) -> UInt64 {
        times.withUnsafeBufferPointer { XXHash64.hash(UnsafeRawBufferPointer($0)) }
    }
}
