import Glibc
import TSQBase

extension Histogram {
    /// Keeps the observations below `limit` (`</`) or above it (`>/`). Buckets that contain the limit
    /// are split by interpolation; count and sum are worked out anew from what is kept, each bucket
    /// counting as the middle of its kept part. A histogram of which nothing goes stays as it is.
    ///
    /// - Source: Prometheus 3.14, behaviour of `</` and `>/` as its scripts fix it.
    package func trimmed(at limit: Double, keepsBelow: Bool) -> Histogram {
        var result = self
        var trim = HistogramTrim(limit: limit, keepsBelow: keepsBelow, isCustom: usesCustomBounds)
        for (position, bucket) in positiveBucketList.enumerated() where bucket.count != 0 {
            trim.hasPositive = true
            result.positiveBuckets[position] = trim.keep(bucket, isPositive: true)
        }
        for (position, bucket) in negativeBucketList.enumerated() where bucket.count != 0 {
            trim.hasNegative = true
            result.negativeBuckets[position] = trim.keep(bucket, isPositive: false)
        }
        if zeroCount > 0 { result.zeroCount = trim.keepZero(zeroBucket) }
        guard trim.hasTrimmed else { return result }
        result.count = trim.count
        result.sum = trim.sum
        result.compact()
        return result
    }
}

/// The state of one trimming.
private struct HistogramTrim {
    let limit: Double
    let keepsBelow: Bool
    let isCustom: Bool
    var count = 0.0
    var sum = 0.0
    var hasTrimmed = false
    var hasPositive = false
    var hasNegative = false

    init(limit: Double, keepsBelow: Bool, isCustom: Bool) {
        self.limit = limit
        self.keepsBelow = keepsBelow
        self.isCustom = isCustom
    }

    /// The count that stays of `bucket`.
    mutating func keep(_ bucket: HistogramBucket, isPositive: Bool) -> Double {
        let isWhole = keepsBelow ? bucket.upper <= limit : bucket.lower >= limit
        if isWhole {
            take(bucket.count, at: middle(bucket.lower, bucket.upper, isPositive))
            return bucket.count
        }
        let isCut = keepsBelow ? bucket.lower < limit : bucket.upper > limit
        guard isCut else {
            hasTrimmed = true
            return 0
        }
        let part = split(bucket, isPositive)
        take(part.count, at: part.middle)
        if part.count != bucket.count { hasTrimmed = true }
        return part.count
    }

    /// The zero bucket: observations are spread evenly over it; where all others lie on one side of
    /// 0, it reaches to that side only.
    mutating func keepZero(_ bucket: HistogramBucket) -> Double {
        let lower = hasPositive && !hasNegative ? 0 : bucket.lower
        let upper = hasNegative && !hasPositive ? 0 : bucket.upper
        let keptLower = keepsBelow ? lower : max(lower, limit)
        let keptUpper = keepsBelow ? min(upper, limit) : upper
        var kept = 0.0
        if keptLower == lower && keptUpper == upper && (keepsBelow ? limit > lower : limit < upper)
        {
            kept = bucket.count
        } else if keptLower < keptUpper {
            kept = bucket.count * ((keptUpper - keptLower) / (upper - lower))
        }
        if kept != bucket.count { hasTrimmed = true }
        if kept != 0 { take(kept, at: (keptLower + keptUpper) / 2) }
        return kept
    }

    private mutating func take(_ kept: Double, at middle: Double) {
        count += kept
        sum += middle * kept
    }

    /// What stays of a bucket that contains the limit, and the middle of that part.
    private func split(
        _ bucket: HistogramBucket, _ isPositive: Bool
    ) -> (count: Double, middle: Double) {
        if bucket.lower == -.infinity { return splitLowest(bucket) }
        if bucket.upper == .infinity {
            // How the values lie in it is not known: they count as +Inf.
            return keepsBelow ? (0, 0) : (bucket.count, limit)
        }
        let below = countBelow(bucket, isPositive)
        return keepsBelow
            ? (below, middle(bucket.lower, limit, isPositive))
            : (bucket.count - below, middle(limit, bucket.upper, isPositive))
    }

    /// The bucket from −Inf: it is taken to begin at 0 where its upper bound is positive, else its
    /// observations count as −Inf.
    private func splitLowest(_ bucket: HistogramBucket) -> (count: Double, middle: Double) {
        let isFinite = bucket.upper != .infinity
        if keepsBelow {
            if limit > 0 && bucket.upper > 0 && isFinite {
                return (bucket.count * limit / bucket.upper, limit / 2)
            }
            return bucket.upper <= 0 ? (bucket.count, limit) : (0, 0)
        }
        if limit >= 0 && isFinite {
            return (bucket.count * (1 - limit / bucket.upper), (limit + bucket.upper) / 2)
        }
        return (0, 0)
    }

    private func countBelow(_ bucket: HistogramBucket, _ isPositive: Bool) -> Double {
        if isCustom {
            return bucket.count * ((limit - bucket.lower) / (bucket.upper - bucket.lower))
        }
        let lower = log2(bucket.lower.magnitude)
        let upper = log2(bucket.upper.magnitude)
        let position = log2(limit.magnitude)
        let fraction =
            isPositive
            ? (position - lower) / (upper - lower) : 1 - ((position - upper) / (lower - upper))
        return bucket.count * fraction
    }

    /// The value that stands for an interval: arithmetic between custom bounds, geometric between
    /// exponential ones.
    private func middle(_ lower: Double, _ upper: Double, _ isPositive: Bool) -> Double {
        if lower.isInfinite {
            if upper.isInfinite { return 0 }
            return upper > 0 ? upper / 2 : upper
        }
        if upper.isInfinite { return lower }
        if isCustom { return (lower + upper) / 2 }
        let geometric = (lower * upper).magnitude.squareRoot()
        return isPositive ? geometric : -geometric
    }
}
