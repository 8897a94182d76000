/// The samples of one series as columns: the unit that crosses every module boundary.
///
/// Floats and histograms of a series are kept apart, as they are in Prometheus's engine; a series
/// that changes its type has entries in both, at different times.
///
/// - Shape: `times.count == values.count`; `startTimes` is empty, or of the same count.
/// - Order: times ascend strictly within each of the two parts.
/// - Ownership: the caller owns the buffers and passes them `inout`; a producer appends, and
///   `removeAll` keeps the capacity, so that a loop over series allocates nothing.
package struct SampleColumns: Sendable {
    /// Times of the float samples, ms.
    package var times: [TimestampMs] = []
    /// Float values. Stale markers are among them; the reader decides what they mean.
    package var values: [Double] = []
    /// Start times of the float samples, ms; 0 = unknown. Empty when no sample has one.
    package var startTimes: [TimestampMs] = []
    /// The histogram samples.
    package var histograms = HistogramColumns()
    /// Equal non-zero numbers mean: these float times are the same column as another series' of
    /// the same selection, so what was worked out over them (window bounds) can be used again.
    package var timesID: UInt64 = 0
    /// Whether every float value is known to be finite, and so no stale marker. Whoever fills the
    /// columns anew says so or begins with `removeAll`.
    package var areFinite = false

    package init() {}

    package var isEmpty: Bool { times.isEmpty && histograms.isEmpty }

    package mutating func removeAll() {
        times.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        startTimes.removeAll(keepingCapacity: true)
        histograms.removeAll()
        timesID = 0
        areFinite = false
    }
}
