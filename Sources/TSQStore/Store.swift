import Synchronization
import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// A time-series store in one directory: log, head and blocks under one MANIFEST.
///
/// One store at a time writes a directory; any number read it (`openReadOnly`). All calls are safe
/// from any thread; they may wait for a lock or the disk.
///
/// Locks are taken in this order: `snapshots`, `merges`, `manifest`, `registry`, `core`,
/// `pendingSeries`, the log's own.
package final class Store: Sendable {
    package let directory: String
    package let options: StoreOptions
    let fileSystem: any FileSystem
    let clock: any WallClock
    let events: any EventSink

    /// Held for the whole of a checkpoint.
    let manifest: Guarded<Manifest>
    let registry: Guarded<Registry>
    let core: Guarded<StoreCore>
    /// New series that are not in the log yet: the next commit writes them before its batch.
    let pendingSeries = Guarded<[(ref: UInt32, labels: LabelSet)]>([])
    /// Refs below this have been given.
    let seriesCount: Atomic<UInt32>
    let log: LogWriter
    /// Held while a snapshot is taken; before all others.
    let snapshots = Guarded<Void>(())
    /// Held for the whole of a merge; before `manifest`.
    let merges = Guarded(MergeState())
    let refusals = Guarded(RefusalLog())
    /// Deletions whose space is being given back.
    let compactedDeletions = Guarded<Set<UInt64>>([])
    /// Blocks went since it was looked for series that have no samples any more.
    let registryIsStale = Atomic<Bool>(false)
    let hasIndexDamage = Atomic<Bool>(false)
    let reserveBytesMade = Atomic<UInt64>(0)
    let hasLookedForDeadSeries = Atomic<Bool>(false)
    let openedMs: TimestampMs
    private let directoryLock: any FileLock
    private let closed = Atomic<Bool>(false)
    private let workers = Guarded<[Worker]>([])

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
        let lock = try acquire(directory, fileSystem)
        let opening: StoreOpening
        do throws(StoreError) {
            opening = try Self.opening(directory, options, fileSystem, events)
        } catch {
            lock.unlock()
            throw error
        }
        let store = Store(opening, directory, options, fileSystem, clock, events, lock)
        if opening.needsCheckpoint {
            do throws(StoreError) {
                try store.checkpoint(replacesLog: true)
            } catch {
                store.stopWrites(.unsafeLog, "the log has to be replaced: \(error.message)")
            }
        }
        _ = store.makeReserve()
        if options.runsInBackground { try store.startWorkers() }
        return store
    }

    /// Opens a directory for reading, also one that another process writes right now. It takes no
    /// lock and changes nothing.
    package static func openReadOnly(
        directory: String, fileSystem: any FileSystem = PosixFileSystem(),
        events: any EventSink = NullEventSink()
    ) throws(StoreError) -> ReadOnlyStore {
        try ReadOnlyStore(directory, fileSystem, events)
    }

    private init(
        _ opening: StoreOpening, _ directory: String, _ options: StoreOptions,
        _ fileSystem: any FileSystem, _ clock: any WallClock, _ events: any EventSink,
        _ lock: any FileLock
    ) {
        self.directory = directory
        self.options = options
        self.fileSystem = fileSystem
        self.clock = clock
        self.events = events
        directoryLock = lock
        openedMs = clock.nowMs()
        log = opening.log
        manifest = Guarded(opening.manifest)
        registry = Guarded(opening.replay.registry)
        core = Guarded(opening.replay.core)
        seriesCount = Atomic(opening.replay.registry.nextRef)
    }

    private static func acquire(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StoreError) -> any FileLock {
        do throws(IOError) {
            try fileSystem.makeDurableDirectory(directory)
            for name in ["log"] + Manifest.folders {
                try fileSystem.makeDirectory(Path.join(directory, name))
            }
            if let lock = try fileSystem.lock(Path.join(directory, "lock")) { return lock }
        } catch {
            throw storeError(error)
        }
        throw .locked(
            "\(directory) is in use: another tsq (serve, scrape or import) writes it; "
                + "reading it meanwhile is possible")
    }

    /// On a full disk the reserve is given up: a start needs some bytes.
    private static func opening(
        _ directory: String, _ options: StoreOptions, _ fileSystem: any FileSystem,
        _ events: any EventSink
    ) throws(StoreError) -> StoreOpening {
        do throws(StoreError) {
            return try StoreOpening.run(directory, options, fileSystem, events)
        } catch {
            let reserve = Path.join(directory, "reserve")
            guard case .noSpace = error, (try? fileSystem.remove(reserve)) != nil else {
                throw error
            }
        }
        return try StoreOpening.run(directory, options, fileSystem, events)
    }

    private func startWorkers() throws(StoreError) {
        var started: [Worker?] = []
        if options.syncIntervalMs > 0 {
            started.append(
                Worker(intervalMs: options.syncIntervalMs) { [weak self] in self?.syncLog() })
        }
        // On a thread of its own: a checkpoint must not wait for a merge.
        started.append(
            Worker(intervalMs: Self.maintenanceIntervalMs) { [weak self] in
                self?.maintainInBackground { (store) throws(StoreError) in
                    try store.maintainBlocks()
                }
            })
        started.append(
            Worker(intervalMs: Self.maintenanceIntervalMs) { [weak self] in
                self?.maintainInBackground { (store) throws(StoreError) in
                    try store.maintainHead()
                }
            })
        let running = started.compactMap { $0 }
        workers.withLock { $0 = running }
        if running.count < started.count { throw .storage("the system gives no more threads") }
    }

    /// How often the store looks whether something is to be done, unless it is woken.
    static let maintenanceIntervalMs: Int64 = 1000

    /// Makes everything durable and gives the directory free. Commits are refused from here on.
    package func close() throws(StoreError) { try close(replacesLog: true) }

    private func close(replacesLog: Bool) throws(StoreError) {
        if closed.exchange(true, ordering: .acquiringAndReleasing) { return }
        let running = workers.withLock { workers in
            defer { workers = [] }
            return workers
        }
        for worker in running { worker.stop() }
        let isUnsafe = core.withLock { $0.stop == .unsafeLog }
        stopWrites(.closed, "the store is closed")
        // A checkpoint that somebody else has begun ends before the directory is given free.
        manifest.withLock { _ in }
        defer { directoryLock.unlock() }
        if !isUnsafe || !replacesLog {
            do throws(IOError) {
                return try log.close()
            } catch {
                if !replacesLog { throw .storage(error.message) }
            }
        }
        // The disk refused to say that the log is durable; memory has all of it.
        do throws(IOError) {
            try log.abandonSegment()
        } catch {
            throw .storage("the log cannot be made durable: \(error.message)")
        }
        try checkpointOnClose()
        do throws(IOError) {
            try log.close()
        } catch {
            throw .storage(error.message)
        }
    }

    var isClosed: Bool { closed.load(ordering: .acquiring) }

    // Writes nothing: nobody hears whether that is right, or fails.
    deinit { try? close(replacesLog: false) }

    /// Makes everything acknowledged durable.
    package func sync() throws(StoreError) {
        syncLog()
        if let refusal = core.withLock({ $0.refusal }) { throw .storage(refusal) }
    }

    private func syncLog() {
        if log.syncedEnd >= log.end { return }
        do throws(IOError) {
            try log.sync()
        } catch {
            // After a failed fsync nobody knows what is on the disk: what comes next could be
            // acknowledged and lost.
            stopWrites(
                .unsafeLog, "the log cannot be made durable: \(error.message)")
        }
    }

    func wakeMaintenance() { workers.withLock { $0.last }?.wake() }

    /// Checks what must hold between the parts of the head; for tests. O(everything).
    package func _checkInvariants() {
        core.withLock { $0._checkInvariants() }
    }
}
