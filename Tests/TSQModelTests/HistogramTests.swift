import TSQBase
import TSQModel
import Testing

private func exponential(
    schema: Int32 = 0, count: Double, sum: Double, offset: Int32 = 0, _ buckets: [Double],
    zero: Double = 0, threshold: Double = 0, hint: CounterResetHint = .unknown
) -> Histogram {
    var histogram = Histogram()
    histogram.schema = schema
    histogram.count = count
    histogram.sum = sum
    histogram.zeroCount = zero
    histogram.zeroThreshold = threshold
    histogram.hint = hint
    if !buckets.isEmpty {
        histogram.positiveSpans = [HistogramSpan(offset: offset, length: UInt32(buckets.count))]
        histogram.positiveBuckets = buckets
    }
    return histogram
}

private func custom(_ bounds: [Double], _ buckets: [Double], sum: Double = 0) -> Histogram {
    var histogram = exponential(
        schema: Histogram.customSchema, count: buckets.reduce(0, +), sum: sum, buckets)
    histogram.customBounds = bounds
    return histogram
}

@Suite("Histogram")
struct HistogramTests {
    @Test("bucket bounds are powers of 2^(2^-schema)")
    func bounds() {
        #expect(ExponentialBounds.upper(0, schema: 0) == 1)
        #expect(ExponentialBounds.upper(3, schema: 0) == 8)
        #expect(ExponentialBounds.upper(-1, schema: 0) == 0.5)
        #expect(ExponentialBounds.upper(1, schema: 1) == 1.414213562373095)
        #expect(ExponentialBounds.upper(2, schema: -1) == 16)
        #expect(ExponentialBounds.upper(4, schema: 2) == 2)
        #expect(ExponentialBounds.upper(1024, schema: 0) == .greatestFiniteMagnitude)
    }

    @Test("addition aligns buckets, sums counts and keeps the coarser schema")
    func addition() throws {
        // Schema 1: buckets 1…4 are (1,√2] (√2,2] (2,2√2] (2√2,4]; schema 0 joins them in pairs.
        var left = exponential(schema: 0, count: 3, sum: 5, offset: 1, [1, 2])
        let right = exponential(schema: 1, count: 10, sum: 20, offset: 1, [1, 2, 3, 4])
        try left.add(right)
        #expect(left.schema == 0)
        #expect(left.positiveBuckets == [4, 9])
        #expect(left.positiveSpans == [HistogramSpan(offset: 1, length: 2)])
        #expect(left.count == 13 && left.sum == 25)
    }

