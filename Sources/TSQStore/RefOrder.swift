/// The order of series by their refs.
enum RefOrder {
    private static let digitBits: UInt32 = 11
    /// Fewer are sorted by comparing.
    private static let countMin = 64

    /// The positions in `refs` in ascending order of the refs; equal ones keep their order.
    ///
    /// - Complexity: O(count), by digits from the lowest, as many as the largest ref has.
    static func ascending(_ refs: [UInt32]) -> [UInt32] {
        let positions = 0..<UInt32(refs.count)
        if refs.count < countMin {
            return positions.sorted { refs[Int($0)] < refs[Int($1)] }
        }
        let highest = refs.max() ?? 0
        var order = Array(positions)
        var next = order
        var shift: UInt32 = 0
        while shift < 32 && highest >> shift != 0 {
            sort(order, into: &next, refs, shift)
            swap(&order, &next)
            shift += digitBits
        }
        return order
    }

    private static func sort(
        _ order: [UInt32], into next: inout [UInt32], _ refs: [UInt32], _ shift: UInt32
    ) {
        let mask: UInt32 = 1 << digitBits - 1
        var starts = [Int](repeating: 0, count: Int(mask) + 2)
        for ref in refs { starts[Int(ref >> shift & mask) + 1] += 1 }
        for digit in 1..<starts.count { starts[digit] += starts[digit - 1] }
        for position in order {
            let digit = Int(refs[Int(position)] >> shift & mask)
            next[starts[digit]] = position
            starts[digit] += 1
        }
    }
}
