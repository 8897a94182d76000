import Glibc
import TSQBase
import TSQModel

/// Quantiles, fractions and variance of native histograms.
///
/// - Source: Prometheus promql/quantile.go and functions.go, 3.14.
package enum NativeHistogram {
    /// The φ-quantile: exponential interpolation within a bucket, linear in the zero bucket and
    /// between custom bounds. Remarks about NaN observations go to `context`, at its call's first
    /// argument, with its metric name.
    package static func quantile(
        _ phi: Double, _ histogram: Histogram, _ context: inout KernelContext
    ) -> Double {
        if phi < 0 { return -.infinity }
        if phi > 1 { return .infinity }
        if histogram.count == 0 || phi.isNaN { return .nan }
        // NaN observations are in the count but in no bucket, so ranks count from below then.
        let isForward = histogram.sum.isNaN || phi < 0.5
        var rank = (isForward ? phi : 1 - phi) * histogram.count
        let buckets = histogram.allBuckets
        let range = context.argumentRanges.first ?? context.range
        var count = 0.0
        // Without buckets everything lies at 0.
        var found = HistogramBucket(
            index: 0, lower: 0, upper: 0, lowerInclusive: true, upperInclusive: true, count: 0)
        for position in buckets.indices {
            let bucket = buckets[isForward ? position : buckets.count - 1 - position]
            found = bucket
            if bucket.count == 0 { continue }
            count += bucket.count
            if count >= rank { break }
        }
        var bucket = found
        if histogram.usesCustomBounds {
            if bucket.lower == -.infinity {
                if bucket.upper <= 0 { return bucket.upper }
                bucket.lower = 0
            } else if bucket.upper == .infinity {
                return bucket.lower
            }
        } else if bucket.lower < 0 && bucket.upper > 0 {
            narrowZeroBucket(&bucket, histogram)
        }
        count = min(count, histogram.count)
        if count < rank {
            guard histogram.sum.isNaN else { return bucket.upper }
            context.annotations.inform(PromQLTexts.quantileOfNaNs(context.metricName), range)
            return .nan
        }
        if histogram.sum.isNaN && bucketTotal(buckets) < histogram.count {
            context.annotations.inform(
                PromQLTexts.quantileSkewedByNaNs(context.metricName), range)
        }
        rank = isForward ? rank - (count - bucket.count) : count - rank
        return value(in: bucket, at: rank / bucket.count, isLinear: histogram.usesCustomBounds)
    }

    /// The value a share of the way through a bucket.
    private static func value(
        in bucket: HistogramBucket, at fraction: Double, isLinear: Bool
    ) -> Double {
        if isLinear || (bucket.lower <= 0 && bucket.upper >= 0) {
            return bucket.lower + (bucket.upper - bucket.lower) * fraction
        }
        let lower = GoMath.log2(bucket.lower.magnitude)
        let upper = GoMath.log2(bucket.upper.magnitude)
        if bucket.lower > 0 { return exp2(lower + (upper - lower) * fraction) }
        return -exp2(upper + (lower - upper) * (1 - fraction))
    }

    /// The zero bucket of a histogram with observations of one sign only ends at 0.
    private static func narrowZeroBucket(_ bucket: inout HistogramBucket, _ histogram: Histogram) {
        if histogram.negativeBuckets.isEmpty && !histogram.positiveBuckets.isEmpty {
            bucket.lower = 0
        } else if histogram.positiveBuckets.isEmpty && !histogram.negativeBuckets.isEmpty {
            bucket.upper = 0
        }
    }

    private static func bucketTotal(_ buckets: [HistogramBucket]) -> Double {
        var total = 0.0
        for bucket in buckets { total += bucket.count }
        return total
    }

    /// The share of observations in [lower, upper]; NaN observations are in no range.
    package static func fraction(
        _ lower: Double, _ upper: Double, _ histogram: Histogram, _ context: inout KernelContext
    ) -> Double {
        if histogram.count == 0 || lower.isNaN || upper.isNaN { return .nan }
        if lower >= upper { return 0 }
        let buckets = histogram.allBuckets
        var total = histogram.count
        if histogram.sum.isNaN {
            total = bucketTotal(buckets)
            if total < histogram.count {
                context.annotations.inform(
                    PromQLTexts.fractionWithoutNaNs(context.metricName),
                    context.argumentRanges.first ?? context.range)
            }
        }
        let lowerRank = min(rank(of: lower, buckets, histogram) ?? total, total)
        let upperRank = min(rank(of: upper, buckets, histogram) ?? total, total)
        return (upperRank - lowerRank) / histogram.count
    }

    /// How many observations lie below `value`; nil where it is above all buckets.
    private static func rank(
        of value: Double, _ buckets: [HistogramBucket], _ histogram: Histogram
    ) -> Double? {
        var below = 0.0
        for var bucket in buckets {
            let holdsZero = bucket.lower <= 0 && bucket.upper >= 0
            if histogram.usesCustomBounds {
                // The first bucket begins at 0 unless it ends below it.
                if bucket.lower == -.infinity && bucket.upper > 0 { bucket.lower = 0 }
            } else if holdsZero {
                narrowZeroBucket(&bucket, histogram)
            }
            if bucket.lower >= value { return below }
            if bucket.upper > value {
                if histogram.usesCustomBounds || holdsZero {
                    // A bucket without a lower end cannot be split.
                    if bucket.lower == -.infinity { return below + bucket.count }
                    return below + bucket.count * (value - bucket.lower)
                        / (bucket.upper - bucket.lower)
                }
                return below + bucket.count * exponentialShare(of: value, bucket)
            }
            below += bucket.count
        }
        return nil
    }

    private static func exponentialShare(of value: Double, _ bucket: HistogramBucket) -> Double {
        let lower = GoMath.log2(bucket.lower.magnitude)
        let upper = GoMath.log2(bucket.upper.magnitude)
        let position = GoMath.log2(value.magnitude)
        if value > 0 { return (position - lower) / (upper - lower) }
        return 1 - (position - upper) / (lower - upper)
    }

    /// The estimated variance: each bucket counts as its (geometric) middle.
    package static func variance(_ histogram: Histogram) -> Double {
        let mean = histogram.sum / histogram.count
        var total = KahanSum()
        for bucket in histogram.allBuckets where bucket.count != 0 {
            let value: Double
            if histogram.usesCustomBounds {
                value = (bucket.upper + bucket.lower) / 2
            } else if bucket.lower <= 0 && bucket.upper >= 0 {
                value = 0
            } else {
                let middle = (bucket.upper * bucket.lower).squareRoot()
                value = bucket.upper < 0 ? -middle : middle
            }
            let delta = value - mean
            total.add(bucket.count * delta * delta)
        }
        return (total.sum + total.compensation) / histogram.count
    }
}
