/// Digits written where the caller has made room: nothing is allocated or checked per byte.
///
/// Safe because: every write lies within `roomMax` bytes of `out`: at most 25 bytes of text, copies
/// of 24 bytes at most 33 further on, digits on their way at 48–72 behind a text of at most 26.
extension DecimalPrint {
    /// Room that `write` wants at `out`, more than it fills.
    package static let roomMax = 128

    /// Writes `value` in the layout `json` and answers how many bytes that took.
    ///
    /// - Precondition: `roomMax` bytes at `out` may be written.
    package static func writeJSON(_ value: Double, to out: UnsafeMutablePointer<UInt8>) -> Int {
        let magnitude = value.magnitude
        var count = 0
        if value.sign == .minus && !value.isNaN {
            out[0] = 0x2D
            count = 1
        }
        let at = out + count
        if magnitude < 1e15 {
            // As thousandths: whole numbers and numbers of up to three decimals, by far the most.
            // 2^52 added, the lowest bits of a double are the integer.
            let scaled = magnitude * 1000
            if scaled < 1e15 {
                let shifted = scaled + 0x1p52
                if (shifted - 0x1p52) / 1000 == magnitude {
                    return count + writeThousandths(shifted.bitPattern & (1 << 52 - 1), to: at)
                }
            } else if let whole = GoNumber.exactInt64(magnitude) {
                return count + writeInteger(UInt64(whole), to: at)
            }
        }
        if !value.isFinite {
            let text: StaticString = value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf"
            out.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
            return text.utf8CodeUnitCount
        }
        if let digits = SixteenDigits(magnitude), let length = writeFixed(digits, to: at) {
            return count + length
        }
        let decimal = ShortestDecimal(magnitude)
        let (digits, digitCount) = writeDigits(decimal.digits, scratch: at + 48)
        let point = decimal.exponent + digitCount
        return count
            + (magnitude < 1e-6 || magnitude >= 1e21
                ? writeExponent(digits, digitCount, point, to: at)
                : writeFixed(digits, digitCount, point, to: at))
    }

    /// Writes a number whose point is among the digits or shortly before them; nil for all others.
    @inline(__always)
    private static func writeFixed(
        _ digits: SixteenDigits, to out: UnsafeMutablePointer<UInt8>
    ) -> Int? {
        // A zero in front where there are 15.
        let lead = Int(truncatingIfNeeded: (digits.tens &- 1_000_000_000_000_000) >> 63)
        let point = digits.exponent &+ 17 &- lead
        if point < -5 || digits.exponent >= 0 { return nil }
        let (upper, lower) = digits.tens.quotientAndRemainder(dividingBy: 100_000_000)
        let (upperValues, lowerValues) = (eightValues(upper), eightValues(lower))
        var count = 17 &- lead
        if digits.last == 0 {
            count &-= 1 &+ (lower == 0 ? 8 : lowerValues.trailingZeroBitCount >> 3)
            if lower == 0 { count &-= upperValues.trailingZeroBitCount >> 3 }
        }
        let (high, low) = (text(upperValues), text(lowerValues))
        let last = 0x30 &+ UInt8(truncatingIfNeeded: digits.last)
        var at = UnsafeMutableRawPointer(out)
        if point <= 0 {
            at.storeBytes(of: UInt64(0x3030_3030_3030_2E30).littleEndian, as: UInt64.self)
            at += 2 &- point
            store(dropFirst(lead, high, low), at)
            at.storeBytes(of: last, toByteOffset: 16 &- lead, as: UInt8.self)
            return 2 &- point &+ count
        }
        store(dropFirst(lead, high, low), at)
        // What stands behind the point once more, a place further on.
        store(dropFirst(lead &+ point, high, low), at + (point &+ 1))
        at.storeBytes(of: last, toByteOffset: 17 &- lead, as: UInt8.self)
        out[point] = 0x2E
        return count > point ? count &+ 1 : point
    }

