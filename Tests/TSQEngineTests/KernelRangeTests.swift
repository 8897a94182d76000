import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import Testing

@Suite("Range functions")
struct KernelRangeTests {
    private func one(
        _ name: String, _ values: [Double], rangeMs: Int64? = nil, parameters: [[Double]] = []
    ) throws -> Double? {
        let columns = floatColumns(values)
        var context = kernelContext(parameters: parameters)
        let end = columns.times[columns.times.count - 1]
        let row = try evaluate(
            name, columns,
            windows(columns, firstEndMs: end, count: 1, rangeMs: rangeMs ?? end + 1), &context)
        return row.floats[0]
    }

    @Test("rate adds what resets took away and extrapolates to the window's ends")
    func rate() throws {
        // Samples at 0…4 s: 0 10 20 5 15; change 15 + 20 = 35 over 4 s, window (−1, 4] s: the
        // window's start is 1 s before the first sample, less than 1.1 gaps, but the counter is 0
        // there already, so nothing is added on the left.
        #expect(try one("rate", [0, 10, 20, 5, 15], rangeMs: 5000) == 35 / 5.0)
        // From 10 on the zero point lies 10/30·3 = 1 s before: all of the second is added.
        let columns = floatColumns([10, 20, 30, 40])
        var context = kernelContext()
        let row = try evaluate(
            "increase", columns, windows(columns, firstEndMs: 3000, count: 1, rangeMs: 4000),
            &context)
        #expect(row.floats[0] == 40)
    }

    @Test("delta follows a gauge and extrapolates half a gap where samples are missing")
    func delta() throws {
        // Two samples 1 s apart in a window of 10 s: half a gap on each side.
        let columns = floatColumns([10, 4], firstMs: 5000)
        var context = kernelContext()
        let row = try evaluate(
            "delta", columns, windows(columns, firstEndMs: 10_000, count: 1, rangeMs: 10_000),
            &context)
        #expect(row.floats[0] == -12)
    }

    @Test("one sample gives no rate, unless its start time lies in the window")
    func singleSample() throws {
        var columns = floatColumns([30], firstMs: 10_000)
        var context = kernelContext()
        let window = windows(columns, firstEndMs: 10_000, count: 1, rangeMs: 10_000)
        #expect(try evaluate("increase", columns, window, &context).floats == [nil])
        columns.startTimes = [4000]
        context.useStartTimestamps = true
        #expect(try evaluate("increase", columns, window, &context).floats == [30])
    }

    @Test("a start time between two samples is a reset, one before the last sample an overlap")
    func startTimes() throws {
        var columns = floatColumns([10, 20, 30])
        columns.startTimes = [0, 500, 500]
        var context = kernelContext()
        context.useStartTimestamps = true
        let window = windows(columns, firstEndMs: 2000, count: 1, rangeMs: 3000)
        // 30 − 10, + 10 for the reset; the zero point 2·10/30 s before the start.
        let row = try evaluate("increase", columns, window, &context)
        #expect(abs((row.floats[0] ?? 0) - 40) < 1e-12)
        columns.startTimes = [0, 500, 700]
        _ = try evaluate("increase", columns, window, &context)
        #expect(context.texts == [PromQLTexts.startTimeOverlap("m_total")])
    }

    @Test("a counter's name is looked at")
    func names() throws {
        let columns = floatColumns([1, 2])
        var context = kernelContext(metricName: "up")
        let window = windows(columns, firstEndMs: 1000, count: 1, rangeMs: 2000)
        _ = try evaluate("rate", columns, window, &context)
        #expect(context.texts == [PromQLTexts.possibleNonCounter("up")])
    }

    @Test("irate and idelta use the last two samples")
    func instant() throws {
        #expect(try one("irate", [0, 5, 7]) == 2)
        #expect(try one("irate", [0, 5, 3]) == 3)
        #expect(try one("idelta", [0, 5, 3]) == -2)
    }

    @Test("resets and changes are counted between the window's samples")
    func counts() throws {
        let columns = floatColumns([1, 2, 1, 1, .nan, .nan, 0])
        var context = kernelContext()
        let all = windows(columns, firstEndMs: 2000, stepMs: 2000, count: 3, rangeMs: 3000)
        #expect(try evaluate("resets", columns, all, &context).floats == [1, 0, 0])
        #expect(try evaluate("changes", columns, all, &context).floats == [2, 1, 1])
    }

