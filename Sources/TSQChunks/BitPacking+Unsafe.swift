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
    /// elements (checked here); the main loop stops where an eight-byte load would end beyond what
    /// may be loaded, the rest goes through a padded copy.
    /// - Parameter slack: how many bytes after `packed` may be loaded.
    static func unpack(
        _ packed: UnsafeRawBufferPointer, slack: Int, width: Int, count: Int, base: UInt64,
        factor: UInt64, into out: UnsafeMutablePointer<UInt64>
    ) {
        precondition(
            width >= 0 && width <= 64 && packed.count == byteCount(count, width: width)
                && slack >= 0,
            "BUG: \(packed.count) bytes for \(count) values of \(width) bits")
        guard width > 0, let start = packed.baseAddress else {
            for index in 0..<count { out[index] = base }
            return
        }
        let fast = loadableCount(packed.count + slack, width: width, count: count)
        if width > widthMaxOfLoad {
            for index in 0..<fast {
                out[index] = base &+ factor &* wide(start, index * width, width)
            }
        } else if factor == 1 {
            scan(start, width: width, count: fast) { out[$0] = base &+ $1 }
        } else {
            scan(start, width: width, count: fast) { out[$0] = base &+ factor &* $1 }
        }
        tail(packed, width: width, from: fast, count: count, base, factor, out)
    }

    /// Integers `first`, `first + base + factor × packed[0]`, … (`count` + 1 of them, modulo 2^64),
    /// divided by `power`, or as the bits of doubles where that is nil.
    ///
    /// Safe because: as for `unpack`; `out` has `count + 1` elements.
    /// - Returns: false where the bytes do not allow it; nothing has been written then.
    static func unpackDifferences(
        _ packed: UnsafeRawBufferPointer, slack: Int, width: Int, count: Int, first: Int64,
        base: Int64, factor: Int64, power: Double?, into out: UnsafeMutablePointer<Double>
    ) -> Bool {
        guard width > 0, width <= widthMaxOfLoad, let start = packed.baseAddress,
            packed.count == byteCount(count, width: width),
            loadableCount(packed.count + slack, width: width, count: count) == count
        else { return false }
        var value = first
        guard let power else {
            out[0] = Double(bitPattern: UInt64(bitPattern: value))
            scan(start, width: width, count: count) { index, unit in
                value &+= base &+ factor &* Int64(bitPattern: unit)
                out[index &+ 1] = Double(bitPattern: UInt64(bitPattern: value))
            }
            return true
        }
        if power == 1 {
            out[0] = Double(value)
            scan(start, width: width, count: count) { index, unit in
                value &+= base &+ factor &* Int64(bitPattern: unit)
                out[index &+ 1] = Double(value)
            }
        } else {
            out[0] = Double(value) / power
            scan(start, width: width, count: count) { index, unit in
                value &+= base &+ factor &* Int64(bitPattern: unit)
                out[index &+ 1] = Double(value) / power
            }
        }
        return true
    }

    /// More bits than this may begin in one load of eight bytes and end in the next.
    private static let widthMaxOfLoad = 56

    /// Values whose first byte is at most `byteCount - 9` can be loaded with nine bytes.
    @inline(__always)
    private static func loadableCount(_ byteCount: Int, width: Int, count: Int) -> Int {
        byteCount < 9 ? 0 : min(count, ((byteCount - 9) * 8 + 7) / width + 1)
    }

    /// Calls `body` with each index and packed value; as many values from one load as fit it.
    ///
    /// Safe because: eight bytes from the first byte of each of the `count` values may be loaded.
    @inline(__always)
    private static func scan(
        _ start: UnsafeRawPointer, width: Int, count: Int, _ body: (Int, UInt64) -> Void
    ) {
        let mask: UInt64 = (1 << UInt64(width)) &- 1
        let shift = UInt64(width)
        var bit = 0
        var index = 0
        @inline(__always)
        func load() -> UInt64 {
            let word = start.loadUnaligned(fromByteOffset: bit >> 3, as: UInt64.self)
            return UInt64(littleEndian: word) &>> UInt64(bit & 7)
        }
        if width <= widthMaxOfLoad / 4 {
            while index &+ 4 <= count {
                let word = load()
                body(index, word & mask)
                body(index &+ 1, (word &>> shift) & mask)
                body(index &+ 2, (word &>> (2 &* shift)) & mask)
                body(index &+ 3, (word &>> (3 &* shift)) & mask)
                index &+= 4
                bit &+= 4 &* width
            }
        } else if width <= widthMaxOfLoad / 2 {
            while index &+ 2 <= count {
                let word = load()
                body(index, word & mask)
                body(index &+ 1, (word &>> shift) & mask)
                index &+= 2
                bit &+= 2 &* width
            }
        }
        while index < count {
            body(index, load() & mask)
            index &+= 1
            bit &+= width
        }
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
