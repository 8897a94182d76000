import Glibc
import TSQBase

/// One bucket with its bounds.
package struct HistogramBucket: Sendable, Equatable {
    /// The bucket's number within its side.
    package var index: Int32
    package var lower: Double
    package var upper: Double
    package var lowerInclusive: Bool
    package var upperInclusive: Bool
    package var count: Double

    package init(
        index: Int32, lower: Double, upper: Double, lowerInclusive: Bool, upperInclusive: Bool,
        count: Double
    ) {
        self.index = index
        self.lower = lower
        self.upper = upper
        self.lowerInclusive = lowerInclusive
        self.upperInclusive = upperInclusive
        self.count = count
    }

    /// How the HTTP API codes the inclusive ends: 0 = (l,r], 1 = [l,r), 2 = (l,r), 3 = [l,r].
    package var rule: UInt8 {
        switch (lowerInclusive, upperInclusive) {
        case (false, true): 0
        case (true, false): 1
        case (false, false): 2
        case (true, true): 3
        }
    }
}

/// The bounds of exponential buckets.
///
/// - Source: client_golang's histogram.go says how the bounds within an octave are generated: each
///   schema keeps those of the schema below and multiplies them by 2^(2^−schema) for the ones
///   between. The factors are those of Go's math.Exp2, which rounds the first one down.
package enum ExponentialBounds {
    private static let factors: [Double] = [
        1.414213562373095, 1.189207115002721, 1.0905077326652577, 1.0442737824274138,
        1.0218971486541166, 1.0108892860517005, 1.0054299011128027, 1.0027112750502025,
    ]

    /// `fractions[schema][i]` = 2^(i / 2^schema) / 2, for schemas 0…8.
    private static let fractions: [[Double]] = {
        var all: [[Double]] = [[0.5]]
        for factor in factors {
            let coarser = all[all.count - 1]
            var bounds: [Double] = []
            bounds.reserveCapacity(coarser.count * 2)
            for bound in coarser {
                bounds.append(bound)
                bounds.append(bound * factor)
            }
            all.append(bounds)
        }
        return all
    }()

    /// The upper bound of bucket `index`, the largest finite number where it would overflow.
    package static func upper(_ index: Int32, schema: Int32) -> Double {
        if schema < 0 {
            let exponent = Int(index) << Int(-schema)
            return exponent == 1024 ? .greatestFiniteMagnitude : scalbn(1, clamped(exponent))
        }
        guard Int(schema) < fractions.count else {
            // Finer than any valid schema: no histogram that was validated gets here.
            return exp2(Double(index) * exp2(Double(-schema)))
        }
        let table = fractions[Int(schema)]
        let fraction = table[Int(index) & (table.count - 1)]
        let exponent = (Int(index) >> Int(schema)) + 1
        if fraction == 0.5 && exponent == 1025 { return .greatestFiniteMagnitude }
        return scalbn(fraction, clamped(exponent))
    }

    private static func clamped(_ exponent: Int) -> Int32 { Int32(min(max(exponent, -5000), 5000)) }
}

extension Histogram {
    /// The upper bound of bucket `index` on the positive side.
    package func upperBound(_ index: Int32) -> Double {
        guard usesCustomBounds else { return ExponentialBounds.upper(index, schema: schema) }
        if index < 0 { return -.infinity }
        return Int(index) < customBounds.count ? customBounds[Int(index)] : .infinity
    }

    package func positiveBucket(_ index: Int32, _ count: Double) -> HistogramBucket {
        let (lower, upper) = (upperBound(index - 1), upperBound(index))
        let isCustom = usesCustomBounds
        return HistogramBucket(
            index: index, lower: lower, upper: upper,
            lowerInclusive: isCustom ? index == 0 : lower < 0,
            upperInclusive: isCustom ? true : upper > 0, count: count)
    }

    package func negativeBucket(_ index: Int32, _ count: Double) -> HistogramBucket {
        let (lower, upper) = (-upperBound(index), -upperBound(index - 1))
        return HistogramBucket(
            index: index, lower: lower, upper: upper, lowerInclusive: lower < 0,
            upperInclusive: upper > 0, count: count)
    }

    package var zeroBucket: HistogramBucket {
        HistogramBucket(
            index: 0, lower: -zeroThreshold, upper: zeroThreshold, lowerInclusive: true,
            upperInclusive: true, count: zeroCount)
    }

    /// The positive buckets, ascending, empty ones included.
    package var positiveBucketList: [HistogramBucket] {
        var list: [HistogramBucket] = []
        list.reserveCapacity(positiveBuckets.count)
        Self.forEach(positiveSpans, positiveBuckets) { list.append(positiveBucket($0, $1)) }
        return list
    }

    /// The negative buckets away from zero (descending), empty ones included.
    package var negativeBucketList: [HistogramBucket] {
        var list: [HistogramBucket] = []
        list.reserveCapacity(negativeBuckets.count)
        Self.forEach(negativeSpans, negativeBuckets) { list.append(negativeBucket($0, $1)) }
        return list
    }

    /// All buckets ascending, with the zero bucket if it is populated; bounds that reach into the
    /// zero bucket are cut at the threshold.
    ///
    /// - Source: Prometheus model/histogram, AllBucketIterator.
    package var allBuckets: [HistogramBucket] {
        var list: [HistogramBucket] = []
        list.reserveCapacity(negativeBuckets.count + positiveBuckets.count + 1)
        for bucket in negativeBucketList.reversed() { list.append(cutAtZeroBucket(bucket)) }
        if zeroCount > 0 && !usesCustomBounds { list.append(zeroBucket) }
        Self.forEach(positiveSpans, positiveBuckets) {
            list.append(cutAtZeroBucket(positiveBucket($0, $1)))
        }
        return list
    }

    /// What the HTTP API lists: populated buckets ascending.
    package var jsonBuckets: [HistogramBucket] {
        var list: [HistogramBucket] = []
        for bucket in negativeBucketList.reversed() where bucket.count != 0 {
            list.append(cutAtZeroBucket(bucket))
        }
        if zeroCount > 0 && !usesCustomBounds { list.append(zeroBucket) }
        for bucket in positiveBucketList where bucket.count != 0 {
            list.append(cutAtZeroBucket(bucket))
        }
        return list
    }

    private func cutAtZeroBucket(_ bucket: HistogramBucket) -> HistogramBucket {
        var bucket = bucket
        if bucket.upper < 0 && bucket.upper > -zeroThreshold {
            bucket.upper = -zeroThreshold
        } else if bucket.lower > 0 && bucket.lower < zeroThreshold {
            bucket.lower = zeroThreshold
        }
        return bucket
    }

    /// Calls `body` with each bucket's index and count; stops at the shorter of spans and buckets.
    @inline(__always)
    static func forEach(
        _ spans: [HistogramSpan], _ buckets: [Double], _ body: (Int32, Double) -> Void
    ) {
        var index: Int32 = 0
        var position = 0
        for span in spans {
            index &+= span.offset
            for _ in 0..<span.length {
                guard position < buckets.count else { return }
                body(index, buckets[position])
                index &+= 1
                position += 1
            }
        }
    }
}
