import TSQBase

/// A series' number in the store that gave it: dense, stable while the store is open.
package struct SeriesRef: Hashable, Sendable {
    package var rawValue: UInt32

    @inlinable
    package init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// The number of a writer whose series are sampled together (one target, one rule group): the store
/// keeps one row group for it. From `SampleAppender.openGroup()`.
package struct WriteGroup: Hashable, Sendable {
    package var rawValue: UInt32

    @inlinable
    package init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// How samples came in; decides what is accepted (issue table: out of order, duplicates, future).
package enum WriteOrigin: Sendable, Equatable {
    /// A page without timestamps: times never go back.
    case scrape
    /// Timestamps from outside: page with timestamps, remote write, OTLP.
    case timestamped
    /// Import or rule back-fill: any time within the retention.
    case backfill(overwrite: Bool)
}

/// One transaction of samples, visible and logged all together.
///
/// - Shape: the *row* is `rowRefs.count == rowValues.count` at `rowTimeMs`: one sample of each of a
///   group's series, in the writer's own order, which stays the same from row to row in the steady
///   state (the store compares it with memcmp and then copies values). The *loose* samples are three
///   columns of equal count with times of their own. Histograms: `histogramRefs.count ==
///   histograms.count`. A stale marker is a value like any other.
/// - Order: loose samples and histograms of one series ascend in time within a batch.
/// - Ownership: the writer keeps and reuses the batch; nothing is retained after `commit`.
package struct WriteBatch: Sendable {
    package var origin: WriteOrigin
    package var group: WriteGroup?
    package var rowTimeMs: TimestampMs = 0
    package var rowRefs: [SeriesRef] = []
    package var rowValues: [Double] = []
    /// Empty, or of the row's count; 0 = unknown.
    package var rowStartTimes: [TimestampMs] = []

    package var refs: [SeriesRef] = []
    package var times: [TimestampMs] = []
    package var values: [Double] = []
    /// Empty, or of the loose samples' count; 0 = unknown.
    package var startTimes: [TimestampMs] = []

    package var histogramRefs: [SeriesRef] = []
    package var histograms = HistogramColumns()

    package var exemplars: [(ref: SeriesRef, exemplar: Exemplar)] = []

    package init(origin: WriteOrigin, group: WriteGroup? = nil) {
        self.origin = origin
        self.group = group
    }

    package var sampleCount: Int { rowRefs.count + refs.count + histogramRefs.count }

    /// Empties the batch and keeps its buffers.
    package mutating func removeAll() {
        rowRefs.removeAll(keepingCapacity: true)
        rowValues.removeAll(keepingCapacity: true)
        rowStartTimes.removeAll(keepingCapacity: true)
        refs.removeAll(keepingCapacity: true)
        times.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        startTimes.removeAll(keepingCapacity: true)
        histogramRefs.removeAll(keepingCapacity: true)
        histograms.removeAll()
        exemplars.removeAll(keepingCapacity: true)
    }
}

/// Why one sample was refused while the rest of its batch went in.
package enum RefusalReason: String, Sendable, CaseIterable {
    /// Older than the series' newest sample and beyond the out-of-order window.
    case outOfOrder = "out_of_order"
    /// Another value at a time that has one.
    case duplicate
    /// Before what the retention keeps.
    case tooOld = "too_old"
    /// More than the allowed time (10 minutes) in the future.
    case future
}

package struct Refusal: Sendable {
    package var ref: SeriesRef
    package var timeMs: TimestampMs
    package var reason: RefusalReason

    package init(ref: SeriesRef, timeMs: TimestampMs, reason: RefusalReason) {
        self.ref = ref
        self.timeMs = timeMs
        self.reason = reason
    }
}

/// What became of a batch.
package struct CommitReport: Sendable {
    /// Refusals beyond this are only counted.
    package static let refusalsListedMax = 100

    package var acceptedCount = 0
    package var refusedCount = 0
    /// The first `refusalsListedMax` refusals.
    package var refusals: [Refusal] = []

    package init() {}

    package mutating func refuse(_ refusal: Refusal) {
        refusedCount += 1
        if refusals.count < Self.refusalsListedMax { refusals.append(refusal) }
    }
}

package enum AppendError: Error, Sendable, Equatable {
    /// The store takes no writes now (full or failing disk, closed); the text says why.
    case readOnly(String)
    /// A new series beyond the memory limit or a series limit.
    case seriesLimit(String)
    /// Labels that cannot be stored: empty, not sorted, name missing, too long.
    case invalidLabels(String)
    case storage(String)

    package var message: String {
        switch self {
        case .readOnly(let text), .seriesLimit(let text), .invalidLabels(let text),
            .storage(let text):
            text
        }
    }
}

/// The write seam. Scrape, import, remote write and rules write through it; a store implements it.
///
/// All calls are safe from any thread. They do not suspend and may wait for a lock, so they belong on
/// threads that may block, not on an event loop.
package protocol SampleAppender: Sendable {
    /// The number of the series with these labels, registered if it is new. Writers keep the answer:
    /// this is the slow path.
    ///
    /// A ref stays valid while the store is open; a store that drops a series' last sample keeps or
    /// re-creates what the ref names.
    func resolve(_ labels: LabelSet) throws(AppendError) -> SeriesRef

    /// A new row group. Close it when its writer ends.
    func openGroup() -> WriteGroup
    func closeGroup(_ group: WriteGroup)

    /// Logs and applies `batch` as one transaction: readers see all of it or nothing; after a return
    /// it survives the death of the process, and a power cut after the sync interval.
    ///
    /// - Throws: `AppendError` when nothing of the batch was taken. Single samples that were refused
    ///   are in the report.
    func commit(_ batch: borrowing WriteBatch) throws(AppendError) -> CommitReport
}