    /// Sixteen bytes without the first `count`; 0 ≤ count ≤ 16 (of 16 nothing is left that counts).
    @inline(__always)
    private static func dropFirst(
        _ count: Int, _ high: UInt64, _ low: UInt64
    ) -> (high: UInt64, low: UInt64) {
        // These shifts count modulo 64.
        let shift = UInt64(truncatingIfNeeded: count &<< 3)
        if count >= 8 { return (low &>> shift, 0) }
        return (high &>> shift | (low &<< 1) &<< (63 &- shift), low &>> shift)
    }

    @inline(__always)
    private static func store(
        _ words: (high: UInt64, low: UInt64), _ out: UnsafeMutableRawPointer
    ) {
        out.storeBytes(of: words.high.littleEndian, as: UInt64.self)
        out.storeBytes(of: words.low.littleEndian, toByteOffset: 8, as: UInt64.self)
    }

    /// Writes `value`'s digits and answers how many.
    ///
    /// - Precondition: `roomMax` bytes at `out` may be written.
    package static func writeInteger(
        _ value: UInt64, to out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        if value < 10 {
            out[0] = 0x30 &+ UInt8(truncatingIfNeeded: value)
            return 1
        }
        if value < 10_000_000_000_000_000 {
            let (upper, lower) = value.quotientAndRemainder(dividingBy: 100_000_000)
            let raw = UnsafeMutableRawPointer(out)
            let lowerValues = eightValues(lower)
            if upper == 0 {
                let zeros = lowerValues.leadingZeroBitCount >> 3
                let word = text(lowerValues) &>> UInt64(zeros &<< 3)
                raw.storeBytes(of: word.littleEndian, as: UInt64.self)
                return 8 &- zeros
            }
            let upperValues = eightValues(upper)
            let zeros = upperValues.leadingZeroBitCount >> 3
            store(dropFirst(zeros, text(upperValues), text(lowerValues)), raw)
            return 16 &- zeros
        }
        let (digits, count) = writeDigits(value, scratch: out + 48)
        copy24(digits, to: out)
        return count
    }

    /// thousandths / 1000.
    @inline(__always)
    private static func writeThousandths(
        _ thousandths: UInt64, to out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let (whole, rest) = thousandths.quotientAndRemainder(dividingBy: 1000)
        let count = writeInteger(whole, to: out)
        if rest == 0 { return count }
        let digits = UInt32(truncatingIfNeeded: rest)
        out[count] = 0x2E
        out[count &+ 1] = 0x30 &+ UInt8(truncatingIfNeeded: digits / 100)
        let (tens, ones) = (digits / 10 % 10, digits % 10)
        out[count &+ 2] = 0x30 &+ UInt8(truncatingIfNeeded: tens)
        out[count &+ 3] = 0x30 &+ UInt8(truncatingIfNeeded: ones)
        return count &+ (ones != 0 ? 4 : tens != 0 ? 3 : 2)
    }

    /// Eight digits at once, in the bytes of a word.
    @inline(__always)
    static func eightDigits(_ value: UInt32) -> UInt64 { text(eightValues(UInt64(value))) }

    /// The values of eight digits as the bytes of a word, the last one lowest: first by ten thousands,
    /// then by hundreds, then by tens. The divisions are multiplications that are exact in their
    /// ranges; what is divided off moves up as the rest stays.
    @inline(__always)
    private static func eightValues(_ value: UInt64) -> UInt64 {
        let fours = value &+ (1 << 32 &- 10_000) &* ((value &* 109_951_163) >> 40)
        let pairs = fours &+ (1 << 16 &- 100) &* ((fours &* 5243) >> 19 & 0x0000_007F_0000_007F)
        return pairs &+ (1 << 8 &- 10) &* ((pairs &* 103) >> 10 & 0x000F_000F_000F_000F)
    }

