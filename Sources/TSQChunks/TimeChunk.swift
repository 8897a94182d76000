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
        preconditionFailure("BUG: not built yet")
    }

    /// Appends the times of the chunk `bytes` (all of it, nothing after it) to `times`.
    package static func decode(
        _ bytes: Span<UInt8>, into times: inout [TimestampMs]
    ) throws(ChunkError) {
        preconditionFailure("BUG: not built yet")
    }

    /// How many times the chunk has, from its head alone.
    package static func count(_ bytes: Span<UInt8>) throws(ChunkError) -> Int {
        preconditionFailure("BUG: not built yet")
    }

    /// The address of a time column by its content: XXH64 of the times as little-endian 64-bit
    /// integers. Equal addresses must be confirmed by comparing the columns (or their encodings).
    package static func contentHash(_ times: Span<TimestampMs>) -> UInt64 {
        times.withUnsafeBufferPointer { XXHash64.hash(UnsafeRawBufferPointer($0)) }
    }
}
