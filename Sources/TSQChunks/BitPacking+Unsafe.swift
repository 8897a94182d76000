/// Integers of `width` bits each, least significant bit first, without padding.
enum BitPacking {
    @inline(__always)
    static func byteCount(_ count: Int, width: Int) -> Int { (count * width + 7) >> 3 }

    @inline(__always)
    static func bitCount(_ value: UInt64) -> Int { 64 - value.leadingZeroBitCount }

    /// Appends the packed `values`, each below 2^width.
    static func pack(_ units: [UInt64], width: Int, into bytes: inout [UInt8]) {
        if width == 0 { return }
        let values = units.span
        let count = values.count
        bytes.reserveCapacity(bytes.count + byteCount(count, width: width))
        var word: UInt64 = 0
        var used = 0
        for index in 0..<count {
            let value = values[index]
            word |= value << UInt64(used)
            used += width
            if used >= 64 {
                withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
                used -= 64
                word = used == 0 ? 0 : value >> UInt64(width - used)
            }
        }
        while used > 0 {
            bytes.append(UInt8(truncatingIfNeeded: word))
            word >>= 8
            used -= 8
        }
    }

    /// `out[i] = base + factor × packed[i]` for i < count, modulo 2^64.
    ///
    /// Safe because: `packed` has exactly `byteCount(count, width:)` bytes and `out` has `count`
    /// elements (checked here); the main loop stops where an eight-byte load would end beyond, the
    /// rest goes through a padded copy.
    static func unpack(
        _ packed: UnsafeRawBufferPointer, width: Int, count: Int, base: UInt64, factor: UInt64,
        into out: UnsafeMutablePointer<UInt64>
    ) {
        precondition(
            width >= 0 && width <= 64 && packed.count == byteCount(count, width: width),
            "BUG: \(packed.count) bytes for \(count) values of \(width) bits")
        guard width > 0, let start = packed.baseAddress else {
            for index in 0..<count { out[index] = base }
            return
        }
        // Values whose first byte is at most `packed.count - 9` can be loaded with nine bytes.
        let fast = packed.count < 9 ? 0 : min(count, ((packed.count - 9) * 8 + 7) / width + 1)
        if width <= 56 {
            let mask: UInt64 = (1 << UInt64(width)) &- 1
            var bit = 0
            if factor == 1 {
                for index in 0..<fast {
                    let word = UInt64(
                        littleEndian: start.loadUnaligned(
                            fromByteOffset: bit >> 3, as: UInt64.self))
                    out[index] = base &+ ((word &>> UInt64(bit & 7)) & mask)
                    bit &+= width
                }
            } else {
                for index in 0..<fast {
                    let word = UInt64(
                        littleEndian: start.loadUnaligned(
                            fromByteOffset: bit >> 3, as: UInt64.self))
                    out[index] = base &+ factor &* ((word &>> UInt64(bit & 7)) & mask)
                    bit &+= width
                }
            }
        } else {
            for index in 0..<fast {
                out[index] = base &+ factor &* wide(start, index * width, width)
            }
        }
        tail(packed, width: width, from: fast, count: count, base, factor, out)
    }

    @inline(__always)
    private static func wide(_ start: UnsafeRawPointer, _ bit: Int, _ width: Int) -> UInt64 {
        let low = UInt64(
            littleEndian: start.loadUnaligned(fromByteOffset: bit >> 3, as: UInt64.self))
        let high = UInt64(start.load(fromByteOffset: (bit >> 3) + 8, as: UInt8.self))
        let shift = UInt64(bit & 7)
        // Shifts are smart: for shift 0 the high byte goes out of the word.
        let word = (low >> shift) | (high << (64 - shift))
        return width == 64 ? word : word & ((1 << UInt64(width)) &- 1)
    }

    private static func tail(
        _ packed: UnsafeRawBufferPointer, width: Int, from first: Int, count: Int, _ base: UInt64,
        _ factor: UInt64, _ out: UnsafeMutablePointer<UInt64>
    ) {
        if first >= count { return }
        let firstByte = (first * width) >> 3
        let restCount = packed.count - firstByte
        // At most nine bytes are left before the last fast load's end, and one value more.
        precondition(restCount <= tailMax, "BUG: \(restCount) bytes in the tail")
        withUnsafeTemporaryAllocation(byteCount: tailMax + 16, alignment: 8) { padded in
            guard let start = padded.baseAddress, let source = packed.baseAddress else { return }
            padded.initializeMemory(as: UInt8.self, repeating: 0)
            start.copyMemory(from: source + firstByte, byteCount: restCount)
            for index in first..<count {
                let bit = index * width - firstByte * 8
                out[index] = base &+ factor &* wide(UnsafeRawPointer(start), bit, width)
            }
        }
    }

    private static let tailMax = 48
}
