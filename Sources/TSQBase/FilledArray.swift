extension Array {
    /// As `Array(repeating:count:)`, which is not specialised: it looks its type up at run time, which
    /// takes as long as the rest. For rows of tiles, of which queries make thousands.
    @inlinable @inline(__always)
    package init(filledWith value: Element, count: Int) {
        self = []
        reserveCapacity(count)
        append(contentsOf: repeatElement(value, count: count))
    }
}
