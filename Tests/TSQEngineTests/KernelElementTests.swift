import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import Testing

@Suite("Element functions")
struct KernelElementTests {
    private func apply(
        _ name: String, _ values: [Double], _ parameters: [[Double]] = []
    ) throws -> [Double?] {
        var row = StepRow(stepCount: values.count)
        for (step, value) in values.enumerated() { row.setFloat(step, value) }
        var context = kernelContext(
            count: values.count,
            parameters: parameters.map { list in
                list.count == values.count
                    ? list : [Double](repeating: list[0], count: values.count)
            })
        let kernel = try #require(ElementFunctions.kernel(named: name))
        try kernel(&context, &row)
        return row.floats
    }

    @Test("rounding, clamping and signs")
    func numbers() throws {
        #expect(try apply("round", [2.5, -2.5, 0.4]) == [3, -2, 0])
        #expect(try apply("round", [7, 13], [[5]]) == [5, 15])
        #expect(try apply("clamp", [1, 5, 9], [[2], [6]]) == [2, 5, 6])
        #expect(try apply("clamp", [1], [[6], [2]]) == [nil])
        #expect(try apply("clamp_max", [9], [[3]]) == [3])
        #expect(try apply("clamp_min", [.nan], [[3]])[0]?.isNaN == true)
        #expect(try apply("sgn", [-3, 0, 8]) == [-1, 0, 1])
        #expect(try apply("log2", [8, 0.25]) == [3, -2])
        #expect(try apply("deg", [Double.pi]) == [180])
    }

    @Test("dates are UTC, for any number of seconds")
    func dates() throws {
        // 2024-02-29 23:59:00 UTC, a Thursday.
        let leapDay = 1_709_251_140.0
        #expect(try apply("year", [leapDay, 0, 1e300]) == [2024, 1970, 292_277_026_596])
        #expect(try apply("month", [leapDay, 0]) == [2, 1])
        #expect(try apply("day_of_month", [leapDay, 0]) == [29, 1])
        #expect(try apply("day_of_year", [leapDay, 0]) == [60, 1])
        #expect(try apply("day_of_week", [leapDay, 0]) == [4, 4])
        #expect(try apply("days_in_month", [leapDay, 0]) == [29, 31])
        #expect(try apply("hour", [leapDay, -1]) == [23, 23])
        #expect(try apply("minute", [leapDay, -1]) == [59, 59])
        #expect(try apply("year", [-1]) == [1969])
        // 2023-12-31, the last day of a common year; 2000-12-31, of a leap century.
        #expect(try apply("day_of_year", [1_703_980_800, 978_220_800]) == [365, 366])
        #expect(try apply("month", [1_703_980_800, 978_220_800]) == [12, 12])
    }

    @Test("histogram functions leave floats out, float functions histograms")
    func kinds() throws {
        var row = StepRow(stepCount: 2)
        row.setFloat(0, 4)
        row.setHistogram(1, simpleHistogram([1, 3], sum: 6))
        var context = kernelContext(count: 2)
        var copy = row
        let average = try #require(ElementFunctions.kernel(named: "histogram_avg"))
        try average(&context, &copy)
        #expect(copy.floats == [nil, 1.5])
        copy = row
        let root = try #require(ElementFunctions.kernel(named: "sqrt"))
        try root(&context, &copy)
        #expect(copy.floats == [2, nil])
    }

    @Test("the variance of a histogram takes the geometric middle of its buckets")
    func variance() throws {
        // Bucket 1 = (1,2]: middle √2; all observations there, mean √2: variance about 0.
        var histogram = simpleHistogram([0, 4], sum: 4 * 2.0.squareRoot())
        histogram.count = 4
        #expect(NativeHistogram.variance(histogram) < 1e-20)
    }
}

@Suite("Binary kernels")
struct KernelBinaryTests {
    private func row(_ values: [Double?]) -> StepRow {
        var row = StepRow(stepCount: values.count)
        for (step, value) in values.enumerated() {
            if let value { row.setFloat(step, value) }
        }
        return row
    }

    private func apply(
        _ op: BinaryOperator, _ left: StepRow, _ right: StepRow, returnsBool: Bool = false,
        swapped: Bool = false, _ context: inout KernelContext
    ) -> StepRow {
        var result = StepRow(stepCount: left.stepCount)
        BinaryKernels.apply(
            op, left, right, returnsBool: returnsBool, swapped: swapped, &context, into: &result)
        return result
    }

