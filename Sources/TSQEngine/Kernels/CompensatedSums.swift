import TSQBase
import TSQModel

// Kahan–Neumaier sums of whole windows. The term that Neumaier's variant adds to the compensation is
// the exact rounding error of the addition; Knuth's two-sum gives the same number without a branch,
// as long as nothing overflows. Whoever gets a sum that is not finite repeats it with `KahanSum`.
enum CompensatedSums {
    /// `start` plus the values of `window`, in order.
    @inline(__always)
    static func sum(
        _ values: borrowing Span<Double>, _ window: Range<Int>, from start: KahanSum
    ) -> KahanSum {
        precondition(
            window.lowerBound >= 0 && window.upperBound <= values.count,
            "BUG: a window lies outside its column")
        var (sum, compensation) = (start.sum, start.compensation)
        for index in window {
            let value = values[unchecked: index]
            let total = sum + value
            let back = total - sum
            compensation += (sum - (total - back)) + (value - back)
            sum = total
        }
        return KahanSum(sum, compensation)
    }

    /// Four windows at once, one a lane: each lane adds in its own order, so the results are those
    /// of four single sums, while the additions do not wait for each other.
    @inline(__always)
    static func sums4(
        _ values: borrowing Span<Double>, _ starts: SIMD4<Int>, count: Int,
        from start: SIMD4<Double>
    ) -> (sums: SIMD4<Double>, compensations: SIMD4<Double>) {
        precondition(
            starts.min() >= 0 && count >= 0 && starts.max() + count <= values.count,
            "BUG: a window lies outside its column")
        var sums = start
        var compensations = SIMD4<Double>(repeating: 0)
        for offset in 0..<count {
            add(gather(values, starts, offset), &sums, &compensations)
        }
        return (sums, compensations)
    }

    /// One addition in each lane.
    @inline(__always)
    static func add(
        _ value: SIMD4<Double>, _ sums: inout SIMD4<Double>, _ compensations: inout SIMD4<Double>
    ) {
        let totals = sums + value
        let back = totals - sums
        compensations += (sums - (totals - back)) + (value - back)
        sums = totals
    }

    /// The values `offset` behind the starts; the caller has checked the bounds.
    @inline(__always)
    static func gather(
        _ values: borrowing Span<Double>, _ starts: SIMD4<Int>, _ offset: Int
    ) -> SIMD4<Double> {
        SIMD4<Double>(
            values[unchecked: starts[0] + offset], values[unchecked: starts[1] + offset],
            values[unchecked: starts[2] + offset], values[unchecked: starts[3] + offset])
    }

    /// The sums of all windows of a column, without regard to overflow.
    ///
    /// - Parameter skipsFirst: begin with the window's first value instead of adding it to 0.
    static func all(
        _ values: borrowing Span<Double>, _ windows: borrowing Windows, skipsFirst: Bool,
        _ body: (_ step: Int, _ window: Range<Int>, _ sum: KahanSum) -> Void
    ) {
        let skip = skipsFirst ? 1 : 0
        var step = 0
        while step < windows.count {
            if step + 4 <= windows.count {
                let starts = SIMD4<Int>(
                    windows.floatStarts[step], windows.floatStarts[step + 1],
                    windows.floatStarts[step + 2], windows.floatStarts[step + 3])
                let ends = SIMD4<Int>(
                    windows.floatEnds[step], windows.floatEnds[step + 1],
                    windows.floatEnds[step + 2], windows.floatEnds[step + 3])
                let shared = (ends &- starts).min()
                if shared > 0 {
                    var first = SIMD4<Double>(repeating: 0)
                    if skipsFirst {
                        for lane in 0..<4 { first[lane] = values[starts[lane]] }
                    }
                    let (sums, compensations) = sums4(
                        values, starts &+ skip, count: shared - skip, from: first)
                    for lane in 0..<4 {
                        let rest = (starts[lane] + shared)..<ends[lane]
                        body(
                            step + lane, starts[lane]..<ends[lane],
                            sum(values, rest, from: KahanSum(sums[lane], compensations[lane])))
                    }
                    step += 4
                    continue
                }
            }
            let window = windows.floatRange(step)
            if !window.isEmpty {
                let start = skipsFirst ? KahanSum(values[window.lowerBound]) : KahanSum()
                body(
                    step, window,
                    sum(values, (window.lowerBound + skip)..<window.upperBound, from: start))
            }
            step += 1
        }
    }
}
