import CZlib

/// Decompresses a gzip body.
enum Inflate {
    enum Failure: Error, Equatable {
        case tooLarge
        case malformed
    }

    /// Appends what `bytes` (one or more gzip members, nothing else) decompress to.
    ///
    /// Safe because: zlib is given the sizes of both buffers and stays within them.
    static func gzip(
        _ bytes: [UInt8], into body: inout [UInt8], bodyBytesMax: Int
    ) throws(Failure) {
        var stream = z_stream()
        // 16: a gzip header is expected.
        let version = ZLIB_VERSION
        let size = Int32(MemoryLayout<z_stream>.size)
        guard inflateInit2_(&stream, 15 + 16, version, size) == Z_OK else { throw .malformed }
        defer { inflateEnd(&stream) }
        var failure: Failure?
        bytes.withUnsafeBufferPointer { source in
            stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
            stream.avail_in = UInt32(clamping: source.count)
            while failure == nil {
                var status = Z_OK
                var produced = 0
                withUnsafeTemporaryAllocation(of: UInt8.self, capacity: pieceByteCount) { piece in
                    stream.next_out = piece.baseAddress
                    stream.avail_out = UInt32(piece.count)
                    status = CZlib.inflate(&stream, Z_NO_FLUSH)
                    produced = piece.count - Int(stream.avail_out)
                    if produced <= bodyBytesMax - body.count {
                        body.append(contentsOf: piece[..<produced])
                    } else {
                        failure = .tooLarge
                    }
                }
                if status == Z_STREAM_END {
                    if stream.avail_in == 0 { return }
                    // Another member follows.
                    if inflateReset(&stream) != Z_OK { failure = .malformed }
                } else if status != Z_OK || produced == 0 && stream.avail_in == 0 {
                    failure = failure ?? .malformed
                }
            }
        }
        if let failure { throw failure }
    }

    private static let pieceByteCount = 1 << 15
}
