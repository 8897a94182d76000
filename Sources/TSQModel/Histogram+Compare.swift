import TSQBase

extension Histogram {
    /// Whether both hold the same data: same layout, same bits in every count. Hints do not matter.
    ///
    /// - Source: Prometheus model/histogram, Equals.
    package func hasSameData(as other: Histogram) -> Bool {
        guard
            schema == other.schema, count.bitPattern == other.count.bitPattern,
            sum.bitPattern == other.sum.bitPattern, zeroThreshold == other.zeroThreshold,
            zeroCount.bitPattern == other.zeroCount.bitPattern
        else { return false }
        if usesCustomBounds && customBounds != other.customBounds { return false }
        return Self.equalBits(positiveBuckets, other.positiveBuckets)
            && Self.equalBits(negativeBuckets, other.negativeBuckets)
            && Self.withoutEmpty(positiveSpans) == Self.withoutEmpty(other.positiveSpans)
            && Self.withoutEmpty(negativeSpans) == Self.withoutEmpty(other.negativeSpans)
    }

    private static func equalBits(_ a: [Double], _ b: [Double]) -> Bool {
        guard a.count == b.count else { return false }
        for index in a.indices where a[index].bitPattern != b[index].bitPattern { return false }
        return true
    }

    private static func withoutEmpty(_ spans: [HistogramSpan]) -> [HistogramSpan] {
        guard spans.contains(where: { $0.length == 0 }) else { return spans }
        var result: [HistogramSpan] = []
        var offset: Int32 = 0
        for span in spans {
            offset &+= span.offset
            if span.length == 0 { continue }
            result.append(HistogramSpan(offset: offset, length: span.length))
            offset = 0
        }
        return result
    }

    /// Whether the counter was reset between `previous` and this histogram: the hint decides where
    /// it is known, else any count that went down, a finer schema or a narrower zero bucket.
    ///
    /// - Source: Prometheus model/histogram, DetectReset.
    package func detectsReset(since previous: Histogram) -> Bool {
        switch hint {
        case .reset: return true
        case .notReset: return false
        case .unknown, .gauge: break
        }
        if count < previous.count { return true }
        if usesCustomBounds {
            if !previous.usesCustomBounds { return true }
            return detectsCustomReset(since: previous)
        }
        if schema > previous.schema || zeroThreshold < previous.zeroThreshold { return true }
        let wider = previous.zeroCount(forLargerThreshold: zeroThreshold, compensation: nil)
        if wider.threshold != zeroThreshold || zeroCount < wider.count.sum { return true }
        let firstIndex = Self.firstIndex(above: zeroThreshold, schema: schema)
        return Self.anyDecrease(
            IndexedBuckets(positiveSpans, positiveBuckets),
            since: IndexedBuckets(previous.positiveSpans, previous.positiveBuckets)
                .reduced(from: previous.schema, to: schema), from: firstIndex)
            || Self.anyDecrease(
                IndexedBuckets(negativeSpans, negativeBuckets),
                since: IndexedBuckets(previous.negativeSpans, previous.negativeBuckets)
                    .reduced(from: previous.schema, to: schema), from: firstIndex)
    }

    private func detectsCustomReset(since previous: Histogram) -> Bool {
        let current = IndexedBuckets(positiveSpans, positiveBuckets)
        let before = IndexedBuckets(previous.positiveSpans, previous.positiveBuckets)
        if customBounds == previous.customBounds {
            return Self.anyDecrease(current, since: before, from: .min)
        }
        let shared = Self.sharedBounds(customBounds, previous.customBounds)
        return Self.anyDecrease(
            current.remapped(from: customBounds, to: shared),
            since: before.remapped(from: previous.customBounds, to: shared), from: .min)
    }

    /// A populated bucket that is missing now, or a count that is smaller now.
    private static func anyDecrease(
        _ current: IndexedBuckets, since previous: IndexedBuckets, from firstIndex: Int32
    ) -> Bool {
        var position = 0
        for index in previous.indexes.indices {
            let bucket = previous.indexes[index]
            if bucket < firstIndex { continue }
            while position < current.indexes.count && current.indexes[position] < bucket {
                position += 1
            }
            if position < current.indexes.count && current.indexes[position] == bucket {
                if current.counts[position] < previous.counts[index] { return true }
            } else if previous.counts[index] != 0 {
                return true
            }
        }
        return false
    }
}