    @Test("addition of gaps makes the union of the spans")
    func union() throws {
        var left = exponential(count: 1, sum: 1, offset: 0, [1])
        try left.add(exponential(count: 2, sum: 2, offset: 3, [2]))
        #expect(
            left.positiveSpans == [
                HistogramSpan(offset: 0, length: 1), HistogramSpan(offset: 2, length: 1),
            ])
        #expect(left.positiveBuckets == [1, 2])
    }

    @Test("a wider zero bucket takes over the buckets that it covers")
    func zeroBucket() throws {
        // Threshold 1 covers bucket 0 = (0.5,1]; bucket 1 = (1,2] stays.
        var left = exponential(count: 6, sum: 1, offset: 0, [2, 3], zero: 1, threshold: 0.25)
        try left.add(exponential(count: 5, sum: 1, offset: 1, [4], zero: 1, threshold: 1))
        #expect(left.zeroThreshold == 1)
        #expect(left.zeroCount == 4)
        #expect(left.positiveBuckets == [7])
    }

    @Test("subtraction is the inverse of addition")
    func subtraction() throws {
        let a = exponential(count: 7, sum: 9, [1, 2, 4])
        let b = exponential(count: 3, sum: 2, offset: 1, [1, 2])
        var c = a
        try c.add(b)
        try c.subtract(b)
        #expect(c.compacted().hasSameData(as: a))
    }

    @Test("custom bounds that differ are reduced to the shared ones")
    func customBounds() throws {
        var left = custom([1, 2, 5], [1, 2, 3, 4])
        let report = try left.add(custom([1, 5, 10], [10, 20, 30, 40]))
        #expect(report.boundsReconciled)
        #expect(left.customBounds == [1, 5])
        #expect(left.positiveBuckets == [11, 25, 74])
    }

    @Test("exponential and custom histograms do not mix")
    func incompatible() {
        var left = exponential(count: 1, sum: 1, [1])
        #expect(throws: HistogramError.incompatibleSchemas) { try left.add(custom([1], [1, 1])) }
    }

    @Test(
        "hints merge: gauge wins, unknown hides, reset against not-reset is a collision",
        arguments: [
            (CounterResetHint.gauge, CounterResetHint.reset, CounterResetHint.gauge, false),
            (.unknown, .notReset, .unknown, false), (.reset, .notReset, .unknown, true),
            (.notReset, .notReset, .notReset, false),
        ])
    func hints(
        _ a: CounterResetHint, _ b: CounterResetHint, _ expected: CounterResetHint,
        _ collision: Bool
    ) {
        let merged = Histogram.mergedHint(a, b)
        #expect(merged.hint == expected && merged.collision == collision)
    }

    @Test("a smaller count, a missing bucket, a finer schema or a hint is a reset")
    func resets() {
        let before = exponential(count: 6, sum: 1, [1, 2, 3])
        #expect(!exponential(count: 6, sum: 1, [1, 2, 3]).detectsReset(since: before))
        #expect(exponential(count: 5, sum: 1, [1, 2, 2]).detectsReset(since: before))
        #expect(exponential(count: 9, sum: 1, [3, 1, 5]).detectsReset(since: before))
        #expect(exponential(count: 9, sum: 1, offset: 1, [4, 5]).detectsReset(since: before))
        #expect(exponential(schema: 1, count: 9, sum: 1, [9]).detectsReset(since: before))
        #expect(
            !exponential(count: 1, sum: 1, [1], hint: .notReset).detectsReset(since: before))
        #expect(
            exponential(count: 9, sum: 1, [9, 9, 9], hint: .reset).detectsReset(since: before))
    }

    @Test("a custom histogram with other bounds is reset only where a shared bucket shrank")
    func customResets() {
        let before = custom([1, 2, 5], [1, 2, 3, 4])
        #expect(!custom([1, 5], [1, 5, 4]).detectsReset(since: before))
        #expect(custom([1, 5], [1, 4, 9]).detectsReset(since: before))
    }

    @Test("compact drops empty buckets and joins neighbours")
    func compact() {
        var histogram = exponential(count: 3, sum: 1, [0, 1, 0, 0, 2, 0])
        histogram.compact()
        #expect(
            histogram.positiveSpans == [
                HistogramSpan(offset: 1, length: 1), HistogramSpan(offset: 2, length: 1),
            ])
        #expect(histogram.positiveBuckets == [1, 2])
        histogram.compact(maxEmptyBuckets: 2)
        #expect(histogram.positiveBuckets == [1, 0, 0, 2])
        #expect(histogram.positiveSpans == [HistogramSpan(offset: 1, length: 4)])
    }

    @Test("trimming splits the bucket that holds the limit")
    func trim() {
        let histogram = custom([10, 20], [4, 6, 0], sum: 120)
        let below = histogram.trimmed(at: 15, keepsBelow: true)
        #expect(below.positiveBuckets == [4, 3])
        #expect(below.count == 7)
        #expect(below.sum == 4 * 5 + 3 * 12.5)
        let above = histogram.trimmed(at: 15, keepsBelow: false)
        #expect(above.count == 3)
    }

    @Test("the printed forms are Prometheus's")
    func print() {
        var histogram = exponential(
            schema: 1, count: 6, sum: 5.5, [1, 2], zero: 3, threshold: 0.001, hint: .gauge)
        #expect(
            histogram.description
                == "{count:6, sum:5.5, [-0.001,0.001]:3, (0.7071067811865475,1]:1, "
                + "(1,1.414213562373095]:2}")
        #expect(
            histogram.scriptText
                == "{{schema:1 count:6 sum:5.5 z_bucket:3 z_bucket_w:0.001 "
                + "counter_reset_hint:gauge buckets:[1 2]}}")
        histogram.negativeSpans = [HistogramSpan(offset: 0, length: 1)]
        histogram.negativeBuckets = [4]
        #expect(histogram.jsonBuckets.map(\.count) == [4, 3, 1, 2])
        #expect(histogram.jsonBuckets.map(\.rule) == [1, 3, 0, 0])
        #expect(histogram.jsonBuckets.map(\.lower)[0] == -1)
    }

    @Test("a compensated sum keeps what a plain one loses")
    func compensated() throws {
        var sum = HistogramSum(exponential(count: 1, sum: 1e100, [1]))
        try sum.add(exponential(count: 1, sum: 1, [1]))
        try sum.add(exponential(count: 1, sum: -1e100, [1]))
        #expect(sum.total.sum == 1)
        #expect(sum.total.count == 3)
        #expect(sum.total.positiveBuckets == [3])
    }

    @Test("histograms that no validation let through are computed with, not trapped on")
    func unsound() throws {
        var broken = exponential(schema: 30, count: 3, sum: 1, [1, 2], threshold: .nan)
        broken.positiveBuckets.append(7)
        broken.negativeSpans = [HistogramSpan(offset: .max, length: .max)]
        broken.negativeBuckets = [1]
        var sum = HistogramSum(exponential(count: 3, sum: 1, [1, 2], threshold: 0.5))
        try sum.add(broken)
        try sum.add(exponential(schema: -4, count: 3, sum: 1, [1, 2], threshold: .infinity))
        #expect(sum.total.count == 9)
        #expect(!broken.trimmed(at: 1, keepsBelow: true).description.isEmpty)
        #expect(broken.detectsReset(since: exponential(count: 9, sum: 1, [9])))
        #expect(broken.invalidReason != nil)
    }

    @Test("validation names what is wrong")
    func validation() {
        #expect(exponential(count: 3, sum: 1, [1, 2]).invalidReason == nil)
        #expect(exponential(count: -1, sum: 1, []).invalidReason != nil)
        #expect(exponential(schema: 9, count: 1, sum: 1, []).invalidReason != nil)
        #expect(custom([2, 1], [1, 1, 1]).invalidReason != nil)
        #expect(custom([1], [1, 1, 1]).invalidReason != nil)
        var broken = exponential(count: 1, sum: 1, [1])
        broken.positiveBuckets.append(1)
        #expect(broken.invalidReason != nil)
    }
}
