import TSQBase

/// Rows of an ascending time column.
enum TimeRange {
    /// The rows with `fromMs < time <= toMs`.
    static func rows(
        _ times: [TimestampMs], fromMs: TimestampMs, toMs: TimestampMs
    ) -> Range<Int> {
        let low = firstIndex(times, after: fromMs)
        let high = max(low, firstIndex(times, after: toMs))
        return low..<high
    }

    /// The first row whose time is larger than `timeMs`.
    static func firstIndex(_ times: [TimestampMs], after timeMs: TimestampMs) -> Int {
        if let last = times.last, last <= timeMs { return times.count }
        if let first = times.first, first > timeMs { return 0 }
        var low = 0
        var high = times.count
        while low < high {
            let middle = (low + high) / 2
            if times[middle] <= timeMs { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The row with exactly this time.
    static func index(_ times: [TimestampMs], of timeMs: TimestampMs) -> Int? {
        let next = firstIndex(times, after: timeMs)
        return next > 0 && times[next - 1] == timeMs ? next - 1 : nil
    }
}

extension SampleColumns {
    /// Fills the start times of earlier samples that have none.
    mutating func padStartTimes(to count: Int) {
        while startTimes.count < count { startTimes.append(0) }
    }

    mutating func appendFloat(
        _ timeMs: TimestampMs, _ value: Double, startTimeMs: TimestampMs = 0
    ) {
        if startTimeMs != 0 || !startTimes.isEmpty {
            padStartTimes(to: times.count)
            startTimes.append(startTimeMs)
        }
        times.append(timeMs)
        values.append(value)
    }
}

extension HistogramColumns {
    /// Appends the samples `range` of `other`.
    mutating func append(_ other: HistogramColumns, _ range: Range<Int>) {
        for index in range { append(other, index) }
    }

    /// Appends sample `index` of `other`.
    mutating func append(_ other: HistogramColumns, _ index: Int) {
        let start = other.startTimes.isEmpty ? 0 : other.startTimes[index]
        if start != 0 || !startTimes.isEmpty {
            while startTimes.count < times.count { startTimes.append(0) }
            startTimes.append(start)
        }
        times.append(other.times[index])
        schemas.append(other.schemas[index])
        hints.append(other.hints[index])
        zeroThresholds.append(other.zeroThresholds[index])
        zeroCounts.append(other.zeroCounts[index])
        counts.append(other.counts[index])
        sums.append(other.sums[index])
        positiveSpans.append(
            contentsOf: other.positiveSpans[Self.range(other.positiveSpanEnds, index)])
        positiveSpanEnds.append(UInt32(positiveSpans.count))
        negativeSpans.append(
            contentsOf: other.negativeSpans[Self.range(other.negativeSpanEnds, index)])
        negativeSpanEnds.append(UInt32(negativeSpans.count))
        positiveBuckets.append(
            contentsOf: other.positiveBuckets[Self.range(other.positiveBucketEnds, index)])
        positiveBucketEnds.append(UInt32(positiveBuckets.count))
        negativeBuckets.append(
            contentsOf: other.negativeBuckets[Self.range(other.negativeBucketEnds, index)])
        negativeBucketEnds.append(UInt32(negativeBuckets.count))
        customBounds.append(
            contentsOf: other.customBounds[Self.range(other.customBoundEnds, index)])
        customBoundEnds.append(UInt32(customBounds.count))
    }

    /// Whether sample `index` of `self` is, bit for bit, sample `otherIndex` of `other`.
    func isIdentical(_ index: Int, _ other: HistogramColumns, _ otherIndex: Int) -> Bool {
        func bits(_ values: [Double], _ ends: [UInt32], _ index: Int) -> [UInt64] {
            values[Self.range(ends, index)].map(\.bitPattern)
        }
        let (a, b) = (self, other)
        return a.times[index] == b.times[otherIndex] && a.schemas[index] == b.schemas[otherIndex]
            && a.counts[index].bitPattern == b.counts[otherIndex].bitPattern
            && a.sums[index].bitPattern == b.sums[otherIndex].bitPattern
            && a.zeroCounts[index].bitPattern == b.zeroCounts[otherIndex].bitPattern
            && a.zeroThresholds[index].bitPattern == b.zeroThresholds[otherIndex].bitPattern
            && a.positiveSpans[Self.range(a.positiveSpanEnds, index)]
                == b.positiveSpans[Self.range(b.positiveSpanEnds, otherIndex)]
            && a.negativeSpans[Self.range(a.negativeSpanEnds, index)]
                == b.negativeSpans[Self.range(b.negativeSpanEnds, otherIndex)]
            && bits(a.positiveBuckets, a.positiveBucketEnds, index)
                == bits(b.positiveBuckets, b.positiveBucketEnds, otherIndex)
            && bits(a.negativeBuckets, a.negativeBucketEnds, index)
                == bits(b.negativeBuckets, b.negativeBucketEnds, otherIndex)
            && bits(a.customBounds, a.customBoundEnds, index)
                == bits(b.customBounds, b.customBoundEnds, otherIndex)
    }
}
