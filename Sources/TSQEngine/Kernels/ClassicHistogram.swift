import TSQBase

/// One `le` bucket of a classic histogram: cumulative.
package struct ClassicBucket: Sendable, Equatable {
    package var upperBound: Double
    package var count: Double

    package init(upperBound: Double, count: Double) {
        self.upperBound = upperBound
        self.count = count
    }
}

/// Quantiles and fractions of classic histograms.
///
/// - Source: Prometheus promql/quantile.go, 3.14.
package enum ClassicHistogram {
    package struct QuantileAnswer: Sendable {
        package var value: Double
        /// Counts that went down were lifted; nil where none did.
        package var repair: Repair?
    }

    /// Which buckets were lifted, and by how much at most.
    package struct Repair: Sendable, Equatable {
        package var lowestBound: Double
        package var highestBound: Double
        package var largestDifference: Double

        package init(lowestBound: Double, highestBound: Double, largestDifference: Double) {
            self.lowestBound = lowestBound
            self.highestBound = highestBound
            self.largestDifference = largestDifference
        }
    }

    /// Differences below this share of both counts together are taken for rounding errors.
    private static let tolerance = 1e-12

    /// The φ-quantile; sorts and repairs `buckets`.
    package static func quantile(
        _ phi: Double, _ buckets: inout [ClassicBucket]
    ) -> QuantileAnswer {
        func answer(_ value: Double, _ repair: Repair? = nil) -> QuantileAnswer {
            QuantileAnswer(value: value, repair: repair)
        }
        if phi.isNaN || buckets.isEmpty { return answer(.nan) }
        if phi < 0 { return answer(-.infinity) }
        if phi > 1 { return answer(.infinity) }
        guard prepare(&buckets) else { return answer(.nan) }
        let repair = makeMonotonic(&buckets)
        let last = buckets.count - 1
        if last < 1 || buckets[last].count == 0 { return answer(.nan) }
        var rank = phi * buckets[last].count
        let found = firstBucket(buckets, reaching: rank)
        if found == last { return answer(buckets[last - 1].upperBound, repair) }
        if found == 0 && buckets[0].upperBound <= 0 {
            return answer(buckets[0].upperBound, repair)
        }
        var start = 0.0
        var count = buckets[found].count
        if found > 0 {
            start = buckets[found - 1].upperBound
            count -= buckets[found - 1].count
            rank -= buckets[found - 1].count
        }
        return answer(start + (buckets[found].upperBound - start) * (rank / count), repair)
    }

    /// The share of observations in [lower, upper].
    package static func fraction(
        _ lower: Double, _ upper: Double, _ buckets: inout [ClassicBucket]
    ) -> Double {
        guard !buckets.isEmpty, prepare(&buckets) else { return .nan }
        let total = buckets[buckets.count - 1].count
        if total == 0 || lower.isNaN || upper.isNaN { return .nan }
        if lower >= upper { return 0 }
        let lowerRank = rank(of: lower, buckets, total)
        let upperRank = rank(of: upper, buckets, total)
        return (upperRank - lowerRank) / total
    }

    /// How many observations lie below `value`.
    private static func rank(
        of value: Double, _ buckets: [ClassicBucket], _ total: Double
    ) -> Double {
        var below = 0.0
        // The first bucket begins at 0 unless it ends below it.
        var start = buckets[0].upperBound > 0 ? 0 : -Double.infinity
        for bucket in buckets {
            if start >= value { return min(below, total) }
            if bucket.upperBound > value {
                // A bucket without a lower end cannot be split.
                let rank =
                    start == -.infinity
                    ? bucket.count
                    : below + (bucket.count - below) * (value - start)
                        / (bucket.upperBound - start)
                return rank > total ? total : rank
            }
            below = bucket.count
            start = bucket.upperBound
        }
        return total
    }

    /// Sorts and joins equal bounds.
    ///
    /// - Returns: whether there is a +Inf bucket; without it nothing can be said.
    private static func prepare(_ buckets: inout [ClassicBucket]) -> Bool {
        var isSorted = true
        for index in 1..<max(1, buckets.count)
        where buckets[index].upperBound <= buckets[index - 1].upperBound {
            isSorted = false
            break
        }
        if !isSorted {
            buckets.sort { $0.upperBound < $1.upperBound }
            var end = 0
            for index in 1..<buckets.count {
                if buckets[index].upperBound == buckets[end].upperBound {
                    buckets[end].count += buckets[index].count
                } else {
                    end += 1
                    buckets[end] = buckets[index]
                }
            }
            buckets.removeLast(buckets.count - end - 1)
        }
        return buckets[buckets.count - 1].upperBound == .infinity
    }

    private static func makeMonotonic(_ buckets: inout [ClassicBucket]) -> Repair? {
        var repair: Repair?
        var previous = buckets[0].count
        for index in 1..<max(1, buckets.count) {
            let count = buckets[index].count
            if count == previous { continue }
            if isAlmostEqual(previous, count) {
                buckets[index].count = previous
            } else if count < previous {
                buckets[index].count = previous
                let bound = buckets[index].upperBound
                let difference = previous - count
                if var known = repair {
                    known.highestBound = bound
                    known.largestDifference = max(known.largestDifference, difference)
                    repair = known
                } else {
                    repair = Repair(
                        lowestBound: bound, highestBound: bound, largestDifference: difference)
                }
            } else {
                previous = count
            }
        }
        return repair
    }

    private static func isAlmostEqual(_ a: Double, _ b: Double) -> Bool {
        if a == b || (a.isNaN && b.isNaN) { return true }
        let sum = a.magnitude + b.magnitude
        let difference = (a - b).magnitude
        let smallest = Double.leastNormalMagnitude
        if a == 0 || b == 0 || sum < smallest { return difference < tolerance * smallest }
        return difference / min(sum, .greatestFiniteMagnitude) < tolerance
    }

    private static func firstBucket(_ buckets: [ClassicBucket], reaching rank: Double) -> Int {
        var (low, high) = (0, buckets.count - 1)
        while low < high {
            let middle = low + (high - low) / 2
            if buckets[middle].count >= rank { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
