/// The shortest decimal number of most doubles with less work than `ShortestDecimal`, and without
/// branches that depend on the digits: `tens` × 10^(`exponent` + 1) + `last` × 10^`exponent`.
///
/// - Source: the idea is of Y. Guo's yyjson and V. Zverovich's żmij: the value, scaled so that the
///   neighbours are between 1 and 10 away, as a whole number and 64 bits of fraction. A multiple of ten
///   that is no further off than half that distance is the shortest; otherwise the nearest whole
///   number is. What lies so close to a border that the bits cut off might decide is left to
///   `ShortestDecimal`.
struct SixteenDigits {
    /// 15 or 16 digits.
    let tens: UInt64
    /// 0 ... 9
    let last: UInt64
    let exponent: Int

    /// nil where the bounds have to be worked out exactly: powers of two, subnormal numbers, and one
    /// in some 10^16 others.
    ///
    /// - Parameter magnitude: finite, > 0.
    @inline(__always)
    init?(_ magnitude: Double) {
        let bits = magnitude.bitPattern
        let biased = Int(truncatingIfNeeded: bits >> 52)
        let mantissa = bits & 0xF_FFFF_FFFF_FFFF
        if mantissa == 0 || biased == 0 { return nil }
        let q = biased &- 1075
        let k = ShortestDecimal.floorLog10PowerOf2(q)
        let h = UInt64(truncatingIfNeeded: q &+ PowersOfTen.floorLog2(-k) &+ 1)
        let power = PowersOfTen.power(-k)
        let c = (mantissa | 1 << 52) &<< h
        let product = power.high.multipliedFullWidth(by: c)
        let (fraction, carries) = product.low.addingReportingOverflow(
            power.low.multipliedFullWidth(by: c).high)
        let whole = product.high &+ (carries ? 1 : 0)
        let wholeTens = whole / 10
        let ones = whole &- wholeTens &* 10
        // With 59 bits of fraction everything that is compared is below 2^63.
        let rest = ones << 59 | fraction >> 5
        let half = power.high &>> (6 &- h)
        let ten: UInt64 = 10 << 59
        if Self.isNear(half, rest) || Self.isNear(rest &+ half, ten)
            || Self.isNear(fraction >> 5, 1 << 58)
        {
            return nil
        }
        let takesBelow = Self.notLess(half, rest)
        let takesAbove = Self.notLess(rest &+ half, ten)
        let isWhole = (takesBelow | takesAbove) &- 1
        tens = wholeTens &+ takesAbove
        // Never rounded up to ten: that multiple of ten would have been near enough.
        last = (ones &+ fraction >> 63) & isWhole
        exponent = k
    }

    /// Whether they differ by so little that what was cut off might decide: 32 units of the last bit.
    @inline(__always)
    private static func isNear(_ a: UInt64, _ b: UInt64) -> Bool { a &- b &+ 32 <= 64 }

    /// 1 where a ≥ b, otherwise 0; both below 2^63.
    @inline(__always)
    private static func notLess(_ a: UInt64, _ b: UInt64) -> UInt64 { 1 &- (a &- b) >> 63 }
}
