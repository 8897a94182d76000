import TSQBase

/// Native histograms of one series as bytes, all but their times: those are a `TimeChunk`, which may
/// be shared.
package enum HistogramChunk {
    /// Appends the encoding of the samples `range` of `columns` (at most `ChunkLimits.samplesMax`),
    /// start times included where there are some, times not.
    package static func encode(
        _ columns: borrowing HistogramColumns, _ range: Range<Int>, into writer: inout ByteWriter,
        scratch: inout ChunkScratch
    ) {
        preconditionFailure("BUG: not built yet")
    }

    /// Appends all columns but `times` to `columns`; the caller appends as many times.
    package static func decode(
        _ bytes: Span<UInt8>, into columns: inout HistogramColumns
    ) throws(ChunkError) {
        preconditionFailure("BUG: not built yet")
    }

    /// How many histograms the chunk has, from its head alone.
    package static func count(_ bytes: Span<UInt8>) throws(ChunkError) -> Int {
        preconditionFailure("BUG: not built yet")
    }
}
