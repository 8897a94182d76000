/// Finds out whether all of many values are finite, without a branch for each, so that the loop
/// vectorises: an exponent of all ones carries into the sign bit.
struct FiniteScan {
    private var carried: UInt64 = 0

    @inline(__always)
    mutating func add(_ value: Double) {
        carried |= (value.bitPattern & 0x7FF0 << 48) &+ 0x0010 << 48
    }

    /// No NaN and no infinity was among them.
    var isFinite: Bool { carried >> 63 == 0 }

    /// Whether none of `values` is NaN or infinite.
    static func areFinite(_ values: Span<Double>) -> Bool {
        var scan = FiniteScan()
        for index in 0..<values.count { scan.add(values[unchecked: index]) }
        return scan.isFinite
    }
}