    /// The values as digits, the first one lowest.
    @inline(__always)
    private static func text(_ values: UInt64) -> UInt64 {
        values.byteSwapped | 0x3030_3030_3030_3030
    }

    /// Writes the digits of `value` so that they end at `scratch + 24`, and answers where they begin.
    @inline(__always)
    private static func writeDigits(
        _ value: UInt64, scratch: UnsafeMutablePointer<UInt8>
    ) -> (start: UnsafeMutablePointer<UInt8>, count: Int) {
        let raw = UnsafeMutableRawPointer(scratch)
        let (upper, low) = value.quotientAndRemainder(dividingBy: 100_000_000)
        raw.storeBytes(
            of: eightDigits(UInt32(truncatingIfNeeded: low)).littleEndian, toByteOffset: 16,
            as: UInt64.self)
        var count = 8
        if upper > 0 {
            let (top, middle) = upper.quotientAndRemainder(dividingBy: 100_000_000)
            raw.storeBytes(
                of: eightDigits(UInt32(truncatingIfNeeded: middle)).littleEndian,
                toByteOffset: 8, as: UInt64.self)
            count = 16
            if top > 0 {
                // Numbers that are no integers have 17 digits at most.
                if top < 10 {
                    scratch[7] = 0x30 &+ UInt8(truncatingIfNeeded: top)
                    return (scratch + 7, 17)
                }
                raw.storeBytes(
                    of: eightDigits(UInt32(truncatingIfNeeded: top)).littleEndian,
                    toByteOffset: 0, as: UInt64.self)
                count = 24
            }
        }
        let first = UInt64(
            littleEndian: raw.loadUnaligned(fromByteOffset: 24 - count, as: UInt64.self))
        // Zeros in front, as bytes: their lowest bits are what differs from '0'.
        let zeros = (first ^ 0x3030_3030_3030_3030).trailingZeroBitCount >> 3
        count -= min(zeros, 7)
        return (scratch + 24 - count, count)
    }

    /// 24 bytes, of which the caller wants the first ones.
    @inline(__always)
    private static func copy24(
        _ from: UnsafeMutablePointer<UInt8>, to out: UnsafeMutablePointer<UInt8>
    ) {
        let (source, target) = (UnsafeRawPointer(from), UnsafeMutableRawPointer(out))
        let a = source.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        let b = source.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        let c = source.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        target.storeBytes(of: a, toByteOffset: 0, as: UInt64.self)
        target.storeBytes(of: b, toByteOffset: 8, as: UInt64.self)
        target.storeBytes(of: c, toByteOffset: 16, as: UInt64.self)
    }

    /// 0.d₁d₂… × 10^point without an exponent; −6 < point ≤ 21.
    private static func writeFixed(
        _ digits: UnsafeMutablePointer<UInt8>, _ count: Int, _ point: Int,
        to out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        if point <= 0 {
            let raw = UnsafeMutableRawPointer(out)
            raw.storeBytes(of: 0x3030_3030_3030_2E30, as: UInt64.self)
            copy24(digits, to: out + 2 - point)
            return 2 - point + count
        }
        if point >= count {
            copy24(digits, to: out)
            for index in count..<max(count, point) { out[index] = 0x30 }
            return point
        }
        copy24(digits, to: out)
        copy24(digits + point, to: out + point + 1)
        out[point] = 0x2E
        return count + 1
    }

    private static func writeExponent(
        _ digits: UnsafeMutablePointer<UInt8>, _ count: Int, _ point: Int,
        to out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var length = 1
        out[0] = digits[0]
        if count > 1 {
            out[1] = 0x2E
            copy24(digits + 1, to: out + 2)
            length = count + 1
        }
        let exponent = point - 1
        out[length] = 0x65
        out[length + 1] = exponent < 0 ? 0x2D : 0x2B
        length += 2
        if exponent.magnitude < 10 {
            out[length] = 0x30
            length += 1
        }
        return length + writeInteger(UInt64(exponent.magnitude), to: out + length)
    }
}
