import CLZ4
import TSQBase

extension ValueChunk {
    /// Chunks below this have nothing that LZ4 could find.
    private static let compressionByteCountMin = 64
    /// The largest encoding of a chunk: raw, with its head.
    private static let innerByteCountMax = ChunkLimits.samplesMax * 9 + 64

    /// Replaces the chunk that begins at `start` by its compressed form when that saves an eighth.
    ///
    /// Safe because: LZ4 is given the sizes of both buffers and stays within them.
    static func compress(
        from start: Int, _ count: Int, _ writer: inout ByteWriter, _ scratch: inout ChunkScratch
    ) -> Bool {
        let byteCount = writer.count - start
        if byteCount < compressionByteCountMin { return false }
        let limit = byteCount - byteCount / 8 - 8
        if scratch.compressed.count < limit {
            scratch.compressed = [UInt8](repeating: 0, count: limit)
        }
        let written = writer.bytes.withUnsafeBytes { source in
            scratch.compressed.withUnsafeMutableBytes { target in
                LZ4_compress_default(
                    source.baseAddress?.advanced(by: start).assumingMemoryBound(to: CChar.self),
                    target.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(byteCount),
                    Int32(limit))
            }
        }
        if written <= 0 { return false }
        writer.bytes.removeLast(byteCount)
        writer.u8(ValueCodec.compressed.rawValue)
        writer.uvarint(UInt64(count))
        writer.uvarint(UInt64(byteCount))
        writer.bytes.append(contentsOf: scratch.compressed[..<Int(written)])
        return true
    }

    /// Safe because: LZ4_decompress_safe stays within both buffers on any input.
    static func decompress(
        _ reader: inout ChunkReader, _ count: Int, into values: inout [Double]
    ) throws(ChunkError) {
        let byteCount = try reader.count(max: innerByteCountMax)
        let block = try reader.bytes(reader.remaining)
        // LZ4 expands by 255 at most.
        guard byteCount > 0, byteCount <= block.count * 255 else {
            throw reader.malformed("inner chunk of \(byteCount) bytes")
        }
        let inner = [UInt8](unsafeUninitializedCapacity: byteCount) { target, initialized in
            let written = LZ4_decompress_safe(
                block.baseAddress?.assumingMemoryBound(to: CChar.self),
                UnsafeMutableRawPointer(target.baseAddress)?.assumingMemoryBound(to: CChar.self),
                Int32(block.count), Int32(byteCount))
            initialized = Int(max(0, written))
        }
        guard inner.count == byteCount else { throw reader.malformed("LZ4 block") }
        let outer = reader
        try inner.span.withUnsafeBytes { raw throws(ChunkError) in
            var nested = ChunkReader(raw)
            let (codec, innerCount) = try head(&nested)
            if codec == .compressed || innerCount != count {
                throw outer.malformed("inner chunk")
            }
            nested = ChunkReader(raw)
            try decode(&nested, into: &values)
        }
    }
}
