import TSQBase

/// Why two histograms cannot be combined.
package enum HistogramError: Error, Sendable, Equatable {
    /// One is exponential, the other has custom bounds.
    case incompatibleSchemas
}

/// What happened while two histograms were combined; engines turn it into annotations.
package struct HistogramMergeReport: Sendable, Equatable {
    /// One hint says reset, the other not reset.
    package var resetCollision = false
    /// Different custom bounds were reduced to those that both have.
    package var boundsReconciled = false

    package init() {}
}

extension Histogram {
    /// Scales counts and sum. A negative factor makes a gauge.
    package mutating func multiply(by factor: Double) {
        zeroCount *= factor
        count *= factor
        sum *= factor
        for index in positiveBuckets.indices { positiveBuckets[index] *= factor }
        for index in negativeBuckets.indices { negativeBuckets[index] *= factor }
        if factor < 0 { hint = .gauge }
    }

    /// Divides counts and sum. Division by zero removes all buckets; a negative divisor makes a
    /// gauge.
    package mutating func divide(by divisor: Double) {
        zeroCount /= divisor
        count /= divisor
        sum /= divisor
        if divisor == 0 {
            positiveBuckets = []
            positiveSpans = []
            negativeBuckets = []
            negativeSpans = []
            return
        }
        for index in positiveBuckets.indices { positiveBuckets[index] /= divisor }
        for index in negativeBuckets.indices { negativeBuckets[index] /= divisor }
        if divisor < 0 { hint = .gauge }
    }

    /// Adds `other`: schemas, zero buckets and custom bounds are brought together first. Empty
    /// buckets may remain; `compact` removes them.
    @discardableResult
    package mutating func add(
        _ other: Histogram
    ) throws(HistogramError) -> HistogramMergeReport {
        try combine(other, sign: 1)
    }

    /// Subtracts `other`, likewise. The hint follows the rules of addition; the `-` operator makes
    /// the result a gauge afterwards.
    @discardableResult
    package mutating func subtract(
        _ other: Histogram
    ) throws(HistogramError) -> HistogramMergeReport {
        try combine(other, sign: -1)
    }

    /// The hint of a sum of histograms with the hints `a` and `b`, and whether they contradict each
    /// other.
    package static func mergedHint(
        _ a: CounterResetHint, _ b: CounterResetHint
    ) -> (hint: CounterResetHint, collision: Bool) {
        if a == b { return (a, false) }
        if a == .gauge || b == .gauge { return (.gauge, false) }
        if a == .unknown || b == .unknown { return (.unknown, false) }
        return (.unknown, true)
    }

    private mutating func combine(
        _ other: Histogram, sign: Double
    ) throws(HistogramError) -> HistogramMergeReport {
        guard usesCustomBounds == other.usesCustomBounds else { throw .incompatibleSchemas }
        var report = HistogramMergeReport()
        (hint, report.resetCollision) = Self.mergedHint(hint, other.hint)
        if hasLayout(of: other) {
            zeroCount += sign * other.zeroCount
            count += sign * other.count
            sum += sign * other.sum
            for index in positiveBuckets.indices {
                positiveBuckets[index] += sign * other.positiveBuckets[index]
            }
            for index in negativeBuckets.indices {
                negativeBuckets[index] += sign * other.negativeBuckets[index]
            }
            return report
        }
        if usesCustomBounds {
            count += sign * other.count
            sum += sign * other.sum
            report.boundsReconciled = combineCustom(other, sign: sign)
            return report
        }
        var none: Histogram?
        let otherZeroCount = reconcileZeroBuckets(with: other, compensation: &none)
        zeroCount += sign * otherZeroCount
        count += sign * other.count
        sum += sign * other.sum
        combineExponential(other, sign: sign)
        return report
    }

    /// Same schema, zero threshold, bounds and spans: counts can be added one by one.
    func hasLayout(of other: Histogram) -> Bool {
        schema == other.schema && zeroThreshold == other.zeroThreshold
            && positiveBuckets.count == other.positiveBuckets.count
            && negativeBuckets.count == other.negativeBuckets.count
            && positiveSpans == other.positiveSpans && negativeSpans == other.negativeSpans
            && customBounds == other.customBounds && !hasBucketsInZeroBucket
    }

    /// A populated bucket within the zero bucket's width keeps what it has, but takes nothing from
    /// another histogram.
    private var hasBucketsInZeroBucket: Bool {
        guard zeroThreshold > 0 else { return false }
        if let first = positiveSpans.first, upperBound(first.offset) <= zeroThreshold {
            return true
        }
        if let first = negativeSpans.first, upperBound(first.offset) <= zeroThreshold {
            return true
        }
        return false
    }

    private mutating func combineExponential(_ other: Histogram, sign: Double) {
        let target = min(schema, other.schema)
        let firstIndex = Self.firstIndex(above: zeroThreshold, schema: target)
        let positive = IndexedBuckets(positiveSpans, positiveBuckets)
            .reduced(from: schema, to: target)
            .merged(
                IndexedBuckets(other.positiveSpans, other.positiveBuckets)
                    .reduced(from: other.schema, to: target),
                sign: sign, from: firstIndex)
        let negative = IndexedBuckets(negativeSpans, negativeBuckets)
            .reduced(from: schema, to: target)
            .merged(
                IndexedBuckets(other.negativeSpans, other.negativeBuckets)
                    .reduced(from: other.schema, to: target),
                sign: sign, from: firstIndex)
        setBuckets(positive, negative)
        schema = target
    }

    /// The first bucket whose upper bound is above `threshold`; `Int32.min` where all are.
    static func firstIndex(above threshold: Double, schema: Int32) -> Int32 {
        guard threshold > 0 else { return .min }
        var (low, high) = (Int32(-1_000_000), Int32(1_000_000))
        while low < high {
            let middle = low + (high - low) / 2
            if ExponentialBounds.upper(middle, schema: schema) <= threshold {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// - Returns: whether the bounds had to be reconciled.
    private mutating func combineCustom(_ other: Histogram, sign: Double) -> Bool {
        let left = IndexedBuckets(positiveSpans, positiveBuckets)
        let right = IndexedBuckets(other.positiveSpans, other.positiveBuckets)
        let merged: IndexedBuckets
        let reconciled = customBounds != other.customBounds
        if reconciled {
            let shared = Self.sharedBounds(customBounds, other.customBounds)
            merged =
                left.remapped(from: customBounds, to: shared)
                .merged(
                    right.remapped(from: other.customBounds, to: shared), sign: sign, from: .min
                )
                .compacted()
            customBounds = shared
        } else {
            merged = left.merged(right, sign: sign, from: .min)
        }
        positiveSpans = merged.spans
        positiveBuckets = merged.counts
        return reconciled
    }
}