    @Test("a value comes out where both sides have one")
    func presence() {
        var context = kernelContext(count: 3)
        let (left, right) = (row([1, nil, 3]), row([10, 20, nil]))
        #expect(apply(.add, left, right, &context).floats == [11, nil, nil])
        #expect(apply(.less, left, right, &context).floats == [1, nil, nil])
        #expect(
            apply(.greater, left, right, returnsBool: true, &context).floats == [0, nil, nil])
        #expect(apply(.less, left, right, swapped: true, &context).floats == [10, nil, nil])
    }

    @Test("scalars: remainders and powers as Go's")
    func scalars() {
        #expect(BinaryKernels.scalar(.modulo, -7, 3) == -1)
        #expect(BinaryKernels.scalar(.modulo, 7, 0).isNaN)
        #expect(BinaryKernels.scalar(.modulo, -6, 3).sign == .minus)
        #expect(BinaryKernels.scalar(.modulo, 5.5, -2) == 1.5)
        #expect(BinaryKernels.scalar(.modulo, 5, .infinity) == 5)
        #expect(BinaryKernels.scalar(.power, 2, 10) == 1024)
        #expect(BinaryKernels.scalar(.power, .nan, 0) == 1)
        #expect(BinaryKernels.scalar(.equal, .nan, .nan) == 0)
        #expect(BinaryKernels.scalar(.notEqual, .nan, .nan) == 1)
    }

    @Test("histograms add, scale and compare; the rest is an info")
    func histograms() {
        var context = kernelContext(count: 1)
        var left = StepRow(stepCount: 1)
        left.setHistogram(0, simpleHistogram([1, 2], sum: 3))
        let number = row([2])
        #expect(apply(.add, left, left, &context).histograms[0]?.positiveBuckets == [2, 4])
        #expect(apply(.subtract, left, left, &context).histograms[0]?.hint == .gauge)
        #expect(apply(.multiply, number, left, &context).histograms[0]?.sum == 6)
        #expect(apply(.divide, left, number, &context).histograms[0]?.sum == 1.5)
        #expect(apply(.equal, left, left, &context).histograms[0]?.sum == 3)
        #expect(apply(.notEqual, left, left, returnsBool: true, &context).floats == [0])
        #expect(context.texts.isEmpty)
        #expect(apply(.add, left, number, &context).tags == [StepRow.Tag.absent])
        #expect(context.texts == [PromQLTexts.incompatibleTypes("histogram", "+", "float")])
    }
}

@Suite("Group accumulator")
struct KernelGroupTests {
    private func aggregate(
        _ op: AggregateOperator, _ rows: [[Double?]], _ context: inout KernelContext
    ) -> [Double?] {
        var group = GroupAccumulator(op, stepCount: rows[0].count)
        // A second use after a reset must not remember the first.
        for _ in 0..<2 {
            group.reset(stepCount: rows[0].count)
            for values in rows {
                var row = StepRow(stepCount: values.count)
                for (step, value) in values.enumerated() {
                    if let value { row.setFloat(step, value) }
                }
                group.add(row, &context)
            }
        }
        var result = StepRow(stepCount: rows[0].count)
        group.finish(&context, into: &result)
        return result.floats
    }

    @Test("each aggregation over the values that are there")
    func floats() {
        var context = kernelContext()
        let rows: [[Double?]] = [[1, nil, 1e100, nil], [3, 5, 1, nil], [8, 7, -1e100, nil]]
        #expect(aggregate(.sum, rows, &context) == [12, 12, 1, nil])
        #expect(aggregate(.avg, rows, &context) == [4, 6, 1.0 / 3, nil])
        #expect(aggregate(.count, rows, &context) == [3, 2, 3, nil])
        #expect(aggregate(.min, rows, &context) == [1, 5, -1e100, nil])
        #expect(aggregate(.max, rows, &context) == [8, 7, 1e100, nil])
        #expect(aggregate(.group, rows, &context) == [1, 1, 1, nil])
        #expect(aggregate(.stdvar, [[2], [4], [6], [8]], &context) == [5])
        #expect(aggregate(.stddev, [[1], [5]], &context) == [2])
    }

    @Test("NaN and Inf: extremes prefer numbers, sums overflow quietly, means do not overflow")
    func special() {
        var context = kernelContext()
        #expect(aggregate(.max, [[.nan], [2], [.nan]], &context) == [2])
        #expect(aggregate(.min, [[.nan]], &context)[0]?.isNaN == true)
        #expect(aggregate(.sum, [[.infinity], [1]], &context) == [.infinity])
        #expect(aggregate(.avg, [[1.6e308], [1.6e308]], &context) == [1.6e308])
        #expect(aggregate(.stddev, [[.infinity], [1]], &context)[0]?.isNaN == true)
    }

