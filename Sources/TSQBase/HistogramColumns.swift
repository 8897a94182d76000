/// Whether a histogram's counts may have been reset since the sample before.
///
/// - Source: Prometheus model/histogram. Kept per sample, so that cutting chunks anywhere never
///   changes a warning.
package enum CounterResetHint: UInt8, Sendable, CaseIterable {
    /// Not known: compare with the sample before.
    case unknown = 0
    /// This sample follows a reset.
    case reset = 1
    /// No reset between the sample before and this one.
    case notReset = 2
    /// A gauge histogram: resets have no meaning.
    case gauge = 3
}

/// `length` consecutive buckets after a gap of `offset` buckets from the end of the span before (for
/// the first span: from bucket 0).
package struct HistogramSpan: Hashable, Sendable {
    package var offset: Int32
    package var length: UInt32

    package init(offset: Int32, length: UInt32) {
        self.offset = offset
        self.length = length
    }
}

/// Native histograms of one series, structure of arrays.
///
/// - Shape: one entry a sample in the plain columns; the variable parts of sample `i` are the slices
///   `ends[i-1]..<ends[i]` of the flat arrays. `startTimes` is empty or of the same count.
/// - Units: times in ms; bucket counts are absolute (no deltas), as floating-point numbers.
/// - Schemas: −4…8 exponential, −53 custom bounds (then `customBounds` has the upper bounds without
///   +Inf and the negative side is empty).
package struct HistogramColumns: Sendable, Equatable {
    package var times: [TimestampMs] = []
    package var startTimes: [TimestampMs] = []
    package var schemas: [Int8] = []
    package var hints: [CounterResetHint] = []
    package var zeroThresholds: [Double] = []
    package var zeroCounts: [Double] = []
    package var counts: [Double] = []
    /// A stale marker here makes the whole sample one.
    package var sums: [Double] = []

    package var positiveSpans: [HistogramSpan] = []
    package var positiveSpanEnds: [UInt32] = []
    package var negativeSpans: [HistogramSpan] = []
    package var negativeSpanEnds: [UInt32] = []
    package var positiveBuckets: [Double] = []
    package var positiveBucketEnds: [UInt32] = []
    package var negativeBuckets: [Double] = []
    package var negativeBucketEnds: [UInt32] = []
    package var customBounds: [Double] = []
    package var customBoundEnds: [UInt32] = []

    package init() {}

    package var count: Int { times.count }
    package var isEmpty: Bool { times.isEmpty }

    package mutating func removeAll() {
        times.removeAll(keepingCapacity: true)
        startTimes.removeAll(keepingCapacity: true)
        schemas.removeAll(keepingCapacity: true)
        hints.removeAll(keepingCapacity: true)
        zeroThresholds.removeAll(keepingCapacity: true)
        zeroCounts.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
        sums.removeAll(keepingCapacity: true)
        positiveSpans.removeAll(keepingCapacity: true)
        positiveSpanEnds.removeAll(keepingCapacity: true)
        negativeSpans.removeAll(keepingCapacity: true)
        negativeSpanEnds.removeAll(keepingCapacity: true)
        positiveBuckets.removeAll(keepingCapacity: true)
        positiveBucketEnds.removeAll(keepingCapacity: true)
        negativeBuckets.removeAll(keepingCapacity: true)
        negativeBucketEnds.removeAll(keepingCapacity: true)
        customBounds.removeAll(keepingCapacity: true)
        customBoundEnds.removeAll(keepingCapacity: true)
    }

    /// The slice of a flat array that belongs to sample `index`.
    @inlinable
    package static func range(_ ends: [UInt32], _ index: Int) -> Range<Int> {
        (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
    }
}
