import TSQBase
import TSQIO
import TSQModel

/// A time-series store in one directory: log, head and blocks under one MANIFEST.
///
/// One store at a time writes a directory; any number read it (`openReadOnly`). All calls are safe
/// from any thread; they may wait for a lock or the disk.
package final class Store: Sendable {
    package let directory: String
    package let options: StoreOptions

    /// Opens a directory for writing, and makes it where it is missing. What the log holds beyond
    /// the last checkpoint is replayed before this returns.
    ///
    /// - Throws: `.locked` when another store writes the directory; `.storage`, `.format`. Damaged
    ///   log records and blocks are no error: they are set aside, named in the log and counted.
    package static func open(
        directory: String, options: StoreOptions = StoreOptions(),
        fileSystem: any FileSystem = PosixFileSystem(), clock: any WallClock = SystemClock(),
        events: any EventSink = NullEventSink()
    ) throws(StoreError) -> Store {
        throw .format("opening is not there yet")
    }

    /// Opens a directory for reading, also one that another process writes right now. It takes no
    /// lock and changes nothing.
    package static func openReadOnly(
        directory: String, fileSystem: any FileSystem = PosixFileSystem(),
        events: any EventSink = NullEventSink()
    ) throws(StoreError) -> ReadOnlyStore {
        throw .format("opening is not there yet")
    }

    private init(directory: String, options: StoreOptions) {
        self.directory = directory
        self.options = options
    }

    /// Makes everything durable and gives the directory free. Commits are refused from here on.
    package func close() throws(StoreError) {}

    package func statistics() -> StoreStatistics { StoreStatistics() }

    /// The head's labels; each list has at most `limit` entries.
    package func labelStatistics(limit: Int) -> LabelStatistics { LabelStatistics() }
}

/// A consistent view of a directory that another process may be writing.
package final class ReadOnlyStore: Sendable {
    package let directory: String

    init(directory: String) { self.directory = directory }

    /// Takes in what was written since the view was made.
    package func refresh() throws(StoreError) {}

    package func statistics() -> StoreStatistics { StoreStatistics() }
}