    @Test("histograms add up; with floats among them the step gives nothing and a warning")
    func histograms() {
        var context = kernelContext()
        var row = StepRow(stepCount: 2)
        row.setHistogram(0, simpleHistogram([1, 2], sum: 3))
        row.setHistogram(1, simpleHistogram([1, 2], sum: 3))
        var other = StepRow(stepCount: 2)
        other.setHistogram(0, simpleHistogram([3, 2], sum: 5))
        other.setFloat(1, 1)
        var group = GroupAccumulator(.avg, stepCount: 2)
        group.add(row, &context)
        group.add(other, &context)
        var result = StepRow(stepCount: 2)
        group.finish(&context, into: &result)
        #expect(result.histograms[0]?.positiveBuckets == [2, 2])
        #expect(result.tags[1] == StepRow.Tag.absent)
        #expect(context.texts == [PromQLTexts.mixedFloatsHistogramsInAggregation])
        context = kernelContext()
        group = GroupAccumulator(.max, stepCount: 2)
        group.add(other, &context)
        #expect(context.texts == [PromQLTexts.histogramIgnoredInAggregation("max")])
    }
}

@Suite("Quantiles")
struct KernelQuantileTests {
    @Test("linear between ranks; NaN is lowest; φ outside 0…1 is infinite")
    func values() {
        func quantile(_ phi: Double, _ values: [Double]) -> Double {
            var values = values
            return Quantiles.quantile(phi, &values)
        }
        #expect(quantile(0.5, [3, 1, 2]) == 2)
        #expect(quantile(0.25, [4, 1, 3, 2]) == 1.75)
        #expect(quantile(0, [.nan, 1]).isNaN)
        #expect(quantile(1, [.nan, 1, 0]) == 1)
        #expect(quantile(-1, [1]) == -.infinity)
        #expect(quantile(2, [1]) == .infinity)
        #expect(quantile(.nan, [1]).isNaN)
        #expect(quantile(0.5, []).isNaN)
    }

    @Test("selection agrees with sorting")
    func selection() {
        var random = SplitMix64(seed: 3)
        for size in [1, 2, 13, 14, 100, 1000] {
            let values = (0..<size).map { _ in Double(random.next() % 50) }
            let sorted = values.sorted()
            for phi in [0.0, 0.1, 0.5, 0.9, 1.0] {
                var copy = values
                let rank = phi * Double(size - 1)
                let low = Int(rank.rounded(.down))
                let high = min(low + 1, size - 1)
                let weight = rank - Double(low)
                #expect(
                    Quantiles.quantile(phi, &copy)
                        == sorted[low] * (1 - weight) + sorted[high] * weight)
            }
        }
    }

    @Test("classic buckets: interpolated, lifted where they fall, NaN without +Inf")
    func classic() {
        var buckets = [
            ClassicBucket(upperBound: 1, count: 10),
            ClassicBucket(upperBound: .infinity, count: 20),
            ClassicBucket(upperBound: 2, count: 20),
        ]
        #expect(ClassicHistogram.quantile(0.75, &buckets).value == 1.5)
        #expect(ClassicHistogram.fraction(0.5, 1.5, &buckets) == 0.5)
        var falling = [
            ClassicBucket(upperBound: 1, count: 10), ClassicBucket(upperBound: 2, count: 8),
            ClassicBucket(upperBound: .infinity, count: 20),
        ]
        let answer = ClassicHistogram.quantile(0.9, &falling)
        #expect(answer.value == 2)
        #expect(
            answer.repair
                == ClassicHistogram.Repair(
                    lowestBound: 2, highestBound: 2, largestDifference: 2))
        var open = [ClassicBucket(upperBound: 1, count: 1), ClassicBucket(upperBound: 2, count: 2)]
        #expect(ClassicHistogram.quantile(0.5, &open).value.isNaN)
    }

    @Test("native buckets: exponential in between, linear in the zero bucket and custom ones")
    func native() {
        var context = kernelContext()
        // Bucket 1 = (1,2]: its middle on a logarithmic scale is √2.
        var histogram = simpleHistogram([0, 4], sum: 6)
        #expect(NativeHistogram.quantile(0.5, histogram, &context) == 2.0.squareRoot())
        #expect(NativeHistogram.fraction(1, 2, histogram, &context) == 1)
        histogram.zeroThreshold = 0.5
        histogram.zeroCount = 4
        histogram.count = 8
        #expect(NativeHistogram.quantile(0.25, histogram, &context) == 0.25)
        histogram.schema = Histogram.customSchema
        histogram.zeroThreshold = 0
        histogram.zeroCount = 0
        histogram.count = 4
        histogram.customBounds = [10, 20]
        #expect(NativeHistogram.quantile(0.5, histogram, &context) == 15)
        #expect(context.texts.isEmpty)
        histogram.sum = .nan
        histogram.count = 5
        #expect(NativeHistogram.quantile(0.99, histogram, &context).isNaN)
        #expect(context.texts == [PromQLTexts.quantileOfNaNs("m_total")])
    }
}
