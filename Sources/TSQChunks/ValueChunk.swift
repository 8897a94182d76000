import TSQBase

/// How the values of a chunk are written: its first byte.
package enum ValueCodec: UInt8, Sendable, CaseIterable {
    /// One value, repeated.
    case constant = 0
    /// Integers divided by a power of ten (docs/format/chunks.md).
    case decimal = 1
    /// The bit patterns as integers.
    case bits = 2
    /// Each value's bytes that differ from the value before.
    case xor = 3
    /// Eight bytes a value.
    case raw = 4
    /// Another chunk, compressed by LZ4.
    case compressed = 5
}

/// A column of float values as bytes, bit for bit: NaN payloads, stale markers, −0 and denormals
/// come back as they were.
package enum ValueChunk {
    /// Appends the smallest of the codecs' encodings of `values` and answers which it was.
    ///
    /// `values` has at most `ChunkLimits.samplesMax` entries. The encoding depends on nothing but the
    /// values, so equal columns have equal bytes.
    /// - Complexity: about 20–50 ns a value; allocates nothing once `scratch` has grown.
    @discardableResult
    package static func encode(
        _ values: Span<Double>, into writer: inout ByteWriter, scratch: inout ChunkScratch
    ) -> ValueCodec {
        preconditionFailure("BUG: not built yet")
    }

    /// Appends the values of the chunk `bytes` (all of it, nothing after it) to `values`.
    ///
    /// - Throws: `ChunkError` on any bytes that no encoder writes; `values` may then have been
    ///   extended by values without meaning.
    package static func decode(
        _ bytes: Span<UInt8>, into values: inout [Double]
    ) throws(ChunkError) {
        preconditionFailure("BUG: not built yet")
    }

    /// How many values the chunk has, from its head alone.
    package static func count(_ bytes: Span<UInt8>) throws(ChunkError) -> Int {
        preconditionFailure("BUG: not built yet")
    }
}

/// Buffers that encoders use again from chunk to chunk. One thread at a time.
package struct ChunkScratch: Sendable {
    package init() {}
}
