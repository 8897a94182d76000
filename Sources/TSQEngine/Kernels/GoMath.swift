import Glibc
import TSQBase

/// Where Go's math package differs from C's.
enum GoMath {
    /// Go's math.Max: +Inf wins over NaN, NaN over the rest, +0 over −0.
    static func max(_ a: Double, _ b: Double) -> Double {
        if a == .infinity || b == .infinity { return .infinity }
        if a.isNaN || b.isNaN { return .nan }
        if a == 0 && a == b { return a.sign == .minus ? b : a }
        return a > b ? a : b
    }

    /// Go's math.Min: −Inf wins over NaN, NaN over the rest, −0 over +0.
    static func min(_ a: Double, _ b: Double) -> Double {
        if a == -.infinity || b == -.infinity { return -.infinity }
        if a.isNaN || b.isNaN { return .nan }
        if a == 0 && a == b { return a.sign == .minus ? a : b }
        return a < b ? a : b
    }

    /// Go's math.Log2: exact for powers of two, else the exponent plus ln(fraction)/ln 2.
    static func log2(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return Glibc.log(value) }
        var exponent: Int32 = 0
        let fraction = frexp(value, &exponent)
        if fraction == 0.5 { return Double(exponent - 1) }
        return Glibc.log(fraction) * (1 / ln2) + Double(exponent)
    }

    /// Go's math.Log10: log2 scaled.
    static func log10(_ value: Double) -> Double { log2(value) * (ln2 / ln10) }

    /// Go's math.Mod, which is C's fmod; whole numbers go the quick way, with the same result.
    static func mod(_ a: Double, _ b: Double) -> Double {
        if a.magnitude < 0x1p53 && b.magnitude < 0x1p53 {
            let (x, y) = (GoNumber.int64(a), GoNumber.int64(b))
            if Double(x) == a && Double(y) == b && y != 0 {
                let rest = x % y
                return rest == 0 ? Double(signOf: a, magnitudeOf: 0) : Double(rest)
            }
        }
        return fmod(a, b)
    }

    private static let ln2 = 0.693147180559945309417232121458176568
    private static let ln10 = 2.30258509299404568401799145468436421
}
