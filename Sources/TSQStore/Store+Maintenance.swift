import Synchronization
import TSQBase
import TSQIO
import TSQIndex
import TSQModel

extension Store {
    /// Does what is due: checkpoint, retention, deletions, merges. Tests call this where background
    /// work is off.
    package func maintain() throws(StoreError) {
        try maintainHead()
        try maintainBlocks()
    }

    /// What must not wait for a merge.
    func maintainHead() throws(StoreError) {
        recover()
        let nowMs = clock.nowMs()
        if core.withLock({ $0.checkpointIsDue(nowMs: nowMs) }) { try checkpoint() }
        try applyRetention(nowMs: nowMs)
    }

    func maintainBlocks() throws(StoreError) {
        let nowMs = clock.nowMs()
        // Also what was interrupted: it cannot be undone any more.
        let begun = manifest.withLock { $0.begunDeletions }
        try compactDeletions {
            begun.contains($0.file) || $0.isDue(nowMs: nowMs, undoMs: options.deletionUndoMs)
        }
        while try mergeBlocks() {}
        // Once while the store is open also for what an earlier writer left.
        let (age, overflow) = nowMs.subtractingReportingOverflow(openedMs)
        if !overflow, age >= Self.deadSeriesAfterMs,
            !hasLookedForDeadSeries.exchange(true, ordering: .relaxed)
        {
            registryIsStale.store(true, ordering: .relaxed)
        }
        try dropDeadSeries()
    }

    /// How long after its opening a store looks for dead series without another cause: that reads
    /// the entries of all pages.
    static let deadSeriesAfterMs: Int64 = 3_600_000

    /// Runs one of the above on a thread of the store; says errors in the log, a lasting one now and
    /// then.
    func maintainInBackground(_ work: (Store) throws(StoreError) -> Void) {
        do throws(StoreError) {
            try work(self)
        } catch {
            let text = error.message
            let count = refusals.withLock { $0.note(text, count: 1, nowMs: clock.nowMs()) }
            if let count {
                events.log(
                    .error, "checkpoint, merge or retention failed",
                    [("error", text), ("times", "\(count)")])
            }
        }
    }

    /// Cuts the head to blocks and lets the log begin anew behind them. Commits and queries go on
    /// meanwhile.
    ///
    /// - Parameter replacesLog: also when nothing was committed: the log is damaged.
    package func checkpoint(replacesLog: Bool = false) throws(StoreError) {
        try manifest.withLock { (manifest) throws(StoreError) in
            try checkIsOpen()
            try checkpoint(replacesLog, &manifest)
        }
    }

    /// For `close`, which holds the directory's lock still: puts into blocks what the log has, which
    /// cannot be made durable.
    func checkpointOnClose() throws(StoreError) {
        try manifest.withLock { (manifest) throws(StoreError) in
            try checkpoint(true, &manifest)
        }
    }

    private func checkpoint(
        _ replacesLog: Bool, _ manifest: inout Manifest
    ) throws(StoreError) {
        let (heads, exemplars) = freeze(replacesLog)
        if heads.isEmpty { return }
        // Also of a log that could not be replaced at once.
        let leavesLog = replacesLog || core.withLock { $0.stop == .unsafeLog }
        try withReserve { () throws(StoreError) in
            try checkpoint(heads, exemplars, leavesLog, &manifest)
        }
    }

    private func checkpoint(
        _ heads: [HeadGeneration], _ exemplars: ExemplarRing, _ leavesLog: Bool,
        _ manifest: inout Manifest
    ) throws(StoreError) {
        var next = manifest
        next.generation += 1
        do {
            let segments = try writeIndex(&next)
            let blocks = try writeBlocks(heads, &next)
            try writeExemplars(exemplars, &next)
            let end = registry.withLock { $0.frozenEnd }
            next.nextRef = max(next.nextRef, end)
            next.logStart = core.withLock { $0.active.logStart }
            next.newestMs = max(next.newestMs, heads.map(\.maxTimeMs).max() ?? .min)
            try fileSystem.syncDirectory(Path.join(directory, "blocks"))
            try next.write(directory, fileSystem)
            install(segments, blocks, exemplars.appendedCount)
        } catch {
            manifest.skipNumbers(of: next)
            throw Self.storeError(error)
        }
        let old = manifest
        manifest = next
        removeObsolete(old, next, keepsSegmentBefore: !leavesLog)
    }