    @Test("sums are compensated and means survive an overflow")
    func sums() throws {
        #expect(try one("sum_over_time", [1e100, 1, -1e100]) == 1)
        #expect(try one("sum_over_time", [.infinity, 1]) == .infinity)
        #expect(try one("sum_over_time", [.infinity, -.infinity])?.isNaN == true)
        #expect(try one("avg_over_time", [1, 2, 6]) == 3)
        #expect(try one("avg_over_time", [1.6e308, 1.6e308]) == 1.6e308)
        #expect(try one("avg_over_time", [-.infinity, 4]) == -.infinity)
    }

    @Test("sums of many windows are those of each window alone")
    func manyWindows() throws {
        var random = SplitMix64(seed: 7)
        let values = (0..<300).map { _ in
            Double(Int64(truncatingIfNeeded: random.next() >> 20)) * 1e-3
        }
        let columns = floatColumns(values)
        var context = kernelContext()
        let all = windows(columns, firstEndMs: 500, stepMs: 700, count: 420, rangeMs: 33_000)
        for name in ["sum_over_time", "avg_over_time"] {
            let row = try evaluate(name, columns, all, &context)
            for step in 0..<all.count {
                var sum = KahanSum()
                for index in all.floatStarts[step]..<all.floatEnds[step] {
                    sum.add(values[index])
                }
                let count = Double(all.floatEnds[step] - all.floatStarts[step])
                let expected: Double? =
                    count == 0
                    ? nil
                    : name == "sum_over_time"
                        ? sum.sum + sum.compensation
                        : sum.sum / count + sum.compensation / count
                #expect(row.floats[step] == expected, "\(name) at step \(step)")
            }
        }
    }

    @Test("extremes skip NaN and agree with a look at each window")
    func extremes() throws {
        var random = SplitMix64(seed: 11)
        let values = (0..<200).map { _ in
            let number = random.next() % 12
            return number == 0 ? Double.nan : Double(number)
        }
        let columns = floatColumns(values)
        var context = kernelContext()
        let all = windows(columns, firstEndMs: 0, stepMs: 900, count: 230, rangeMs: 7000)
        let low = try evaluate("min_over_time", columns, all, &context)
        let high = try evaluate("max_over_time", columns, all, &context)
        let when = try evaluate("ts_of_max_over_time", columns, all, &context)
        for step in 0..<all.count {
            let range = all.floatStarts[step]..<all.floatEnds[step]
            let numbers = range.filter { !values[$0].isNaN }
            guard let best = numbers.map({ values[$0] }).max() else { continue }
            #expect(low.floats[step] == numbers.map { values[$0] }.min())
            #expect(high.floats[step] == best)
            let last = numbers.last { values[$0] == best }
            #expect(when.floats[step] == last.map { Double(columns.times[$0]) / 1000 })
        }
        #expect(try one("max_over_time", [.nan, .nan])?.isNaN == true)
    }

    @Test("spread: variance, quantile, median deviation")
    func spread() throws {
        #expect(try one("stdvar_over_time", [2, 4, 4, 4, 5, 5, 7, 9]) == 4)
        #expect(try one("stddev_over_time", [2, 4, 4, 4, 5, 5, 7, 9]) == 2)
        #expect(try one("quantile_over_time", [4, 1, 3, 2], parameters: [[0.5]]) == 2.5)
        #expect(try one("mad_over_time", [4, 6, 2, 1, 999, 1, 2]) == 1)
    }

