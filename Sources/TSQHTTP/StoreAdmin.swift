import TSQBase
import TSQModel

/// What the admin endpoints do to the store. All calls may wait for the disk.
package struct StoreAdmin: Sendable {
    /// What a deletion covers.
    package struct Deletion: Sendable {
        /// By which it can be undone; nil where nothing was hidden.
        package var id: UInt64?
        package var seriesCount: UInt64
        package var sampleCount: UInt64

        package init(id: UInt64?, seriesCount: UInt64, sampleCount: UInt64) {
            self.id = id
            self.seriesCount = seriesCount
            self.sampleCount = sampleCount
        }
    }

    /// A deletion whose samples are still on the disk.
    package struct PendingDeletion: Sendable {
        package var id: UInt64
        package var selector: String
        package var fromMs: TimestampMs
        package var toMs: TimestampMs
        package var madeMs: TimestampMs
        package var seriesCount: UInt64
        package var sampleCount: UInt64

        package init(
            id: UInt64, selector: String, fromMs: TimestampMs, toMs: TimestampMs,
            madeMs: TimestampMs, seriesCount: UInt64, sampleCount: UInt64
        ) {
            self.id = id
            self.selector = selector
            self.fromMs = fromMs
            self.toMs = toMs
            self.madeMs = madeMs
            self.seriesCount = seriesCount
            self.sampleCount = sampleCount
        }
    }

    package struct Failure: Error {
        package var message: String
        /// The request names something that is not there.
        package var isRequest: Bool

        package init(_ message: String, isRequest: Bool = false) {
            self.message = message
            self.isRequest = isRequest
        }
    }

    package var delete:
        @Sendable (
            _ matchers: [[LabelMatcher]], _ fromMs: TimestampMs, _ toMs: TimestampMs,
            _ isDryRun: Bool
        ) throws(Failure) -> Deletion
    package var deletions: @Sendable () -> [PendingDeletion]
    package var undo: @Sendable (_ id: UInt64) throws(Failure) -> Void
    /// Gives the space of deleted samples back now.
    package var clean: @Sendable () throws(Failure) -> Void
    /// - Returns: the snapshot's name.
    package var snapshot: @Sendable (_ includesHead: Bool) throws(Failure) -> String

    package init(
        delete:
            @escaping @Sendable (
                _ matchers: [[LabelMatcher]], _ fromMs: TimestampMs, _ toMs: TimestampMs,
                _ isDryRun: Bool
            ) throws(Failure) -> Deletion,
        deletions: @escaping @Sendable () -> [PendingDeletion],
        undo: @escaping @Sendable (_ id: UInt64) throws(Failure) -> Void,
        clean: @escaping @Sendable () throws(Failure) -> Void,
        snapshot: @escaping @Sendable (_ includesHead: Bool) throws(Failure) -> String
    ) {
        self.delete = delete
        self.deletions = deletions
        self.undo = undo
        self.clean = clean
        self.snapshot = snapshot
    }
}

/// Numbers of a store's head for `status/tsdb`.
package struct HeadStatus: Sendable {
    package typealias Entry = (name: String, value: UInt64)

    package var seriesCount = 0
    package var labelPairCount = 0
    package var chunkCount = 0
    package var minTimeMs: TimestampMs = .max
    package var maxTimeMs: TimestampMs = .min
    package var seriesCountByMetricName: [Entry] = []
    package var labelValueCountByLabelName: [Entry] = []
    package var memoryInBytesByLabelName: [Entry] = []
    package var seriesCountByLabelValuePair: [Entry] = []

    package init() {}
}
