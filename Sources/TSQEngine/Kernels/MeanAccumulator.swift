import TSQModel

/// A mean as Prometheus takes it: the compensated sum divided by the count, or, from where the sum
/// would overflow, an incremental mean.
struct MeanAccumulator {
    private var sum = KahanSum()
    private var mean = 0.0
    private var isIncremental = false
    private(set) var count = 0.0

    init() {}

    /// Goes on from the sum of `count` values.
    init(sum: KahanSum, count: Double) {
        self.sum = sum
        self.count = count
    }

    mutating func add(_ value: Double) {
        count += 1
        if count == 1 {
            sum = KahanSum(value)
            mean = value
            return
        }
        if !isIncremental {
            var next = sum
            next.add(value)
            if !next.sum.isInfinite {
                sum = next
                return
            }
            isIncremental = true
            mean = sum.sum / (count - 1)
            sum.compensation /= count - 1
        }
        let share = (count - 1) / count
        var next = KahanSum(share * mean, share * sum.compensation)
        next.add(value / count)
        mean = next.sum
        sum.compensation = next.compensation
    }

    var value: Double {
        isIncremental
            ? mean + sum.compensation : sum.sum / count + sum.compensation / count
    }
}

/// The same for histograms.
struct HistogramMean {
    private var sum: HistogramSum
    private var isIncremental = false
    private var count = 1.0

    init(_ first: Histogram) { sum = HistogramSum(first) }

    mutating func add(_ histogram: Histogram) throws(HistogramError) -> HistogramMergeReport {
        count += 1
        if !isIncremental {
            let before = sum
            let report = try sum.add(histogram)
            if !sum.hasOverflow { return report }
            isIncremental = true
            sum = before
            sum.divide(by: count - 1)
        }
        sum.multiply(by: (count - 1) / count)
        var share = histogram
        share.divide(by: count)
        return try sum.add(share)
    }

    var value: Histogram {
        if isIncremental { return sum.total }
        var result = sum
        result.divide(by: count)
        return result.total
    }
}