    @Test("least squares: slope and prediction")
    func regression() throws {
        #expect(try one("deriv", [1, 3, 5, 7]) == 2)
        #expect(try one("deriv", [5, 5, 5]) == 0)
        // Evaluated at 0 s, as the context's first step is: 1 + 2·10.
        #expect(try one("predict_linear", [1, 3, 5, 7], parameters: [[10]]) == 21)
        #expect(
            try one("double_exponential_smoothing", [0, 2, 4, 6], parameters: [[0.5], [0.5]]) == 6)
        #expect(throws: QueryError.self) {
            try one("double_exponential_smoothing", [0, 2], parameters: [[1], [0.5]])
        }
    }

    @Test("counting and picking")
    func picking() throws {
        #expect(try one("count_over_time", [4, .nan, 6]) == 3)
        #expect(try one("present_over_time", [4]) == 1)
        #expect(try one("first_over_time", [4, 5]) == 4)
        #expect(try one("last_over_time", [4, 5]) == 5)
        #expect(try one("ts_of_last_over_time", [4, 5]) == 1)
        #expect(try one("ts_of_first_over_time", [4, 5]) == 0)
    }

    @Test("anchored and smoothed take the values at the window's ends")
    func extended() throws {
        // 0 10 20 30 at 0 10 20 30 s; window (5, 25] s.
        let columns = floatColumns([0, 10, 20, 30], gapMs: 10_000)
        var context = kernelContext()
        let anchored = windows(
            columns, firstEndMs: 25_000, count: 1, rangeMs: 20_000, mode: .anchored)
        #expect(try evaluate("increase", columns, anchored, &context).floats == [20])
        let smoothed = windows(
            columns, firstEndMs: 25_000, count: 1, rangeMs: 20_000, mode: .smoothed)
        #expect(try evaluate("increase", columns, smoothed, &context).floats == [20])
        #expect(try evaluate("rate", columns, smoothed, &context).floats == [1])
    }
}

@Suite("Range functions of histograms")
struct KernelHistogramRangeTests {
    private func columns(_ histograms: [Histogram]) -> SampleColumns {
        var columns = SampleColumns()
        for (index, histogram) in histograms.enumerated() {
            columns.histograms.append(histogram, timeMs: Int64(index) * 1000)
        }
        return columns
    }

    private func last(
        _ name: String, _ histograms: [Histogram], _ context: inout KernelContext
    ) throws -> Histogram? {
        let columns = columns(histograms)
        let end = Int64(histograms.count - 1) * 1000
        let window = windows(columns, firstEndMs: end, count: 1, rangeMs: end + 1)
        let row = try evaluate(name, columns, window, &context)
        return row.histograms.first ?? nil
    }

    @Test("the increase of counters is a gauge and adds what a reset took away")
    func increase() throws {
        var context = kernelContext()
        let result = try last(
            "increase",
            [
                simpleHistogram([1, 2], sum: 3), simpleHistogram([4, 4], sum: 9),
                simpleHistogram([1, 1], sum: 1),
            ], &context)
        // (1,1) − (1,2) + (4,4) = (4,3); the window reaches 1 ms beyond: factor 2.001 / 2.
        #expect(result?.hint == .gauge)
        #expect(result?.positiveBuckets.map { ($0 / 1.0005).rounded() } == [4, 3])
        #expect(context.texts.isEmpty)
    }

    @Test("gauges in a rate and counters in a delta are warned of")
    func hints() throws {
        var gauge = simpleHistogram([1])
        gauge.hint = .gauge
        var context = kernelContext()
        _ = try last("rate", [gauge, gauge], &context)
        #expect(context.texts == [PromQLTexts.notCounter("m_total")])
        context = kernelContext()
        _ = try last("delta", [simpleHistogram([1]), simpleHistogram([2])], &context)
        #expect(context.texts == [PromQLTexts.notGauge("m_total")])
    }

    @Test("floats and histograms in one window give nothing and a warning")
    func mixed() throws {
        var mixed = columns([simpleHistogram([1]), simpleHistogram([2])])
        mixed.times = [1500]
        mixed.values = [3]
        let window = windows(mixed, firstEndMs: 2000, count: 1, rangeMs: 3000)
        for name in ["rate", "sum_over_time", "avg_over_time", "irate"] {
            var context = kernelContext()
            let row = try evaluate(name, mixed, window, &context)
            #expect(row.tags == [StepRow.Tag.absent], "\(name)")
            #expect(context.texts == [PromQLTexts.mixedFloatsHistograms("m_total")], "\(name)")
        }
        var context = kernelContext()
        #expect(try evaluate("max_over_time", mixed, window, &context).floats == [3])
        #expect(context.texts == [PromQLTexts.histogramsIgnoredInRange("m_total")])
    }

    @Test("sum and mean of histograms")
    func sums() throws {
        var context = kernelContext()
        let parts = [simpleHistogram([1, 2], sum: 2), simpleHistogram([3, 6], sum: 6)]
        #expect(try last("sum_over_time", parts, &context)?.positiveBuckets == [4, 8])
        #expect(try last("avg_over_time", parts, &context)?.positiveBuckets == [2, 4])
        #expect(try last("avg_over_time", parts, &context)?.sum == 4)
    }
}
