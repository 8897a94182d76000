import TSQBase
import TSQModel

/// What of a batch goes into log and head: no refusals in it, the row in the shape of its layout.
struct AcceptedBatch: Sendable {
    var origin: WriteOrigin = .scrape
    var rowLayout: RowLayout?
    var rowTimeMs: TimestampMs = 0
    /// At most as many as the layout has columns; `RowLayout.absentBits` where there is no sample.
    var rowValues: [Double] = []
    /// Empty, or of the row's count.
    var rowStartTimes: [TimestampMs] = []
    /// Samples in the row.
    var rowPresentCount = 0
    var loose = LooseSamples()
    var histogramRefs: [SeriesRef] = []
    var histograms = HistogramColumns()
    var exemplars: [(ref: SeriesRef, exemplar: Exemplar)] = []

    var isEmpty: Bool {
        rowLayout == nil && loose.count == 0 && histogramRefs.isEmpty && exemplars.isEmpty
    }

    var sampleCount: Int { rowPresentCount + loose.count + histogramRefs.count }
}
