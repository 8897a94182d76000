import TSQModel

/// Welford's variance with compensated mean and sum of squares.
///
/// - Source: Prometheus promql/functions.go, varianceOverTime.
enum Variances {
    /// The variance of each window of a column that has values.
    static func all(
        _ values: borrowing Span<Double>, _ windows: borrowing Windows,
        _ body: (_ step: Int, _ variance: Double) -> Void
    ) {
        var step = 0
        while step < windows.count {
            let isGroup = step + 4 <= windows.count
            if isGroup, let four = equalWindows(windows, step) {
                let variances = variances4(values, four.starts, count: four.count)
                for lane in 0..<4 {
                    // Overflow goes another way there.
                    let value =
                        variances[lane].isFinite
                        ? variances[lane] : variance(values, windows.floatRange(step + lane))
                    body(step + lane, value)
                }
                step += 4
                continue
            }
            let window = windows.floatRange(step)
            if !window.isEmpty { body(step, variance(values, window)) }
            step += 1
        }
    }

    /// Four windows from `step` on that hold equally many values, as those of regular samples do.
    private static func equalWindows(
        _ windows: borrowing Windows, _ step: Int
    ) -> (starts: SIMD4<Int>, count: Int)? {
        let count = windows.floatRange(step).count
        guard count > 0 else { return nil }
        var starts = SIMD4<Int>(repeating: 0)
        for lane in 0..<4 {
            let window = windows.floatRange(step + lane)
            if window.count != count { return nil }
            starts[lane] = window.lowerBound
        }
        return (starts, count)
    }

    private static func variance(
        _ values: borrowing Span<Double>, _ window: Range<Int>
    ) -> Double {
        var count = 0.0
        var (mean, squares) = (KahanSum(), KahanSum())
        for index in window {
            let value = values[index]
            count += 1
            let delta = value - (mean.sum + mean.compensation)
            mean.add(delta / count)
            squares.add(delta * (value - (mean.sum + mean.compensation)))
        }
        return (squares.sum + squares.compensation) / count
    }

    /// The same for four windows, one a lane.
    @inline(__always)
    private static func variances4(
        _ values: borrowing Span<Double>, _ starts: SIMD4<Int>, count: Int
    ) -> SIMD4<Double> {
        precondition(
            starts.min() >= 0 && starts.max() + count <= values.count,
            "BUG: a window lies outside its column")
        let zero = SIMD4<Double>(repeating: 0)
        var (mean, meanLost, squares, squaresLost) = (zero, zero, zero, zero)
        for offset in 0..<count {
            let value = CompensatedSums.gather(values, starts, offset)
            let delta = value - (mean + meanLost)
            let share = delta / SIMD4<Double>(repeating: Double(offset + 1))
            CompensatedSums.add(share, &mean, &meanLost)
            CompensatedSums.add(delta * (value - (mean + meanLost)), &squares, &squaresLost)
        }
        return (squares + squaresLost) / SIMD4<Double>(repeating: Double(count))
    }
}
