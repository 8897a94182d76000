import TSQBase

/// A place in the log of committed batches: ordered, opaque to all but the store.
package struct LogPosition: Hashable, Sendable, Comparable {
    package var segment: UInt64
    package var offset: UInt64

    package init(segment: UInt64, offset: UInt64) {
        self.segment = segment
        self.offset = offset
    }

    package static func < (a: LogPosition, b: LogPosition) -> Bool {
        (a.segment, a.offset) < (b.segment, b.offset)
    }
}

/// What was committed, in order: remote write tails it.
package protocol LogReader: Sendable {
    /// The oldest place that can still be read.
    func oldestPosition() -> LogPosition
    /// Where the next commit will be.
    func endPosition() -> LogPosition

    /// Calls `body` with each batch from `position` on, at most `batchesMax`; answers where to go on.
    /// Batches come as they were committed, refused samples left out. `labels` names the series of a
    /// ref.
    ///
    /// - Throws: `SourceError.storage` for a place that is gone; records that fail their checksum are
    ///   skipped and counted by the store.
    func read(
        from position: LogPosition, batchesMax: Int, _ body: (borrowing WriteBatch) -> Void
    ) throws(SourceError) -> LogPosition

    func labels(of ref: SeriesRef) -> LabelSet?
}
