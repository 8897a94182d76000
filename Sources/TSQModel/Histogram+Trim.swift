import Glibc
import TSQBase

extension Histogram {
    /// Keeps the observations below `limit` (`</`) or above it (`>/`): buckets that contain the
    /// limit are split by interpolation, the sum is corrected by the estimated values of what went.
    ///
    /// - Source: Prometheus promql/engine.go, trimHistogram.
    package func trimmed(at limit: Double, keepsBelow: Bool) -> Histogram {
        var result = self
        var trim = HistogramTrim(limit: limit, keepsBelow: keepsBelow, isCustom: usesCustomBounds)
        for (position, bucket) in positiveBucketList.enumerated() where bucket.count != 0 {
            trim.noteSign(of: bucket, isPositive: true)
            result.positiveBuckets[position] = trim.keep(bucket, isPositive: true)
        }
        for (position, bucket) in negativeBucketList.enumerated() where bucket.count != 0 {
            trim.noteSign(of: bucket, isPositive: false)
            result.negativeBuckets[position] = trim.keep(bucket, isPositive: false)
        }
        if zeroCount > 0 {
            result.zeroCount = trim.keepZero(zeroBucket, self)
        }
        result.count = trim.keptCount
        result.sum = trim.sum(of: sum)
        result.compact()
        return result
    }
}

/// The state of one trimming.
private struct HistogramTrim {
    let limit: Double
    let keepsBelow: Bool
    let isCustom: Bool
    var keptCount = 0.0
    var removedSum = 0.0
    var hasPositive = false
    var hasNegative = false

    init(limit: Double, keepsBelow: Bool, isCustom: Bool) {
        self.limit = limit
        self.keepsBelow = keepsBelow
        self.isCustom = isCustom
    }

    mutating func noteSign(of bucket: HistogramBucket, isPositive: Bool) {
        guard isCustom else {
            if isPositive { hasPositive = true } else { hasNegative = true }
            return
        }
        if bucket.upper <= 0 {
            hasNegative = true
        } else {
            if bucket.lower < 0 { hasNegative = true }
            hasPositive = true
        }
    }

    /// The count that stays of `bucket`.
    mutating func keep(_ bucket: HistogramBucket, isPositive: Bool) -> Double {
        let isWholeKept = keepsBelow ? bucket.upper <= limit : bucket.lower >= limit
        if isWholeKept {
            keptCount += bucket.count
            return bucket.count
        }
        var (kept, midpoint) = split(bucket, isPositive: isPositive)
        let isCut = keepsBelow ? bucket.lower < limit : bucket.upper > limit
        if isCut {
            removedSum += (bucket.count - kept) * midpoint
            keptCount += kept
            return kept
        }
        if !isCustom { midpoint = (bucket.lower * bucket.upper).squareRoot() }
        removedSum += bucket.count * midpoint
        kept = 0
        return kept
    }

    mutating func keepZero(_ bucket: HistogramBucket, _ histogram: Histogram) -> Double {
        let below = countBelow(bucket, isPositive: true, isLinear: true)
        let kept = keepsBelow ? below : bucket.count - below
        keptCount += kept
        return kept
    }

    func sum(of original: Double) -> Double {
        if keptCount == 0 { return 0 }
        let sum = original - removedSum
        if !hasNegative && sum < 0 { return 0 }
        if !hasPositive && sum > 0 { return 0 }
        return sum
    }

    /// What stays of a bucket that may contain the limit, and the value taken for what goes.
    private func split(
        _ bucket: HistogramBucket, isPositive: Bool
    ) -> (kept: Double, midpoint: Double) {
        if bucket.lower == -.infinity { return splitLowest(bucket) }
        if bucket.upper == .infinity {
            // How the values lie in it is not known: all or nothing.
            if !keepsBelow && limit <= bucket.lower { return (bucket.count, 0) }
            return (0, bucket.lower)
        }
        let below = countBelow(bucket, isPositive: isPositive, isLinear: isCustom)
        let far = keepsBelow ? bucket.lower : bucket.upper
        let midpoint: Double
        if isCustom {
            midpoint = (bucket.lower + bucket.upper) / 2
        } else {
            let root = (far.magnitude * limit.magnitude).squareRoot()
            midpoint = isPositive ? root : -root
        }
        return (keepsBelow ? below : bucket.count - below, midpoint)
    }

    /// The bucket from −Inf: where its upper bound is positive it is taken to begin at 0.
    private func splitLowest(_ bucket: HistogramBucket) -> (kept: Double, midpoint: Double) {
        let canInterpolate = limit >= 0 && bucket.upper > limit && bucket.upper != .infinity
        if keepsBelow {
            if limit >= bucket.upper { return (bucket.count, 0) }
            if canInterpolate {
                return (bucket.count * limit / bucket.upper, (limit + bucket.upper) / 2)
            }
            return (0, bucket.upper)
        }
        if limit <= bucket.lower { return (bucket.count, 0) }
        if canInterpolate { return (bucket.count * (1 - limit / bucket.upper), limit / 2) }
        return (0, bucket.upper)
    }

    private func countBelow(
        _ bucket: HistogramBucket, isPositive: Bool, isLinear: Bool
    ) -> Double {
        if limit <= bucket.lower { return 0 }
        if limit >= bucket.upper { return bucket.count }
        if isLinear {
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
}