    /// Makes `next` the MANIFEST, after `prepare` made what it names durable.
    func install(
        _ manifest: inout Manifest, _ next: Manifest,
        prepare: () throws(IOError) -> Void = { () throws(IOError) in }
    ) throws(StoreError) {
        try checkIsOpen()
        var installed = manifest
        try withReserve { () throws(StoreError) in
            do throws(IOError) {
                try prepare()
                try next.write(directory, fileSystem)
            } catch {
                installed.skipNumbers(of: next)
                throw Self.storeError(error)
            }
            installed = next
        } always: {
            let old = manifest
            manifest = installed
            removeObsolete(old, installed)
        }
    }

    /// A closed store's directory may be another writer's.
    private func checkIsOpen() throws(StoreError) {
        if isClosed { throw .storage("the store is closed") }
    }

    /// As the error of this module that says the same.
    static func storeError(_ error: any Error) -> StoreError {
        if let error = error as? StoreError { return error }
        return isNoSpace(error) ? .noSpace(text(error)) : .storage(text(error))
    }

    private static func isNoSpace(_ error: any Error) -> Bool {
        switch error {
        case let error as IOError: error.isNoSpace
        case IndexWriteError<IOError>.sink(let error): error.isNoSpace
        default: false
        }
    }

    static func text(_ error: any Error) -> String {
        switch error {
        case let error as IOError: error.message
        case let error as StoreError: error.message
        case let error as BlockError: error.reason
        case let error as IndexError: error.message
        case let error as IndexWriteError<IOError>:
            switch error {
            case .index(let error): error.message
            case .sink(let error): error.message
            }
        default: "\(error)"
        }
    }

    /// Sets the head aside; what is committed from here on goes into a new generation.
    private func freeze(_ replacesLog: Bool) -> ([HeadGeneration], ExemplarRing) {
        let nowMs = clock.nowMs()
        return registry.withLock { registry in
            core.withLock { core in
                if core.active.isEmpty && core.frozen.isEmpty && !replacesLog {
                    return ([], core.exemplars)
                }
                registry.freeze()
                if !core.active.isEmpty || replacesLog {
                    core.frozen.append(core.active)
                    core.active = HeadGeneration(
                        number: core.active.number + 1, logStart: log.countFromHere(),
                        startedMs: nowMs)
                    core.logBytes = 0
                    core.loggedSeries = 0
                    // What is replayed from here on refers to nothing before.
                    core.loggedRows.forgetRows()
                }
                return (core.frozen, core.exemplars)
            }
        }
    }

    /// Writes the series set aside to a segment; joined with small ones that are there.
    private func writeIndex(_ next: inout Manifest) throws -> [Registry.Segment]? {
        let (segments, frozen) = registry.withLock { ($0.segments, $0.frozen) }
        if frozen.isEmpty { return nil }
        var kept = segments
        var parts: [any SeriesIndexPart] = frozen
        var count = frozen.reduce(0) { $0 + $1.seriesCount }
        // A segment of less than four times the new series is joined with them: so there are few
        // segments, and each series is written a few times at most.
        while let last = kept.last, last.index.seriesCount < 4 * count {
            parts.insert(last.index, at: 0)
            count += last.index.seriesCount
            kept.removeLast()
        }
        kept.append(try writeSegment(&next, parts, seriesCount: count) { _ in true })
        // One that is set aside stays named.
        let opened = Set(segments.map(\.entry.file))
        next.indexes.removeAll { opened.contains($0.file) }
        next.indexes += kept.map(\.entry)
        return kept
    }

    /// Writes one index segment, and opens it.
    func writeSegment(
        _ next: inout Manifest, _ parts: [any SeriesIndexPart], seriesCount: Int,
        keep: (UInt32) -> Bool
    ) throws -> Registry.Segment {
        let number = next.nextFile
        next.nextFile += 1
        let path = Path.join(directory, Manifest.indexName(number))
        let file = try fileSystem.open(path, .create)
        defer { file.close() }
        try IndexSegmentWriter.write(parts, keep: keep) { (bytes) throws(IOError) in
            try file.append(bytes)
        }
        try file.sync()
        try fileSystem.syncDirectory(Path.join(directory, "index"))
        let index = try IndexSegment(MappedIndexBytes(try fileSystem.map(path)))
        return Registry.Segment(
            entry: Manifest.IndexEntry(file: number, seriesCount: UInt64(seriesCount)),
            index: index)
    }

