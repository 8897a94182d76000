import TSQBase

/// Each value xor the one before, without the bytes that are zero at one of its ends: for values
/// that share sign and exponent but whose mantissas have nothing in common.
///
/// - Source: Pelkonen et al., Gorilla (2015), in whole bytes as in DuckDB's Patas, so that decoding
///   takes one load a value.
enum XorColumn {
    /// The control nibble of a word and how many bytes follow.
    @inline(__always)
    private static func control(_ word: UInt64) -> (nibble: Int, byteCount: Int) {
        if word == 0 { return (0, 0) }
        let low = 8 - word.leadingZeroBitCount / 8
        let high = 8 - word.trailingZeroBitCount / 8
        return high < low ? (8 + high, high) : (low, low)
    }

    /// The length of the encoding.
    static func byteCount(_ values: Span<Double>) -> Int {
        var result = (values.count + 1) / 2
        var previous: UInt64 = 0
        for index in 0..<values.count {
            let bits = values[index].bitPattern
            result += control(bits ^ previous).byteCount
            previous = bits
        }
        return result
    }

    static func encode(_ values: Span<Double>, _ scratch: inout ChunkScratch) {
        let controlCount = (values.count + 1) / 2
        scratch.candidate.bytes.removeAll(keepingCapacity: true)
        scratch.candidate.bytes.append(contentsOf: repeatElement(0, count: controlCount))
        var previous: UInt64 = 0
        for index in 0..<values.count {
            let bits = values[index].bitPattern
            let word = bits ^ previous
            previous = bits
            let (nibble, byteCount) = control(word)
            scratch.candidate.bytes[index >> 1] |= UInt8(nibble << (index & 1 == 0 ? 0 : 4))
            let shifted = nibble > 8 ? word >> UInt64(64 - 8 * byteCount) : word
            for byte in 0..<byteCount {
                scratch.candidate.u8(UInt8(truncatingIfNeeded: shifted >> UInt64(8 * byte)))
            }
        }
    }

    /// Safe because: the sum of all byte counts is checked before the loop; loads of eight bytes
    /// happen only where eight bytes are left.
    static func decode(
        _ reader: inout ChunkReader, into out: UnsafeMutableBufferPointer<Double>
    ) throws(ChunkError) {
        let count = out.count
        let controls = try reader.bytes((count + 1) / 2)
        if count & 1 == 1, controls[count / 2] >> 4 != 0 {
            throw reader.malformed("control nibble beyond the last value")
        }
        var total = 0
        for control in controls {
            let (low, high) = (Int(control & 15), Int(control >> 4))
            total += (low > 8 ? low - 8 : low) + (high > 8 ? high - 8 : high)
        }
        let data = try reader.bytes(total)
        var previous: UInt64 = 0
        var offset = 0
        for index in 0..<count {
            let nibble = Int(controls[index >> 1] >> (index & 1 == 0 ? 0 : 4)) & 15
            let byteCount = nibble > 8 ? nibble - 8 : nibble
            var word: UInt64 = 0
            if offset + 8 <= total {
                word = UInt64(
                    littleEndian: data.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                word &= byteCount == 8 ? .max : (1 &<< UInt64(8 * byteCount)) &- 1
            } else {
                for byte in 0..<byteCount {
                    word |= UInt64(data[offset + byte]) << UInt64(8 * byte)
                }
            }
            if nibble > 8 { word <<= UInt64(64 - 8 * byteCount) }
            offset += byteCount
            previous ^= word
            out[index] = Double(bitPattern: previous)
        }
    }
}
