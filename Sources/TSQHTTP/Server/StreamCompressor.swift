import CZlib

/// Compresses a body piece by piece.
final class StreamCompressor {
    private var stream = z_stream()
    private static let outputByteCount = 64 << 10

    /// nil where zlib does not start.
    init?(_ compression: Compression) {
        guard compression.start(&stream) else { return nil }
    }

    deinit { deflateEnd(&stream) }

    /// What comes out for `piece`; the last one also ends the stream.
    ///
    /// - Returns: nil where zlib fails.
    func compress(_ piece: [UInt8], isLast: Bool) -> [UInt8]? {
        guard piece.count <= UInt32.max else { return nil }
        var result: [UInt8] = []
        let isGood = piece.withUnsafeBufferPointer { input in
            // Safe because: zlib reads `avail_in` bytes and never writes through `next_in`.
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(input.count)
            while true {
                var status = Z_OK
                let output = [UInt8](unsafeUninitializedCapacity: Self.outputByteCount) {
                    stream.next_out = $0.baseAddress
                    stream.avail_out = UInt32($0.count)
                    status = deflate(&stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    $1 = $0.count - Int(stream.avail_out)
                }
                result += output
                // Room left over in the output: all of the input is taken.
                if status == Z_STREAM_END
                    || (status == Z_OK || status == Z_BUF_ERROR)
                        && stream.avail_out > 0
                {
                    return true
                }
                if status != Z_OK { return false }
            }
        }
        return isGood ? result : nil
    }
}
