import TSQBase

/// Minimum and maximum over windows of about one length, without a branch a value: values are cut into
/// blocks as long as the longest window, so a window has the end of one block and the beginning of the
/// next, and both are known from running extremes.
///
/// - Source: van Herk (1992), Gil and Werman (1993). The deque of `RangeFunctions.extremes` is the
///   plain form.
///
/// Safe because: the caller has held every window against the values (`Windows.checkBounds`), and the
/// buffer has two entries for each value.
enum BlockExtremes<Order: ExtremeOrder> {
    /// With fewer windows over the values the deque is no slower.
    private static var windowsMin: Int { 8 }

    /// Fills `row`; false, with steps of `row` still to be filled, where windows are few or uneven, or
    /// a value is not finite.
    @inline(__always)
    static func fill(
        _ values: borrowing Span<Double>, _ windows: borrowing Windows, _ row: inout StepRow
    ) -> Bool {
        let (starts, ends) = (windows.floatStarts.span, windows.floatEnds.span)
        if windows.count < windowsMin || values.isEmpty || !isFinite(values) { return false }
        var length = 0
        for step in 0..<starts.count {
            length = max(length, ends[unchecked: step] &- starts[unchecked: step])
        }
        if length == 0 { return false }
        let count = values.count
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: count * 2) { buffer in
            values.withUnsafeBufferPointer { values in
                guard let upTo = buffer.baseAddress, let values = values.baseAddress else {
                    return false
                }
                run(values, count, length, upTo, upTo + count)
                return combine(
                    values, count, length, upTo, upTo + count, starts, ends, &row.values,
                    &row.tags)
            }
        }
    }

    /// The extremes of each block up to each value, and from each value on.
    @inline(__always)
    private static func run(
        _ values: UnsafePointer<Double>, _ count: Int, _ length: Int,
        _ upTo: UnsafeMutablePointer<Double>, _ from: UnsafeMutablePointer<Double>
    ) {
        var first = 0
        while first < count {
            let end = min(first &+ length, count)
            var known = values[first]
            var index = first
            while index < end {
                known = Order.better(known, values[index])
                upTo[index] = known
                index &+= 1
            }
            known = values[end &- 1]
            while index > first {
                index &-= 1
                known = Order.better(values[index], known)
                from[index] = known
            }
            first = end
        }
    }

    /// Each window from the end of one block and the beginning of the next.
    @inline(__always)
    private static func combine(
        _ samples: UnsafePointer<Double>, _ count: Int, _ length: Int,
        _ upTo: UnsafePointer<Double>, _ from: UnsafePointer<Double>,
        _ starts: borrowing Span<Int>, _ ends: borrowing Span<Int>,
        _ values: inout [Double], _ tags: inout [UInt8]
    ) -> Bool {
        // Values that may be looked at one by one: uneven windows must not cost more than a deque.
        var spare = count * 2
        var boundary = length
        var results = values.mutableSpan
        var tags = tags.mutableSpan
        for step in 0..<starts.count {
            let (start, end) = (starts[unchecked: step], ends[unchecked: step])
            if start == end { continue }
            while boundary <= start { boundary &+= length }
            let result: Double
            if end > boundary {
                // Of equal values the earlier one counts: −0 equals 0.
                result = Order.better(from[start], upTo[end &- 1])
            } else if start == boundary &- length {
                result = upTo[end &- 1]
            } else if end == boundary {
                result = from[start]
            } else {
                spare -= end - start
                if spare < 0 { return false }
                result = extreme(samples, start, end)
            }
            results[step] = result
            tags[step] = StepRow.Tag.float
        }
        return true
    }

    @inline(__always)
    private static func extreme(
        _ values: UnsafePointer<Double>, _ start: Int, _ end: Int
    ) -> Double {
        var known = values[start]
        for index in start..<end { known = Order.better(known, values[index]) }
        return known
    }

    /// NaN counts only where there is nothing else: not here.
    private static func isFinite(_ values: borrowing Span<Double>) -> Bool {
        var finite = FiniteScan()
        for index in 0..<values.count { finite.add(values[unchecked: index]) }
        return finite.isFinite
    }
}

/// Which of two values counts. A type, so that the loops are compiled for each: without a branch.
protocol ExtremeOrder {
    /// `known`, unless `value` is better.
    static func better(_ known: Double, _ value: Double) -> Double
}

enum Highest: ExtremeOrder {
    @inline(__always)
    static func better(_ known: Double, _ value: Double) -> Double {
        known < value ? value : known
    }
}

enum Lowest: ExtremeOrder {
    @inline(__always)
    static func better(_ known: Double, _ value: Double) -> Double {
        known > value ? value : known
    }
}
