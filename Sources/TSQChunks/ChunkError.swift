/// Why the bytes of a chunk are none.
///
/// Offsets count from the start of the chunk.
package enum ChunkError: Error, Equatable, Sendable {
    /// The chunk ends before what is announced at `offset`.
    case truncated(offset: Int)
    /// The bytes at `offset` contradict the format.
    case malformed(offset: Int, reason: String)
    /// More samples than any encoder writes (`ChunkLimits`).
    case tooLarge(offset: Int)

    package var message: String {
        switch self {
        case .truncated(let offset): "chunk ends before byte \(offset) is complete"
        case .malformed(let offset, let reason): "chunk is malformed at byte \(offset): \(reason)"
        case .tooLarge(let offset): "chunk announces too much at byte \(offset)"
        }
    }
}

/// What a chunk may hold; a decoder refuses more, so that a flipped bit never asks for terabytes.
package enum ChunkLimits {
    /// Samples of one chunk. Encoders are given at most this many.
    package static let samplesMax = 1 << 16
    /// Buckets, spans or bounds of all histograms of one chunk, each.
    package static let histogramPartsMax = 1 << 22
}
