import CLZ4
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
        let count = values.count
        precondition(count <= ChunkLimits.samplesMax, "BUG: \(count) values in a chunk")
        if isConstant(values) {
            // A small integer is shorter as a decimal column.
            return encodeConstant(values, into: &writer, &scratch)
        }
        var codec = ValueCodec.raw
        var byteCountMin = count * 8
        scratch.best.bytes.removeAll(keepingCapacity: true)
        if DecimalColumn.encode(values, &scratch) {
            codec = .decimal
            byteCountMin = scratch.candidate.count
            swap(&scratch.best, &scratch.candidate)
        }
        // Decimals that take less than this a value are never beaten by bit patterns.
        if codec == .raw || byteCountMin > count * 5 {
            BitsColumn.encode(values, &scratch)
            if scratch.candidate.count < byteCountMin {
                codec = .bits
                byteCountMin = scratch.candidate.count
                swap(&scratch.best, &scratch.candidate)
            }
            if XorColumn.byteCount(values) < byteCountMin {
                XorColumn.encode(values, &scratch)
                codec = .xor
                swap(&scratch.best, &scratch.candidate)
            }
        }
        let start = writer.count
        writer.u8(codec.rawValue)
        writer.uvarint(UInt64(count))
        if codec == .raw {
            for index in 0..<count { writer.f64(values[index]) }
        } else {
            writer.raw(scratch.best.bytes)
        }
        return compress(from: start, count, &writer, &scratch) ? .compressed : codec
    }

    private static func isConstant(_ values: Span<Double>) -> Bool {
        if values.isEmpty { return true }
        let bits = values[0].bitPattern
        for index in 1..<values.count where values[index].bitPattern != bits { return false }
        return true
    }

    private static func encodeConstant(
        _ values: Span<Double>, into writer: inout ByteWriter, _ scratch: inout ChunkScratch
    ) -> ValueCodec {
        if !values.isEmpty, DecimalColumn.encode(values, &scratch), scratch.candidate.count < 8 {
            writer.u8(ValueCodec.decimal.rawValue)
            writer.uvarint(UInt64(values.count))
            writer.raw(scratch.candidate.bytes)
            return .decimal
        }
        writer.u8(ValueCodec.constant.rawValue)
        writer.uvarint(UInt64(values.count))
        if !values.isEmpty { writer.f64(values[0]) }
        return .constant
    }

    /// Appends the values of the chunk `bytes` (all of it, nothing after it) to `values`.
    ///
    /// - Throws: `ChunkError` on any bytes that no encoder writes; `values` may then have been
    ///   extended by values without meaning.
    package static func decode(
        _ bytes: Span<UInt8>, into values: inout [Double]
    ) throws(ChunkError) {
        try bytes.withUnsafeBytes { raw throws(ChunkError) in
            var reader = ChunkReader(raw)
            try decode(&reader, into: &values)
        }
    }

    /// Writes the `count` values of the chunk `bytes` (all of it, nothing after it) to `out`.
    ///
    /// Safe because: the chunk is held to be of `count` values before one is written; the caller has
    /// room for as many at `out`.
    /// - Parameter slack: how many bytes after `bytes` may be loaded: with eight there is no end to
    ///   watch in unpacking.
    /// - Returns: whether all values are known to be finite without looking at each.
    /// - Throws: `ChunkError` on any bytes that no encoder writes, and when it has another count.
    @discardableResult
    package static func decode(
        _ bytes: UnsafeRawBufferPointer, slack: Int = 0, count: Int,
        to out: UnsafeMutablePointer<Double>
    ) throws(ChunkError) -> Bool {
        var reader = ChunkReader(bytes, slack: slack)
        let head = try head(&reader)
        if head.count != count {
            throw .malformed(offset: 0, reason: "\(head.count) values instead of \(count)")
        }
        let out = UnsafeMutableBufferPointer(start: out, count: count)
        var areFinite = false
        switch head.codec {
        case .constant:
            if count > 0 { out.update(repeating: try reader.f64()) }
            areFinite = out.first?.isFinite ?? true
        case .compressed:
            var values: [Double] = []
            try decompress(&reader, count, into: &values)
            for index in 0..<count { out[index] = values[index] }
            return false
        case .decimal: areFinite = try DecimalColumn.decode(&reader, into: out)
        case .bits: try BitsColumn.decode(&reader, into: out)
        case .xor: try XorColumn.decode(&reader, into: out)
        case .raw: try decodeRaw(&reader, into: out)
        }
        try reader.expectEnd()
        return areFinite
    }

    /// The whole of `reader` as a value chunk.
    static func decode(
        _ reader: inout ChunkReader, into values: inout [Double]
    ) throws(ChunkError) {
        let (codec, count) = try head(&reader)
        switch codec {
        case .constant:
            if count > 0 {
                values.append(contentsOf: repeatElement(try reader.f64(), count: count))
            }
            try reader.expectEnd()
        case .compressed:
            try decompress(&reader, count, into: &values)
        case .decimal, .bits, .xor, .raw:
            var rest = reader
            try values.extend(by: count, filler: 0) { out throws(ChunkError) in
                switch codec {
                case .decimal: _ = try DecimalColumn.decode(&rest, into: out)
                case .bits: try BitsColumn.decode(&rest, into: out)
                case .xor: try XorColumn.decode(&rest, into: out)
                default: try decodeRaw(&rest, into: out)
                }
            }
            try rest.expectEnd()
        }
    }

    /// How many values the chunk has, from its head alone.
    package static func count(_ bytes: Span<UInt8>) throws(ChunkError) -> Int {
        try bytes.withUnsafeBytes { raw throws(ChunkError) in
            var reader = ChunkReader(raw)
            return try head(&reader).count
        }
    }

    static func head(
        _ reader: inout ChunkReader
    ) throws(ChunkError) -> (codec: ValueCodec, count: Int) {
        guard let codec = ValueCodec(rawValue: try reader.u8()) else {
            throw .malformed(offset: 0, reason: "unknown codec")
        }
        return (codec, try reader.count(max: ChunkLimits.samplesMax))
    }

    private static func decodeRaw(
        _ reader: inout ChunkReader, into out: UnsafeMutableBufferPointer<Double>
    ) throws(ChunkError) {
        let bytes = try reader.bytes(out.count * 8)
        for index in 0..<out.count {
            out[index] = Double(
                bitPattern: UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)))
        }
    }
}

/// Buffers that encoders use again from chunk to chunk. One thread at a time.
package struct ChunkScratch: Sendable {
    var ints = IntScratch()
    var exceptions: [ValueExceptions.Run] = []
    /// The encoding that is tried, and the best so far; without kind and count.
    var candidate = ByteWriter()
    var best = ByteWriter()
    var compressed: [UInt8] = []
    /// A column of a histogram.
    var values: [Double] = []

    package init() {}
}
