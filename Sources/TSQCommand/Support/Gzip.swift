import CZlib

/// Files that may be compressed.
enum Gzip {
    private static let chunkByteCount = 1 << 20
    /// A file that grows beyond this is not one page.
    private static let inflatedByteCountMax = 64 << 30

    static func isCompressed(_ bytes: [UInt8]) -> Bool {
        bytes.count > 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
    }

    /// The content of one or more gzip members.
    ///
    /// - Throws: `CommandFailure` for damaged or cut data.
    static func inflated(_ bytes: [UInt8]) throws(CommandFailure) -> [UInt8] {
        var stream = z_stream()
        // 15 bits of window; 16 more expect gzip's frame.
        guard
            inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw CommandFailure("zlib does not start") }
        defer { inflateEnd(&stream) }
        var result: [UInt8] = []
        var consumed = 0
        var status = Z_OK
        while status != Z_STREAM_END || consumed < bytes.count {
            if status == Z_STREAM_END, inflateReset(&stream) != Z_OK { break }
            let given = min(bytes.count - consumed, Int(UInt32.max))
            let chunk: [UInt8] = bytes.withUnsafeBufferPointer { input in
                [UInt8](unsafeUninitializedCapacity: chunkByteCount) { output, count in
                    // Safe because: zlib reads `avail_in` bytes and never writes through `next_in`.
                    stream.next_in = input.baseAddress.map {
                        UnsafeMutablePointer(mutating: $0 + consumed)
                    }
                    stream.avail_in = UInt32(given)
                    stream.next_out = output.baseAddress
                    stream.avail_out = UInt32(output.count)
                    status = inflate(&stream, Z_NO_FLUSH)
                    count = output.count - Int(stream.avail_out)
                }
            }
            consumed += given - Int(stream.avail_in)
            guard status == Z_OK || status == Z_STREAM_END else {
                throw CommandFailure("the gzip data is damaged or cut")
            }
            result += chunk
            if result.count > inflatedByteCountMax {
                throw CommandFailure("the file is too large when decompressed")
            }
        }
        return result
    }
}
