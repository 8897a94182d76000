import TSQBase
import TSQModel

package enum Quantiles {
    /// The φ-quantile of float values, linear between ranks; `values` is reordered. NaN sorts lowest.
    /// φ below 0 gives −Inf, above 1 +Inf, NaN or no value NaN.
    ///
    /// - Complexity: O(n) on average.
    package static func quantile(_ phi: Double, _ values: inout [Double]) -> Double {
        if values.isEmpty || phi.isNaN { return .nan }
        if phi < 0 { return -.infinity }
        if phi > 1 { return .infinity }
        let rank = phi * Double(values.count - 1)
        let floor = rank.rounded(.down)
        let lower = GoNumber.int(max(0, floor))
        let upper = min(values.count - 1, lower + 1)
        let weight = rank - floor
        var span = values.mutableSpan
        let lowerValue = select(lower, &span)
        var upperValue = lowerValue
        if upper > lower {
            // Everything behind `lower` is not smaller: the next in order is the least of it.
            upperValue = span[upper]
            for index in upper..<span.count
            where precedes(span[unchecked: index], upperValue) {
                upperValue = span[unchecked: index]
            }
        }
        return lowerValue * (1 - weight) + upperValue * weight
    }

    /// NaN before every number.
    @inline(__always)
    private static func precedes(_ a: Double, _ b: Double) -> Bool {
        a < b || (a.isNaN && !b.isNaN)
    }

    /// Hoare's selection: afterwards `values[rank]` is in its place, what is before it does not
    /// follow it in order, what is behind it does not precede it.
    private static func select(_ rank: Int, _ values: inout MutableSpan<Double>) -> Double {
        precondition(rank >= 0 && rank < values.count, "BUG: a rank outside the values")
        var (left, right) = (0, values.count - 1)
        while right - left > 12 {
            let pivot = median(
                values[unchecked: left], values[unchecked: left + (right - left) / 2],
                values[unchecked: right])
            var (low, high) = (left, right)
            while low <= high {
                while precedes(values[unchecked: low], pivot) { low += 1 }
                while precedes(pivot, values[unchecked: high]) { high -= 1 }
                if low <= high {
                    values.swapAt(unchecked: low, unchecked: high)
                    low += 1
                    high -= 1
                }
            }
            if rank <= high {
                right = high
            } else if rank >= low {
                left = low
            } else {
                return values[unchecked: rank]
            }
        }
        insertionSort(&values, left, right)
        return values[unchecked: rank]
    }

    private static func insertionSort(
        _ values: inout MutableSpan<Double>, _ left: Int, _ right: Int
    ) {
        var index = left + 1
        while index <= right {
            let value = values[unchecked: index]
            var slot = index
            while slot > left && precedes(value, values[unchecked: slot - 1]) {
                values[unchecked: slot] = values[unchecked: slot - 1]
                slot -= 1
            }
            values[unchecked: slot] = value
            index += 1
        }
    }

    private static func median(_ a: Double, _ b: Double, _ c: Double) -> Double {
        if precedes(a, b) {
            return precedes(b, c) ? b : (precedes(a, c) ? c : a)
        }
        return precedes(a, c) ? a : (precedes(b, c) ? c : b)
    }
}
