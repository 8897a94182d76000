import TSQBase

/// How a store keeps and accepts samples.
package struct StoreOptions: Sendable {
    /// Samples older than this before the smaller of now and the newest sample go. `Int64.max`:
    /// keep everything.
    package var retentionMs: Int64 = 15 * 86_400_000
    /// The directory keeps below this many bytes (snapshots apart); 0: any number.
    package var retentionBytes: UInt64 = 0
    /// The directory keeps below this share (0…1) of the file system's size; 0: any.
    package var retentionDiskShare = 0.0
    /// Bytes of a file that is given up when the disk is full, so that the store can go on to
    /// checkpoint, delete and remove blocks: at most this many, a sixteenth of the blocks; 0: none.
    package var reserveBytes: UInt64 = 8 << 20
    /// What head, caches and queries may take together; 0: no limit. The store's share of it is
    /// `MemoryShares.storeBytes`.
    package var memoryLimitBytes: UInt64 = 0
    /// The log is made durable this often; 0: before a commit returns.
    package var syncIntervalMs: Int64 = 1000
    /// The head is cut into blocks of about this length.
    package var blockRangeMs: Int64 = 2 * 3_600_000
    /// Samples further in the future are refused.
    package var futureToleranceMs: Int64 = 10 * 60_000
    /// How far behind a series' newest sample timestamped samples may be.
    package var outOfOrderWindowMs: Int64 = 3_600_000
    /// The head is checkpointed when the log has grown by this much since the last time.
    package var checkpointLogBytes: UInt64 = 8 << 20
    /// A log segment ends after this many bytes.
    package var logSegmentBytes: UInt64 = 4 << 20
    /// Background merges read and write at most this many bytes a second; 0: any number.
    package var mergeBytesPerSecond: UInt64 = 64 << 20
    /// A deletion can be undone for this long; then its space is given back.
    package var deletionUndoMs: Int64 = 24 * 3_600_000
    /// Exemplars kept in memory, oldest dropped first; 0: none.
    package var exemplarsMax = 100_000
    /// Checkpoints, block cuts and syncs by threads of the store. Off: only by `maintain()` (tests).
    package var runsInBackground = true

    package init() {}
}

/// Why a store could not be opened or closed.
package enum StoreError: Error, Sendable, Equatable {
    /// Another process (or store) writes this directory.
    case locked(String)
    /// The disk refused; the text names operation and path.
    case storage(String)
    /// The directory is no store, or of a format this version does not know.
    case format(String)
    /// The disk has no room left.
    case noSpace(String)
    /// The request makes no sense, or names what is not there.
    case invalid(String)

    package var message: String {
        switch self {
        case .locked(let text), .storage(let text), .format(let text), .noSpace(let text),
            .invalid(let text):
            text
        }
    }
}
