/// The one way from `Double` to an integer.
///
/// `Int64(Double)` traps on NaN, ±Inf and values out of range, and a server must not trap on what a
/// user typed. These give what Go 1.2x gives on amd64, where Prometheus's recorded answers come from.
package enum GoNumber {
    /// Go's `int64(f)`: truncates towards zero; NaN and everything out of range give `Int64.min`.
    @inlinable
    package static func int64(_ value: Double) -> Int64 {
        // 2^63 is exactly representable; the comparison is false for NaN.
        guard value >= -0x1p63, value < 0x1p63 else { return .min }
        return unsafeTruncating(value)
    }

    /// Truncates towards zero and clamps to the ends of `Int64`; NaN gives 0.
    @inlinable
    package static func int64Saturating(_ value: Double) -> Int64 {
        if value.isNaN { return 0 }
        if value >= 0x1p63 { return .max }
        if value < -0x1p63 { return .min }
        return unsafeTruncating(value)
    }

    /// Go's `int(f)`, 64 bits wide.
    @inlinable
    package static func int(_ value: Double) -> Int { Int(int64(value)) }

    /// Go's `uint64(f)` on amd64 for values in range; NaN, negative and too large values clamp.
    @inlinable
    package static func uint64Saturating(_ value: Double) -> UInt64 {
        guard value > 0 else { return 0 }
        if value >= 0x1p64 { return .max }
        return UInt64(value)
    }

    /// `value` as an integer, or nil where it is not a whole number of `Int64`.
    @inlinable
    package static func exactInt64(_ value: Double) -> Int64? {
        guard value >= -0x1p63, value < 0x1p63 else { return nil }
        let whole = unsafeTruncating(value)
        return Double(whole) == value ? whole : nil
    }

    @usableFromInline
    static func unsafeTruncating(_ value: Double) -> Int64 { Int64(value) }
}
