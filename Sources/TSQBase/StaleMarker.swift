/// The value that says "this series has ended here".
///
/// - Source: Prometheus model/value/value.go. It is a NaN with its own bits; every other NaN is an
///   ordinary value.
package enum StaleMarker {
    package static let bits: UInt64 = 0x7FF0_0000_0000_0002
    /// The bits of an ordinary NaN, as Prometheus writes it.
    package static let ordinaryNaNBits: UInt64 = 0x7FF8_0000_0000_0001

    @inlinable
    package static var value: Double { Double(bitPattern: bits) }

    @inlinable
    package static func isStale(_ value: Double) -> Bool { value.bitPattern == bits }
}
