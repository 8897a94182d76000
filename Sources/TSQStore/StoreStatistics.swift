import TSQBase

/// What a store holds and has done: for `/metrics` and `status/tsdb`.
package struct StoreStatistics: Sendable {
    /// Samples taken since the store was opened.
    package var samplesAppended: UInt64 = 0
    /// Samples refused since the store was opened, by `RefusalReason.rawValue`.
    package var samplesRefused: [String: UInt64] = [:]
    /// Samples that a fault of disk or format made unreadable.
    package var samplesLost: UInt64 = 0
    package var commits: UInt64 = 0
    /// New series refused since the store was opened: the memory limit is reached.
    package var seriesRefused: UInt64 = 0
    package var memory = StoreMemory()
    /// Deletions that can still be undone.
    package var deletionCount = 0
    package var exemplarCount = 0
    /// Since the store was opened.
    package var checkpoints: UInt64 = 0
    package var merges: UInt64 = 0
    /// Bytes that merges have written.
    package var mergedBytes: UInt64 = 0
    /// Blocks and index segments that are set aside: they cannot be opened.
    package var setAsideCount = 0

    package var headSeries = 0
    package var headChunks = 0
    package var headSamples = 0
    /// Of the head; nil when it is empty.
    package var headMinTimeMs: TimestampMs?
    package var headMaxTimeMs: TimestampMs?

    package var blockCount = 0
    package var blockBytes: UInt64 = 0
    package var logBytes: UInt64 = 0
    /// Everything in the directory.
    package var diskBytes: UInt64 = 0
    /// Of everything stored; nil when there is nothing.
    package var minTimeMs: TimestampMs?
    package var maxTimeMs: TimestampMs?

    package init() {}
}

/// The head's labels by weight, as `status/tsdb` shows them: each list largest first.
package struct LabelStatistics: Sendable {
    package struct Entry: Sendable, Equatable {
        package var name: String
        package var value: UInt64

        package init(name: String, value: UInt64) {
            self.name = name
            self.value = value
        }
    }

    package var seriesCount = 0
    package var labelPairCount = 0
    package var seriesCountByMetricName: [Entry] = []
    package var labelValueCountByLabelName: [Entry] = []
    package var memoryBytesByLabelName: [Entry] = []
    /// Names are `name=value`.
    package var seriesCountByLabelValuePair: [Entry] = []

    package init() {}
}
