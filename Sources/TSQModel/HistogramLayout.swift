import TSQBase

/// One side's buckets by index, the form in which layouts are changed and merged.
///
/// - Shape: `indexes.count == counts.count`, indexes ascend strictly. `compensations` is empty, or
///   of the same count: what Kahan–Neumaier summation still has to add to each count.
struct IndexedBuckets: Sendable {
    var indexes: [Int32] = []
    var counts: [Double] = []
    var compensations: [Double] = []

    init() {}

    init(_ spans: [HistogramSpan], _ buckets: [Double], compensations: [Double]? = nil) {
        indexes.reserveCapacity(buckets.count)
        counts.reserveCapacity(buckets.count)
        Histogram.forEach(spans, buckets) {
            indexes.append($0)
            counts.append($1)
        }
        if let compensations {
            self.compensations = compensations
            padCompensations()
        }
    }

    var isCompensated: Bool { !compensations.isEmpty }

    private mutating func padCompensations() {
        while compensations.count < counts.count { compensations.append(0) }
        compensations.removeLast(compensations.count - counts.count)
    }

    mutating func append(_ index: Int32, _ count: Double, _ compensation: Double?) {
        indexes.append(index)
        counts.append(count)
        if let compensation { compensations.append(compensation) }
    }

    /// Spans for runs of neighbouring indexes.
    var spans: [HistogramSpan] {
        var result: [HistogramSpan] = []
        var next: Int32 = 0
        for index in indexes {
            if !result.isEmpty && index == next {
                result[result.count - 1].length += 1
            } else {
                result.append(HistogramSpan(offset: index &- next, length: 1))
            }
            next = index &+ 1
        }
        return result
    }

    /// Buckets of a coarser schema; what falls together is added in order.
    func reduced(from schema: Int32, to target: Int32) -> IndexedBuckets {
        if schema == target { return self }
        let shift = schema - target
        var result = IndexedBuckets()
        for position in indexes.indices {
            let index = ((indexes[position] &- 1) >> shift) &+ 1
            if let last = result.indexes.last, last == index {
                let slot = result.counts.count - 1
                if isCompensated {
                    var sum = KahanSum(result.counts[slot], result.compensations[slot])
                    sum.add(counts[position])
                    sum.add(compensations[position])
                    result.counts[slot] = sum.sum
                    result.compensations[slot] = sum.compensation
                } else {
                    result.counts[slot] += counts[position]
                }
            } else {
                result.append(
                    index, counts[position], isCompensated ? compensations[position] : nil)
            }
        }
        return result
    }

    /// Every bucket of both; `other`'s are multiplied by `sign` and added. Buckets of `other` below
    /// `firstIndex` lie in the zero bucket and are left out.
    func merged(_ other: IndexedBuckets, sign: Double, from firstIndex: Int32) -> IndexedBuckets {
        var result = IndexedBuckets()
        result.indexes.reserveCapacity(indexes.count + other.indexes.count)
        result.counts.reserveCapacity(indexes.count + other.indexes.count)
        let compensated = isCompensated || other.isCompensated
        var (left, right) = (0, 0)
        while right < other.indexes.count && other.indexes[right] < firstIndex { right += 1 }
        while left < indexes.count || right < other.indexes.count {
            let takesLeft =
                right == other.indexes.count
                || (left < indexes.count && indexes[left] <= other.indexes[right])
            let takesRight =
                left == indexes.count
                || (right < other.indexes.count && other.indexes[right] <= indexes[left])
            var sum = KahanSum(0, 0)
            let index = takesLeft ? indexes[left] : other.indexes[right]
            if takesLeft {
                sum = KahanSum(counts[left], isCompensated ? compensations[left] : 0)
            }
            if takesRight {
                let count = other.counts[right] * sign
                let compensation = other.isCompensated ? other.compensations[right] * sign : 0
                if !takesLeft {
                    sum = KahanSum(count, compensation)
                } else if compensated {
                    sum.add(count)
                    sum.add(compensation)
                } else {
                    sum.sum += count
                }
                right += 1
            }
            if takesLeft { left += 1 }
            result.append(index, sum.sum, compensated ? sum.compensation : nil)
        }
        return result
    }

