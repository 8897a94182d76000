import TSQBase

/// One native histogram as a value: what the engine computes with.
///
/// - Units: bucket counts are absolute floating-point numbers, in the order of the spans' buckets.
/// - Source: Prometheus model/histogram/float_histogram.go.
package struct Histogram: Sendable, Equatable {
    /// The schema of histograms with custom bounds (NHCB).
    package static let customSchema: Int32 = -53
    package static let exponentialSchemas: ClosedRange<Int32> = -4...8

    package var schema: Int32 = 0
    package var hint: CounterResetHint = .unknown
    package var zeroThreshold: Double = 0
    package var zeroCount: Double = 0
    package var count: Double = 0
    package var sum: Double = 0
    package var positiveSpans: [HistogramSpan] = []
    package var positiveBuckets: [Double] = []
    package var negativeSpans: [HistogramSpan] = []
    package var negativeBuckets: [Double] = []
    /// Upper bounds without +Inf, strictly ascending; only with `customSchema`.
    package var customBounds: [Double] = []

    package init() {}

    package var usesCustomBounds: Bool { schema == Self.customSchema }
    package var isStaleMarker: Bool { StaleMarker.isStale(sum) }
}

extension HistogramColumns {
    /// Appends one sample.
    package mutating func append(
        _ histogram: Histogram, timeMs: TimestampMs, startTimeMs: TimestampMs = 0
    ) {
        if startTimeMs != 0 && startTimes.isEmpty {
            startTimes = [TimestampMs](repeating: 0, count: times.count)
        }
        if startTimeMs != 0 || !startTimes.isEmpty { startTimes.append(startTimeMs) }
        times.append(timeMs)
        schemas.append(Int8(clamping: histogram.schema))
        hints.append(histogram.hint)
        zeroThresholds.append(histogram.zeroThreshold)
        zeroCounts.append(histogram.zeroCount)
        counts.append(histogram.count)
        sums.append(histogram.sum)
        positiveSpans.append(contentsOf: histogram.positiveSpans)
        positiveSpanEnds.append(UInt32(positiveSpans.count))
        negativeSpans.append(contentsOf: histogram.negativeSpans)
        negativeSpanEnds.append(UInt32(negativeSpans.count))
        positiveBuckets.append(contentsOf: histogram.positiveBuckets)
        positiveBucketEnds.append(UInt32(positiveBuckets.count))
        negativeBuckets.append(contentsOf: histogram.negativeBuckets)
        negativeBucketEnds.append(UInt32(negativeBuckets.count))
        customBounds.append(contentsOf: histogram.customBounds)
        customBoundEnds.append(UInt32(customBounds.count))
    }

    /// Sample `index` as a value.
    package func histogram(_ index: Int) -> Histogram {
        var result = Histogram()
        result.schema = Int32(schemas[index])
        result.hint = hints[index]
        result.zeroThreshold = zeroThresholds[index]
        result.zeroCount = zeroCounts[index]
        result.count = counts[index]
        result.sum = sums[index]
        result.positiveSpans = Array(positiveSpans[Self.range(positiveSpanEnds, index)])
        result.negativeSpans = Array(negativeSpans[Self.range(negativeSpanEnds, index)])
        result.positiveBuckets = Array(positiveBuckets[Self.range(positiveBucketEnds, index)])
        result.negativeBuckets = Array(negativeBuckets[Self.range(negativeBucketEnds, index)])
        result.customBounds = Array(customBounds[Self.range(customBoundEnds, index)])
        return result
    }
}
