import TSQBase
import TSQModel

/// Collects the `_bucket`, `_sum` and `_count` series of classic histograms and turns them into
/// native histograms with custom bounds (`load_with_nhcb`).
struct ClassicHistogramCollector {
    private struct Parts {
        /// Cumulative count by upper bound.
        var buckets: [Double: Double] = [:]
        var sum: Double = 0
        var count: Double?
    }

    private var histograms: [LabelSet: [TimestampMs: Parts]] = [:]

    mutating func add(_ labels: LabelSet, _ value: Double, timeMs: TimestampMs) {
        guard let name = labels.metricName else { return }
        func base(_ suffix: String) -> LabelSet {
            var result = labels
            result[LabelName.metricName] = String(name.dropLast(suffix.count))
            result[LabelName.bucketBound] = nil
            return result
        }
        if name.hasSuffix("_bucket") {
            guard let bound = try? DecimalParse.double(labels[LabelName.bucketBound] ?? ""),
                !bound.isNaN
            else { return }
            histograms[base("_bucket"), default: [:]][timeMs, default: Parts()].buckets[bound] =
                value
        } else if name.hasSuffix("_count") {
            histograms[base("_count"), default: [:]][timeMs, default: Parts()].count = value
        } else if name.hasSuffix("_sum") {
            histograms[base("_sum"), default: [:]][timeMs, default: Parts()].sum = value
        }
    }

    /// - Throws: when cumulative counts go down.
    func converted() throws(ScriptSyntaxError) -> [(LabelSet, TimestampMs, Histogram)] {
        var result: [(LabelSet, TimestampMs, Histogram)] = []
        for (labels, points) in histograms {
            for (timeMs, parts) in points {
                result.append((labels, timeMs, try Self.histogram(parts)))
            }
        }
        return result
    }

    private static func histogram(_ parts: Parts) throws(ScriptSyntaxError) -> Histogram {
        var buckets = parts.buckets.sorted { $0.key < $1.key }
        let count = parts.count ?? buckets.last?.value ?? 0
        if buckets.last?.key != .infinity { buckets.append((.infinity, count)) }
        var histogram = Histogram()
        histogram.schema = Histogram.customSchema
        histogram.sum = parts.sum
        histogram.count = count
        histogram.customBounds = buckets.dropLast().map(\.key)
        var previous = 0.0
        for bucket in buckets {
            guard bucket.value >= previous else {
                throw ScriptSyntaxError("the counts of a classic histogram's buckets go down")
            }
            histogram.positiveBuckets.append(bucket.value - previous)
            previous = bucket.value
        }
        histogram.positiveSpans = [HistogramSpan(offset: 0, length: UInt32(buckets.count))]
        return histogram
    }
}
