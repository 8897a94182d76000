import TSQBase

/// What a selector wants to read.
package struct SelectRequest: Sendable {
    package var matchers: [LabelMatcher]
    /// Samples with `fromMs < time <= toMs` will be asked for; series without any may be left out.
    package var fromMs: TimestampMs
    package var toMs: TimestampMs
    /// Whether nobody waits for the series any more: a source that selects for long asks now and then,
    /// and may return what it has so far. Whoever asked for the series looks again and forgets them.
    package var isOver: (@Sendable () -> Bool)?
    /// Only these labels and the metric's name are looked at; nil: all. A source may give more. Series
    /// stay apart, and in the order of all their labels.
    package var labelNames: [String]?

    package init(matchers: [LabelMatcher], fromMs: TimestampMs, toMs: TimestampMs) {
        self.matchers = matchers
        self.fromMs = fromMs
        self.toMs = toMs
    }
}

package enum SourceError: Error, Sendable, Equatable {
    case storage(String)
    /// The series or bytes wanted are beyond what the query may use.
    case limit(String)

    package var message: String {
        switch self {
        case .storage(let text), .limit(let text): text
        }
    }
}

/// The read seam. The HTTP API, rules, federation, the command line and tests read through it.
///
/// Safe from any thread. A call never suspends; it may read the disk.
package protocol SeriesSource: Sendable {
    /// The series that satisfy every matcher, in label order (`LabelSet.isOrderedBefore`), from one
    /// consistent snapshot that the selection holds until it is released. Symbols of the labels are
    /// interned into `symbols`.
    ///
    /// - Complexity: O(series selected + values of the labels matched), never O(all series) for a
    ///   selector with a matcher that needs a non-empty value.
    func select(
        _ request: SelectRequest, symbols: SymbolTable
    ) throws(SourceError) -> any SeriesSelection

    /// The label names of series that have samples in [fromMs, toMs] and satisfy at least one of the
    /// matcher lists (none given: all), sorted bytewise.
    func labelNames(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String]

    /// The values of label `name`, likewise.
    func labelValues(
        _ name: String, matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String]

    /// Exemplars in [fromMs, toMs] of the series that satisfy one of the matcher lists.
    func exemplars(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [(labels: LabelSet, exemplars: [Exemplar])]
}

/// Selected series. One thread at a time calls it; other threads read forks.
package protocol SeriesSelection: AnyObject {
    var labels: SeriesLabels { get }

    /// Replaces `columns` by the samples of series `index` with `fromMs < time <= toMs`, ascending,
    /// stale markers included. No duplicates in time. Reading a series again with later bounds is
    /// cheap: an implementation may keep where it was.
    ///
    /// - Throws: `SourceError.storage` when the samples cannot be read.
    func read(
        _ index: Int, fromMs: TimestampMs, toMs: TimestampMs, into columns: inout SampleColumns
    ) throws(SourceError)

    /// As `read`, where of the samples up to `newestAtMs` only the newest matters: older ones may be
    /// left out.
    func read(
        _ index: Int, fromMs: TimestampMs, newestAtMs: TimestampMs, toMs: TimestampMs,
        into columns: inout SampleColumns
    ) throws(SourceError)

    /// Tells that samples of more than the newest kind will be read soon: what that needs may be
    /// worked out by another thread meanwhile.
    func expectReads()

    /// Another reader of the same series, by the same numbers, of the same snapshot. Reader and fork
    /// may be used by two threads at once; forking is the reader's thread's.
    ///
    /// - Complexity: O(1) but for what keeps a reader's place: no samples and labels are copied.
    func fork() -> any SeriesSelection
}

extension SeriesSelection {
    package var count: Int { labels.count }

    package func expectReads() {}

    package func read(
        _ index: Int, fromMs: TimestampMs, newestAtMs: TimestampMs, toMs: TimestampMs,
        into columns: inout SampleColumns
    ) throws(SourceError) {
        try read(index, fromMs: fromMs, toMs: toMs, into: &columns)
    }
}
