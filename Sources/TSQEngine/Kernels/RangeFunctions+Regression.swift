import TSQBase
import TSQModel

// Least squares and smoothing.
extension RangeFunctions {
    static func deriv(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        windows.checkBounds(columns)
        var notes: WindowNotes = []
        let (times, values) = (columns.times.span, columns.values.span)
        for step in 0..<windows.count {
            let window = windows.floatRange(step)
            note(&notes, window, windows.histogramRange(step))
            if window.count < 2 { continue }
            // Centred at a time near the values, for accuracy.
            let line = regression(times, values, window, originMs: times[window.lowerBound])
            row.setFloat(step, line.slope)
        }
        notes.tell(&context)
    }

    static func predictLinear(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        windows.checkBounds(columns)
        var notes: WindowNotes = []
        let (times, values) = (columns.times.span, columns.values.span)
        for step in 0..<windows.count {
            let window = windows.floatRange(step)
            note(&notes, window, windows.histogramRange(step))
            if window.count < 2 { continue }
            let line = regression(
                times, values, window, originMs: context.steps.timeMs(step))
            row.setFloat(step, line.slope * context.parameters[0][step] + line.intercept)
        }
        notes.tell(&context)
    }

    static func doubleExponentialSmoothing(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        windows.checkBounds(columns)
        var notes: WindowNotes = []
        let values = columns.values.span
        for step in 0..<windows.count {
            let window = windows.floatRange(step)
            let histograms = windows.histogramRange(step)
            if window.isEmpty && histograms.isEmpty { continue }
            let (smoothing, trend) = (context.parameters[0][step], context.parameters[1][step])
            try checkFactor(smoothing, "smoothing", "sf")
            try checkFactor(trend, "trend", "tf")
            note(&notes, window, histograms)
            if window.count < 2 { continue }
            row.setFloat(step, smoothed(values, window, smoothing, trend))
        }
        notes.tell(&context)
    }

    private static func checkFactor(
        _ value: Double, _ kind: String, _ symbol: String
    ) throws(QueryError) {
        if value <= 0 || value >= 1 {
            throw .execution(
                "invalid \(kind) factor. Expected: 0 < \(symbol) < 1, got: "
                    + GoFormat.fixed(value, decimals: 6))
        }
    }

    /// Histograms are ignored where there are floats.
    private static func note(
        _ notes: inout WindowNotes, _ floats: Range<Int>, _ histograms: Range<Int>
    ) {
        if !floats.isEmpty && !histograms.isEmpty { notes.insert(.histogramsIgnored) }
    }

    private static func smoothed(
        _ values: borrowing Span<Double>, _ window: Range<Int>, _ smoothing: Double,
        _ trendFactor: Double
    ) -> Double {
        var previous = 0.0
        var level = values[window.lowerBound]
        var trend = values[window.lowerBound + 1] - values[window.lowerBound]
        for index in (window.lowerBound + 1)..<window.upperBound {
            let scaled = smoothing * values[index]
            if index > window.lowerBound + 1 {
                trend = trendFactor * (level - previous) + (1 - trendFactor) * trend
            }
            let carried = (1 - smoothing) * (level + trend)
            (previous, level) = (level, scaled + carried)
        }
        return level
    }

    /// The least-squares line; the intercept is its value at `originMs`.
    private static func regression(
        _ times: borrowing Span<TimestampMs>, _ values: borrowing Span<Double>,
        _ window: Range<Int>, originMs: TimestampMs
    ) -> (slope: Double, intercept: Double) {
        precondition(
            window.lowerBound >= 0 && window.upperBound <= values.count
                && values.count == times.count, "BUG: a window lies outside its columns")
        let first = values[unchecked: window.lowerBound]
        var isConstant = true
        // The four sums lie side by side: Σx, Σy, Σxy, Σx².
        var sums = SIMD4<Double>(repeating: 0)
        var lost = sums
        for index in window {
            let value = values[unchecked: index]
            if value != first && index > window.lowerBound { isConstant = false }
            let time = Double(times[unchecked: index] &- originMs) / 1e3
            CompensatedSums.add(
                SIMD4(time, value, time * value, time * time), &sums, &lost)
        }
        var (x, y) = (KahanSum(sums[0], lost[0]), KahanSum(sums[1], lost[1]))
        var (xy, xx) = (KahanSum(sums[2], lost[2]), KahanSum(sums[3], lost[3]))
        if !(y.compensation.isFinite && xy.compensation.isFinite && xx.compensation.isFinite) {
            (x, y, xy, xx) = (KahanSum(), KahanSum(), KahanSum(), KahanSum())
            for index in window {
                let time = Double(times[index] &- originMs) / 1e3
                x.add(time)
                y.add(values[index])
                xy.add(time * values[index])
                xx.add(time * time)
            }
        }
        if isConstant { return first.isInfinite ? (.nan, .nan) : (0, first) }
        let count = Double(window.count)
        let (sumX, sumY) = (x.sum + x.compensation, y.sum + y.compensation)
        let covariance = (xy.sum + xy.compensation) - sumX * sumY / count
        let variance = (xx.sum + xx.compensation) - sumX * sumX / count
        let slope = covariance / variance
        return (slope, sumY / count - slope * sumX / count)
    }
}
