import CZlib

/// Decompresses a gzip body piece by piece; members may follow one another.
final class StreamInflater {
    struct Damaged: Error {}

    private var stream = z_stream()
    private var isAtEnd = false
    private static let outputByteCount = 256 << 10

    /// nil where zlib does not start.
    init?() {
        // 15 bits of window; 16 more expect gzip's frame.
        guard
            inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
    }

    deinit { inflateEnd(&stream) }

    /// Whether the data so far ends where a member ends.
    var isComplete: Bool { isAtEnd }

    /// Calls `body` with what comes out of `piece`.
    func inflate(
        _ piece: [UInt8], _ body: ([UInt8]) throws -> Void
    ) throws {
        var consumed = 0
        while consumed < piece.count || (stream.avail_out == 0 && !isAtEnd && consumed > 0) {
            if isAtEnd {
                guard inflateReset(&stream) == Z_OK else { throw Damaged() }
                isAtEnd = false
            }
            var status = Z_OK
            let output: [UInt8] = piece.withUnsafeBufferPointer { input in
                [UInt8](unsafeUninitializedCapacity: Self.outputByteCount) { output, count in
                    // Safe because: zlib reads `avail_in` bytes and never writes through `next_in`.
                    stream.next_in = input.baseAddress.map {
                        UnsafeMutablePointer(mutating: $0 + consumed)
                    }
                    let given = min(input.count - consumed, Int(UInt32.max))
                    stream.avail_in = UInt32(given)
                    stream.next_out = output.baseAddress
                    stream.avail_out = UInt32(output.count)
                    status = CZlib.inflate(&stream, Z_NO_FLUSH)
                    consumed += given - Int(stream.avail_in)
                    count = output.count - Int(stream.avail_out)
                }
            }
            switch status {
            case Z_OK: break
            case Z_STREAM_END: isAtEnd = true
            // Nothing was left to do.
            case Z_BUF_ERROR where consumed == piece.count: return try body(output)
            default: throw Damaged()
            }
            try body(output)
        }
    }
}
