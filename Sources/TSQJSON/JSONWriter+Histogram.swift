import TSQBase
import TSQModel

extension JSONWriter {
    /// `{"count":"…","sum":"…","buckets":[[rule,"left","right","count"],…]}`, buckets ascending, empty
    /// ones left out. Rules: 0 = (l,r], 1 = [l,r), 2 = (l,r), 3 = [l,r].
    package mutating func histogram(_ histogram: Histogram) {
        raw("{\"count\":")
        sampleValue(histogram.count)
        raw(",\"sum\":")
        sampleValue(histogram.sum)
        var any = false
        func bucket(_ rule: Int, _ left: Double, _ right: Double, _ count: Double) {
            if count == 0 { return }
            any ? raw(",") : raw(",\"buckets\":[")
            any = true
            raw("[")
            int(rule)
            raw(",")
            sampleValue(left)
            raw(",")
            sampleValue(right)
            raw(",")
            sampleValue(count)
            raw("]")
        }
        let negative = Self.indices(histogram.negativeSpans, histogram.negativeBuckets)
        for (index, count) in negative.reversed() {
            bucket(
                1, -histogram.upperBound(index), -histogram.upperBound(index - 1),
                count)
        }
        if histogram.zeroCount > 0 {
            bucket(3, -histogram.zeroThreshold, histogram.zeroThreshold, histogram.zeroCount)
        }
        for (index, count) in Self.indices(histogram.positiveSpans, histogram.positiveBuckets) {
            if histogram.usesCustomBounds {
                let bounds = histogram.customBounds
                bucket(
                    index == 0 ? 3 : 0,
                    index == 0 ? -.infinity : bounds[min(Int(index), bounds.count) - 1],
                    Int(index) < bounds.count ? bounds[Int(index)] : .infinity, count)
            } else {
                bucket(
                    0, histogram.upperBound(index - 1),
                    histogram.upperBound(index), count)
            }
        }
        if any { raw("]") }
        raw("}")
    }

    /// Bucket numbers and counts of one side, ascending.
    private static func indices(
        _ spans: [HistogramSpan], _ buckets: [Double]
    ) -> [(index: Int32, count: Double)] {
        var result: [(index: Int32, count: Double)] = []
        var index: Int32 = 0
        for span in spans {
            index += span.offset
            for _ in 0..<span.length {
                guard result.count < buckets.count else { return result }
                result.append((index, buckets[result.count]))
                index += 1
            }
        }
        return result
    }
}
