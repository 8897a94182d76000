/// xxHash, 64 bits, seed 0: the hash that `limit_ratio`, `hashmod`'s neighbours and scrape offsets
/// of Prometheus are defined by, and tsq's own hash for byte keys.
///
/// - Source: the xxHash specification, github.com/Cyan4973/xxHash doc/xxhash_spec.md.
package enum XXHash64 {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    package static func hash(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
        hash(bytes.span, seed: seed)
    }

    package static func hash(_ bytes: Span<UInt8>, seed: UInt64 = 0) -> UInt64 {
        bytes.withUnsafeBytes { hash($0, seed: seed) }
    }

    // Safe because: every load is below `raw.count`.
    package static func hash(_ raw: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
        let count = raw.count
        var index = 0
        var h: UInt64
        if count >= 32 {
            var v1 = seed &+ prime1 &+ prime2
            var v2 = seed &+ prime2
            var v3 = seed
            var v4 = seed &- prime1
            while index + 32 <= count {
                v1 = round(v1, word(raw, index))
                v2 = round(v2, word(raw, index + 8))
                v3 = round(v3, word(raw, index + 16))
                v4 = round(v4, word(raw, index + 24))
                index += 32
            }
            h = rotate(v1, 1) &+ rotate(v2, 7) &+ rotate(v3, 12) &+ rotate(v4, 18)
            h = merge(h, v1)
            h = merge(h, v2)
            h = merge(h, v3)
            h = merge(h, v4)
        } else {
            h = seed &+ prime5
        }
        h = h &+ UInt64(count)
        while index + 8 <= count {
            h ^= round(0, word(raw, index))
            h = rotate(h, 27) &* prime1 &+ prime4
            index += 8
        }
        if index + 4 <= count {
            let half = UInt32(
                littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt32.self))
            h ^= UInt64(half) &* prime1
            h = rotate(h, 23) &* prime2 &+ prime3
            index += 4
        }
        while index < count {
            h ^= UInt64(raw[index]) &* prime5
            h = rotate(h, 11) &* prime1
            index += 1
        }
        h ^= h >> 33
        h = h &* prime2
        h ^= h >> 29
        h = h &* prime3
        h ^= h >> 32
        return h
    }

    @inline(__always)
    private static func word(_ raw: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    @inline(__always)
    private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
        (value << bits) | (value >> (64 - bits))
    }

    @inline(__always)
    private static func round(_ accumulator: UInt64, _ input: UInt64) -> UInt64 {
        rotate(accumulator &+ input &* prime2, 31) &* prime1
    }

    @inline(__always)
    private static func merge(_ accumulator: UInt64, _ value: UInt64) -> UInt64 {
        (accumulator ^ round(0, value)) &* prime1 &+ prime4
    }
}