    private func writeBlocks(
        _ heads: [HeadGeneration], _ next: inout Manifest
    ) throws -> [Block] {
        let files = FileNumbers(next.nextFile, next.nextSequence)
        var flush = HeadFlush(heads, blockRangeMs: options.blockRangeMs) {
            [directory, fileSystem] () throws(IOError) in
            try files.makeWriter(directory, fileSystem)
        }
        let written = try flush.write()
        let entries = files.entries(written, level: 0)
        (next.nextFile, next.nextSequence) = (files.nextFile, files.nextSequence)
        next.blocks += entries
        return try open(entries)
    }

    /// Writes the exemplars of the log that is cut.
    private func writeExemplars(_ ring: ExemplarRing, _ next: inout Manifest) throws(IOError) {
        var entries = ring.unsaved
        if entries.isEmpty { return }
        if next.exemplars.count >= ExemplarFile.filesMax {
            // All that are kept, in one file; older ones are dropped.
            next.exemplars = []
            entries = ring.inOrder
        }
        let path = Path.join(directory, Manifest.exemplarsName(next.nextFile))
        try fileSystem.write(path, ExemplarFile.encode(entries).span)
        try fileSystem.syncDirectory(Path.directory(of: path))
        next.exemplars.append(
            Manifest.ExemplarEntry(file: next.nextFile, count: UInt64(entries.count)))
        next.nextFile += 1
    }

    func open(_ entries: [Manifest.BlockEntry]) throws -> [Block] {
        var blocks: [Block] = []
        for entry in entries {
            let path = Path.join(directory, Manifest.blockName(entry.file))
            blocks.append(try Block(entry, try fileSystem.map(path)))
        }
        return blocks
    }

    private func install(
        _ segments: [Registry.Segment]?, _ blocks: [Block], _ exemplarsSaved: UInt64
    ) {
        registry.withLock { registry in
            if let segments { registry.replaceFrozen(by: segments) }
            core.withLock { core in
                core.frozen = []
                core.dropUnusedStates()
                core.exemplars.setSaved(exemplarsSaved)
                core.statistics.checkpoints += 1
                core.blocks += blocks
            }
        }
    }

    /// Removes files that the new MANIFEST names no more. Readers that have them open go on reading.
    ///
    /// - Parameter keepsSegmentBefore: the log's last segment before the new beginning is kept for
    ///   those who follow the log and are a little behind. Not where the log is replaced: the series
    ///   in it may have other numbers now, and who rebuilds a MANIFEST replays what is there.
    func removeObsolete(_ old: Manifest, _ new: Manifest, keepsSegmentBefore: Bool = true) {
        let named = Set(new.fileNames)
        var paths = old.fileNames.filter { !named.contains($0) }
        let logDirectory = Path.join(directory, "log")
        let segments = (try? LogFormat.segments(in: logDirectory, fileSystem)) ?? []
        let kept: UInt64 = keepsSegmentBefore ? 1 : 0
        for segment in segments where segment + kept < new.logStart.segment {
            paths.append("log/" + LogFormat.name(segment))
        }
        for path in paths {
            do throws(IOError) {
                try fileSystem.remove(Path.join(directory, path))
            } catch {
                // The next start removes it.
                events.log(.warning, "a file is left over", [("error", error.message)])
            }
        }
    }
}

/// Gives numbers to the files of one checkpoint.
final class FileNumbers {
    private(set) var nextFile: UInt64
    private(set) var nextSequence: UInt64
    private var made: [String: UInt64] = [:]

    init(_ nextFile: UInt64, _ nextSequence: UInt64) {
        self.nextFile = nextFile
        self.nextSequence = nextSequence
    }

    func makeWriter(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(IOError) -> BlockWriter {
        let path = Path.join(directory, Manifest.blockName(nextFile))
        let writer = try BlockWriter(
            path: path, sequence: nextSequence, fileSystem: fileSystem)
        made[path] = nextFile
        nextFile += 1
        nextSequence += 1
        return writer
    }

    func entries(
        _ written: [(path: String, footer: BlockFooter, bytes: UInt64)], level: UInt8
    ) -> [Manifest.BlockEntry] {
        written.compactMap { block in
            made[block.path].map { Manifest.BlockEntry(file: $0, level: level, block) }
        }.sorted { $0.sequence < $1.sequence }
    }
}
