import TSQBase

/// How a store keeps and accepts samples.
package struct StoreOptions: Sendable {
    /// Samples older than this before the smaller of now and the newest sample go. `Int64.max`:
    /// keep everything.
    package var retentionMs: Int64 = 15 * 86_400_000
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

    package var message: String {
        switch self {
        case .locked(let text), .storage(let text), .format(let text): text
        }
    }
}
