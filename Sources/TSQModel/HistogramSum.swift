import TSQBase

/// A Kahan–Neumaier-compensated sum of histograms: every count of it carries what its additions
/// lost.
///
/// - Source: Prometheus model/histogram, KahanAdd.
package struct HistogramSum: Sendable {
    package private(set) var histogram: Histogram
    /// Of the sum's layout; nil before the first addition.
    package private(set) var compensation: Histogram?

    package init(_ first: Histogram) { histogram = first }

    /// Adds one more. After a throw the sum is what it was.
    @discardableResult
    package mutating func add(
        _ other: Histogram
    ) throws(HistogramError) -> HistogramMergeReport {
        guard histogram.usesCustomBounds == other.usesCustomBounds else {
            throw .incompatibleSchemas
        }
        var report = HistogramMergeReport()
        (histogram.hint, report.resetCollision) = Histogram.mergedHint(histogram.hint, other.hint)
        var extra = compensation ?? Self.emptyCompensation(of: histogram)
        if histogram.hasLayout(of: other) {
            Self.add(other.zeroCount, &histogram.zeroCount, &extra.zeroCount)
            addTotals(other, &extra)
            Self.add(other.positiveBuckets, &histogram.positiveBuckets, &extra.positiveBuckets)
            Self.add(other.negativeBuckets, &histogram.negativeBuckets, &extra.negativeBuckets)
        } else if histogram.usesCustomBounds {
            addTotals(other, &extra)
            report.boundsReconciled = addCustom(other, &extra)
        } else {
            var optional: Histogram? = extra
            let otherZero = histogram.reconcileZeroBuckets(with: other, compensation: &optional)
            extra = optional ?? extra
            Self.add(otherZero, &histogram.zeroCount, &extra.zeroCount)
            addTotals(other, &extra)
            addExponential(other, &extra)
        }
        compensation = extra
        return report
    }

    package mutating func multiply(by factor: Double) {
        histogram.multiply(by: factor)
        compensation?.multiply(by: factor)
    }

    package mutating func divide(by divisor: Double) {
        histogram.divide(by: divisor)
        compensation?.divide(by: divisor)
    }

    /// The sum with its compensation added.
    package var total: Histogram {
        guard let compensation else { return histogram }
        var result = histogram
        // The layouts are equal, so this cannot throw; if it did, the plain sum is the answer.
        do { try result.add(compensation) } catch { return histogram }
        return result
    }

    /// Whether any part is ±Inf.
    package var hasOverflow: Bool {
        histogram.zeroCount.isInfinite || histogram.count.isInfinite || histogram.sum.isInfinite
            || histogram.positiveBuckets.contains { $0.isInfinite }
            || histogram.negativeBuckets.contains { $0.isInfinite }
    }

    private static func emptyCompensation(of histogram: Histogram) -> Histogram {
        var empty = histogram
        empty.zeroCount = 0
        empty.count = 0
        empty.sum = 0
        for index in empty.positiveBuckets.indices { empty.positiveBuckets[index] = 0 }
        for index in empty.negativeBuckets.indices { empty.negativeBuckets[index] = 0 }
        return empty
    }

    private mutating func addTotals(_ other: Histogram, _ extra: inout Histogram) {
        Self.add(other.count, &histogram.count, &extra.count)
        Self.add(other.sum, &histogram.sum, &extra.sum)
    }

    private static func add(_ value: Double, _ sum: inout Double, _ compensation: inout Double) {
        var total = KahanSum(sum, compensation)
        total.add(value)
        sum = total.sum
        compensation = total.compensation
    }

    private static func add(
        _ values: [Double], _ sums: inout [Double], _ compensations: inout [Double]
    ) {
        for index in values.indices { add(values[index], &sums[index], &compensations[index]) }
    }

    private mutating func addCustom(_ other: Histogram, _ extra: inout Histogram) -> Bool {
        var left = IndexedBuckets(
            histogram.positiveSpans, histogram.positiveBuckets,
            compensations: extra.positiveBuckets)
        var right = IndexedBuckets(other.positiveSpans, other.positiveBuckets)
        let reconciled = histogram.customBounds != other.customBounds
        if reconciled {
            let shared = Histogram.sharedBounds(histogram.customBounds, other.customBounds)
            left = left.remapped(from: histogram.customBounds, to: shared)
            right = right.remapped(from: other.customBounds, to: shared)
            histogram.customBounds = shared
            extra.customBounds = shared
        }
        var merged = left.compensatedMerge(right, from: .min)
        if reconciled { merged = merged.compacted() }
        histogram.setBuckets(merged, IndexedBuckets())
        extra.setCompensations(merged, IndexedBuckets())
        return reconciled
    }

    private mutating func addExponential(_ other: Histogram, _ extra: inout Histogram) {
        let target = min(histogram.schema, other.schema)
        let firstIndex = Histogram.firstIndex(above: histogram.zeroThreshold, schema: target)
        let positive = IndexedBuckets(
            histogram.positiveSpans, histogram.positiveBuckets,
            compensations: extra.positiveBuckets
        )
        .reduced(from: histogram.schema, to: target)
        .compensatedMerge(
            IndexedBuckets(other.positiveSpans, other.positiveBuckets)
                .reduced(from: other.schema, to: target), from: firstIndex)
        let negative = IndexedBuckets(
            histogram.negativeSpans, histogram.negativeBuckets,
            compensations: extra.negativeBuckets
        )
        .reduced(from: histogram.schema, to: target)
        .compensatedMerge(
            IndexedBuckets(other.negativeSpans, other.negativeBuckets)
                .reduced(from: other.schema, to: target), from: firstIndex)
        histogram.setBuckets(positive, negative)
        histogram.schema = target
        extra.setCompensations(positive, negative)
        extra.schema = target
        extra.zeroThreshold = histogram.zeroThreshold
    }
}

extension IndexedBuckets {
    /// As `merged`, with compensations in the result even where neither side has a bucket with one.
    fileprivate func compensatedMerge(
        _ other: IndexedBuckets, from firstIndex: Int32
    ) -> IndexedBuckets {
        var result = merged(other, sign: 1, from: firstIndex)
        if result.compensations.isEmpty {
            result.compensations = [Double](repeating: 0, count: result.counts.count)
        }
        return result
    }
}
