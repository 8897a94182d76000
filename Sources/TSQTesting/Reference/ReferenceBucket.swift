/// A bucket of a classic histogram: the cumulative count up to a bound.
struct ReferenceBucket {
    var upper: Double
    var count: Double

    /// Sorted, equal bounds joined.
    private static func joined(_ buckets: [ReferenceBucket]) -> [ReferenceBucket] {
        var joined: [ReferenceBucket] = []
        for bucket in buckets.sorted(by: { $0.upper < $1.upper }) {
            if let last = joined.last, last.upper == bucket.upper {
                joined[joined.count - 1].count += bucket.count
            } else {
                joined.append(bucket)
            }
        }
        return joined
    }

    /// Counts never going down (steps of up to 1e-12 of the count are rounding and not worth a
    /// remark).
    private static func repaired(
        _ buckets: [ReferenceBucket]
    ) -> (buckets: [ReferenceBucket], isRepaired: Bool) {
        var buckets = buckets
        var isRepaired = false
        for index in buckets.indices.dropFirst() {
            let previous = buckets[index - 1].count
            let count = buckets[index].count
            if count == previous { continue }
            if AlmostEqual.floats(previous, count, tolerance: 1e-12) {
                buckets[index].count = previous
            } else if count < previous {
                buckets[index].count = previous
                isRepaired = true
            }
        }
        return (buckets, isRepaired)
    }

    static func quantile(
        _ phi: Double, _ unsorted: [ReferenceBucket]
    ) -> (value: Double, isRepaired: Bool) {
        if phi.isNaN { return (.nan, false) }
        if phi < 0 { return (-.infinity, false) }
        if phi > 1 { return (.infinity, false) }
        guard unsorted.contains(where: { $0.upper == .infinity }) else { return (.nan, false) }
        let (buckets, isRepaired) = repaired(joined(unsorted))
        let last = buckets.count - 1
        if last < 1 || buckets[last].count == 0 { return (.nan, false) }
        var rank = phi * buckets[last].count
        let index = buckets[..<last].firstIndex { $0.count >= rank } ?? last
        if index == last { return (buckets[last - 1].upper, isRepaired) }
        if index == 0 && buckets[0].upper <= 0 { return (buckets[0].upper, isRepaired) }
        var lower = 0.0
        var count = buckets[index].count
        if index > 0 {
            lower = buckets[index - 1].upper
            count -= buckets[index - 1].count
            rank -= buckets[index - 1].count
        }
        return (lower + (buckets[index].upper - lower) * (rank / count), isRepaired)
    }

    /// The share of observations in [lower, upper]; counts are taken as they are.
    static func fraction(
        _ lower: Double, _ upper: Double, _ unsorted: [ReferenceBucket]
    ) -> Double {
        guard unsorted.contains(where: { $0.upper == .infinity }) else { return .nan }
        let buckets = joined(unsorted)
        let total = buckets[buckets.count - 1].count
        if total == 0 || lower.isNaN || upper.isNaN { return .nan }
        if lower >= upper { return 0 }
        // The observations of a bucket without end are taken to lie at that end: what is divided by its
        // width is 0, or NaN where it has become infinite itself, as in Go.
        func rank(_ value: Double) -> Double {
            var rank = 0.0
            var start = -Double.infinity
            for (index, bucket) in buckets.enumerated() {
                if index == 0 { start = bucket.upper > 0 ? 0 : -.infinity }
                if start >= value { return rank }
                if bucket.upper > value {
                    if start.isInfinite { return bucket.count }
                    return rank + (bucket.count - rank) * (value - start) / (bucket.upper - start)
                }
                rank = bucket.count
                start = bucket.upper
            }
            return total
        }
        return (min(rank(upper), total) - min(rank(lower), total)) / total
    }
}