    /// Without buckets that are empty (count and compensation).
    func compacted() -> IndexedBuckets {
        var result = IndexedBuckets()
        for position in indexes.indices {
            let compensation = isCompensated ? compensations[position] : 0
            if counts[position] == 0 && compensation == 0 { continue }
            result.append(indexes[position], counts[position], isCompensated ? compensation : nil)
        }
        return result
    }
}

/// A sum with its Kahan–Neumaier compensation.
///
/// - Source: Prometheus util/kahansum: an infinite intermediate sum drops the compensation.
package struct KahanSum: Sendable {
    package var sum: Double
    package var compensation: Double

    @inlinable
    package init(_ sum: Double = 0, _ compensation: Double = 0) {
        self.sum = sum
        self.compensation = compensation
    }

    @inlinable
    package mutating func add(_ value: Double) {
        let total = sum + value
        if total.isInfinite {
            compensation = 0
        } else if sum.magnitude >= value.magnitude {
            compensation += (sum - total) + value
        } else {
            compensation += (value - total) + sum
        }
        sum = total
    }
}

extension Histogram {
    /// Drops empty buckets at the ends of spans, keeps runs of at most `maxEmptyBuckets` empty ones
    /// inside a span, and merges spans that are no further apart.
    package mutating func compact(maxEmptyBuckets: Int = 0) {
        Self.compact(&positiveSpans, &positiveBuckets, maxEmptyBuckets)
        Self.compact(&negativeSpans, &negativeBuckets, maxEmptyBuckets)
    }

    package func compacted(maxEmptyBuckets: Int = 0) -> Histogram {
        var copy = self
        copy.compact(maxEmptyBuckets: maxEmptyBuckets)
        return copy
    }

    private static func compact(
        _ spans: inout [HistogramSpan], _ buckets: inout [Double], _ maxEmpty: Int
    ) {
        if maxEmpty == 0 && isCompact(spans, buckets) { return }
        let populated = IndexedBuckets(spans, buckets).compacted()
        guard maxEmpty > 0 else {
            spans = populated.spans
            buckets = populated.counts
            return
        }
        var filled = IndexedBuckets()
        for position in populated.indexes.indices {
            if let last = filled.indexes.last {
                let gap = Int(populated.indexes[position]) - Int(last) - 1
                if gap > 0 && gap <= maxEmpty {
                    for step in 1...gap { filled.append(last &+ Int32(step), 0, nil) }
                }
            }
            filled.append(populated.indexes[position], populated.counts[position], nil)
        }
        spans = filled.spans
        buckets = filled.counts
    }

    private static func isCompact(_ spans: [HistogramSpan], _ buckets: [Double]) -> Bool {
        var total = 0
        for (position, span) in spans.enumerated() {
            if span.length == 0 || (position > 0 && span.offset == 0) { return false }
            total += Int(span.length)
        }
        return total == buckets.count && !buckets.contains(0)
    }

    /// A copy with the buckets of a coarser exponential schema.
    package func reduced(toSchema target: Int32) -> Histogram {
        precondition(
            !usesCustomBounds && target <= schema && target != Self.customSchema,
            "BUG: a histogram can only be reduced to a coarser exponential schema")
        if target == schema { return self }
        var copy = self
        let positive = IndexedBuckets(positiveSpans, positiveBuckets)
            .reduced(from: schema, to: target)
        let negative = IndexedBuckets(negativeSpans, negativeBuckets)
            .reduced(from: schema, to: target)
        copy.positiveSpans = positive.spans
        copy.positiveBuckets = positive.counts
        copy.negativeSpans = negative.spans
        copy.negativeBuckets = negative.counts
        copy.schema = target
        copy.hint = .unknown
        return copy
    }
}
