import CZlib

/// Response compression: gzip and deflate (in zlib's frame, as Prometheus's), for bodies above a size.
package enum Compression: String, Sendable {
    case gzip, deflate

    /// Smaller bodies fit a packet anyway.
    package static let byteCountMin = 1024
    /// Half the time of the default level for a few per cent of size.
    private static let level: Int32 = 4

    /// What the client takes, gzip first; nil where it takes neither.
    package static func negotiate(acceptEncoding: String?) -> Compression? {
        guard let acceptEncoding else { return nil }
        var accepted: Set<String> = []
        for entry in acceptEncoding.split(separator: ",") {
            let parts = entry.split(separator: ";").map { part in
                String(part.filter { $0 != " " }).lowercased()
            }
            guard let name = parts.first else { continue }
            let refused = parts.dropFirst().contains {
                $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0
            }
            if !refused { accepted.insert(name) }
        }
        return accepted.contains("gzip") ? .gzip : accepted.contains("deflate") ? .deflate : nil
    }

    /// Prepares `stream`; to be ended with `deflateEnd`.
    func start(_ stream: inout z_stream) -> Bool {
        // 15 bits of window; 16 more ask for gzip's frame.
        let windowBits: Int32 = self == .gzip ? 31 : 15
        return deflateInit2_(
            &stream, Self.level, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)) == Z_OK
    }

    /// nil where zlib fails or gains nothing; then the body goes out as it is.
    package func compress(_ body: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        guard body.count <= UInt32.max, start(&stream) else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(body.count)))
        let compressed: [UInt8] = body.withUnsafeBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: bound) { output, count in
                // Safe because: zlib reads `avail_in` bytes and never writes through `next_in`.
                stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(clamping: output.count)
                let status = CZlib.deflate(&stream, Z_FINISH)
                count = status == Z_STREAM_END ? Int(stream.total_out) : 0
            }
        }
        return compressed.isEmpty || compressed.count >= body.count ? nil : compressed
    }
}
