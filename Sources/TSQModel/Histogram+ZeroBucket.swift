import TSQBase

extension Histogram {
    /// Widens the zero bucket until it holds both zero buckets and ends inside no populated bucket
    /// of either histogram. Changes only `self` (and the compensation of its counts).
    ///
    /// - Returns: the zero count that `other` would have.
    /// - Source: Prometheus model/histogram, reconcileZeroBuckets.
    mutating func reconcileZeroBuckets(
        with other: Histogram, compensation: inout Histogram?
    ) -> Double {
        var otherCount = other.zeroCount
        var otherThreshold = other.zeroThreshold
        // NaN equals nothing: the search would never end.
        if otherThreshold.isNaN || zeroThreshold.isNaN { return otherCount }
        while otherThreshold != zeroThreshold {
            if zeroThreshold > otherThreshold {
                let wider = other.zeroCount(
                    forLargerThreshold: zeroThreshold, compensation: nil)
                otherCount = wider.count.sum
                otherThreshold = wider.threshold
            }
            if otherThreshold > zeroThreshold {
                let wider = zeroCount(
                    forLargerThreshold: otherThreshold, compensation: compensation)
                zeroCount = wider.count.sum
                zeroThreshold = wider.threshold
                compensation?.zeroCount = wider.count.compensation
                compensation?.zeroThreshold = wider.threshold
                trimBucketsInZeroBucket(&compensation)
            }
        }
        return otherCount
    }

    /// The zero count with a zero bucket at least as wide as `larger`; the threshold moves on to the
    /// end of a populated bucket that it would cut.
    func zeroCount(
        forLargerThreshold larger: Double, compensation: Histogram?
    ) -> (count: KahanSum, threshold: Double) {
        var threshold = larger
        if threshold == zeroThreshold {
            return (KahanSum(zeroCount, compensation?.zeroCount ?? 0), threshold)
        }
        let positive = positiveBucketList
        let negative = negativeBucketList
        restart: while true {
            var total = KahanSum(zeroCount, compensation?.zeroCount ?? 0)
            for (position, bucket) in positive.enumerated() {
                if bucket.lower >= threshold { break }
                Self.take(bucket, compensation?.positiveBuckets, position, &total)
                if bucket.upper > threshold {
                    if bucket.count != 0 { threshold = bucket.upper }
                    break
                }
            }
            for (position, bucket) in negative.enumerated() {
                if bucket.upper <= -threshold { break }
                Self.take(bucket, compensation?.negativeBuckets, position, &total)
                if bucket.lower < -threshold {
                    if bucket.count != 0 {
                        threshold = -bucket.lower
                        continue restart
                    }
                    break
                }
            }
            return (total, threshold)
        }
    }

    private static func take(
        _ bucket: HistogramBucket, _ compensations: [Double]?, _ position: Int,
        _ total: inout KahanSum
    ) {
        guard let compensations else {
            total.sum += bucket.count
            return
        }
        total.add(bucket.count)
        if position < compensations.count { total.add(compensations[position]) }
    }

    /// Removes the buckets whose counts the zero bucket has taken over.
    private mutating func trimBucketsInZeroBucket(_ compensation: inout Histogram?) {
        let positive = outsideZeroBucket(
            IndexedBuckets(
                positiveSpans, positiveBuckets, compensations: compensation?.positiveBuckets))
        let negative = outsideZeroBucket(
            IndexedBuckets(
                negativeSpans, negativeBuckets, compensations: compensation?.negativeBuckets))
        setBuckets(positive, negative)
        compensation?.setCompensations(positive, negative)
    }

    private func outsideZeroBucket(_ all: IndexedBuckets) -> IndexedBuckets {
        var kept = IndexedBuckets()
        for position in all.indexes.indices {
            let lower = ExponentialBounds.upper(all.indexes[position] &- 1, schema: schema)
            if lower < zeroThreshold { continue }
            kept.append(
                all.indexes[position], all.counts[position],
                all.isCompensated ? all.compensations[position] : nil)
        }
        return kept.compacted()
    }

    mutating func setBuckets(_ positive: IndexedBuckets, _ negative: IndexedBuckets) {
        positiveSpans = positive.spans
        positiveBuckets = positive.counts
        negativeSpans = negative.spans
        negativeBuckets = negative.counts
    }

    /// Takes the layout of the sum that `self` compensates.
    mutating func setCompensations(_ positive: IndexedBuckets, _ negative: IndexedBuckets) {
        positiveSpans = positive.spans
        positiveBuckets = positive.compensations
        negativeSpans = negative.spans
        negativeBuckets = negative.compensations
    }
}
