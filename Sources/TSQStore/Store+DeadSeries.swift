import Synchronization
import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// Which series writers may hold the numbers of.
struct ResolvedRefs {
    /// Resolved since the store was opened.
    private(set) var ever = RefBits()
    private var now = RefBits()
    private var before = RefBits()
    private var sinceMs: TimestampMs?

    /// A writer that was given a number writes within this time, or asks again.
    static let graceMs: Int64 = 86_400_000

    mutating func insert(_ ref: UInt32) {
        ever.insert(ref)
        now.insert(ref)
    }

    /// Whether a number was given within the grace (and at most as long again).
    func isRecent(_ ref: UInt32) -> Bool { now.contains(ref) || before.contains(ref) }

    mutating func age(nowMs: TimestampMs) {
        let start = sinceMs ?? nowMs
        sinceMs = start
        if nowMs - start < Self.graceMs { return }
        before = now
        now = RefBits()
        sinceMs = nowMs
    }

    var byteCount: Int { ever.byteCount + now.byteCount + before.byteCount }
}

extension Store {
    /// Segments of more series than this are written anew only when a sixteenth of them is dead.
    private static let smallSegmentSeries = 100_000

    /// Drops the series from the registry that have no samples any more, once blocks have gone.
    ///
    /// A number that a writer may still hold stays: of an open group's series, and of those resolved
    /// or written in the last day.
    ///
    /// - Complexity: O(pages of blocks not looked at before + series).
    func dropDeadSeries() throws(StoreError) {
        try merges.withLock { (state) throws(StoreError) in
            if !registryIsStale.exchange(false, ordering: .relaxed) { return }
            // Before the lock is taken that others wait for.
            if try !readSeries(&state) { return }
            try manifest.withLock { (manifest) throws(StoreError) in
                do {
                    try dropDeadSeries(&manifest, &state)
                } catch {
                    registryIsStale.store(true, ordering: .relaxed)
                    throw Self.storeError(error)
                }
            }
        }
    }

    /// Notes the series of blocks that were not looked at before; false when a block cannot be read
    /// (then it may have any), or the store is being closed.
    private func readSeries(_ state: inout MergeState) throws(StoreError) -> Bool {
        let pace = makePace()
        for block in core.withLock({ $0.blocks }) where state.series[block.entry.file] == nil {
            do {
                state.series[block.entry.file] = try block.seriesRefs(pace)
            } catch is MergeInterrupted {
                return false
            } catch {
                events.log(
                    .warning, "dead series stay in the index: a block cannot be read",
                    [("file", block.path), ("error", Self.text(error))])
                return false
            }
        }
        return true
    }

    private func dropDeadSeries(_ manifest: inout Manifest, _ state: inout MergeState) throws {
        // A block that is set aside may have any series.
        if manifest.blocks.count != core.withLock({ $0.blocks.count }) { return }
        guard let live = try liveSeries(&state) else { return }
        let segments = registry.withLock { $0.segments }
        var rewritten: [Registry.Segment] = []
        var deadRefs: [UInt32] = []
        for segment in segments {
            let refs = try (0..<UInt32(segment.index.seriesCount)).map { ordinal in
                try segment.index.ref(ordinal)
            }.filter { !live.contains($0) }
            let isSmall = segment.index.seriesCount < Self.smallSegmentSeries
            if refs.isEmpty || !isSmall && refs.count < segment.index.seriesCount / 16 { continue }
            rewritten.append(segment)
            deadRefs += refs
        }
        if rewritten.isEmpty { return }
        let dead = RefSet(deadRefs)
        let oldFiles = Set(rewritten.map(\.entry.file))
        var next = manifest
        next.generation += 1
        next.indexes.removeAll { oldFiles.contains($0.file) }
        let kept = rewritten.reduce(0) { $0 + $1.index.seriesCount } - deadRefs.count
        var written: Registry.Segment?
        if kept > 0 {
            let segment = try writeSegment(
                &next, rewritten.map(\.index), seriesCount: kept
            ) { !dead.contains($0) }
            next.indexes.insert(segment.entry, at: 0)
            written = segment
        }
        try exchange(&manifest, next, dead, oldFiles, written)
    }

    /// Puts the new segment in the old ones' place, unless a number that would go was asked for
    /// meanwhile.
    private func exchange(
        _ manifest: inout Manifest, _ next: Manifest, _ dead: RefSet, _ oldFiles: Set<UInt64>,
        _ written: Registry.Segment?
    ) throws(StoreError) {
        let isDone = try registry.withLock { (registry) throws(StoreError) -> Bool in
            var held = RefBits()
            for (first, last) in zip(dead.firsts, dead.lasts) {
                for ref in first...last {
                    if registry.resolved.isRecent(ref) { return false }
                    if registry.resolved.ever.contains(ref) { held.insert(ref) }
                }
            }
            // Under the lock, so that nobody registers one anew that comes back if this fails.
            try install(&manifest, next)
            registry.replace(oldFiles, by: written)
            core.withLock { core in
                core.droppedRefs.formUnion(held)
                core.hasDroppedRefs = !core.droppedRefs.isEmpty
            }
            return true
        }
        if isDone {
            events.log(
                .info, "series without samples are dropped from the index",
                [("series", "\(dead.count)")])
            return
        }
        registryIsStale.store(true, ordering: .relaxed)
        if let written {
            manifest.nextFile = next.nextFile
            try? fileSystem.remove(Path.join(directory, Manifest.indexName(written.entry.file)))
        }
    }

    /// The series that have samples, or that writers may hold; nil when it cannot be told.
    private func liveSeries(_ state: inout MergeState) throws(StoreError) -> RefBits? {
        let nowMs = clock.nowMs()
        return try registry.withLock { (registry) throws(StoreError) -> RefBits? in
            registry.resolved.age(nowMs: nowMs)
            let (snapshot, series, newestMs) = core.withLock {
                ($0.snapshot, $0.series, $0.newestMs)
            }
            var live = RefBits(limit: registry.nextRef)
            for head in snapshot.generations {
                for buffer in head.buffers {
                    for ref in buffer.layout.refs { live.insert(ref.rawValue) }
                }
                for side in head.side { live.insert(side.ref) }
            }
            let (recentMs, _) = newestMs.subtractingReportingOverflow(ResolvedRefs.graceMs)
            for ref in 0..<UInt32(series.count) {
                let isWritten =
                    registry.resolved.ever.contains(ref) && series.newest(SeriesRef(ref)) > recentMs
                if isWritten || series.owner(SeriesRef(ref)) != nil
                    || registry.resolved.isRecent(ref)
                {
                    live.insert(ref)
                }
            }
            let files = Set(snapshot.blocks.map(\.entry.file))
            state.series = state.series.filter { files.contains($0.key) }
            for block in snapshot.blocks {
                do throws(BlockError) {
                    let file = block.entry.file
                    if state.series[file] == nil { state.series[file] = try block.seriesRefs() }
                    if let refs = state.series[file] { live.formUnion(refs) }
                } catch {
                    return nil
                }
            }
            return live
        }
    }
}

extension Block {
    /// The series that have chunks here.
    ///
    /// - Complexity: O(chunks); reads the entries of every page.
    func seriesRefs() throws(BlockError) -> RefSet {
        var refs = RefSet()
        for page in 0..<pageCount { try addSeries(ofPage: page, to: &refs) }
        return refs
    }

    /// Likewise, calling `pace` with the bytes of every page.
    func seriesRefs(_ pace: (Int) throws(MergeInterrupted) -> Void) throws -> RefSet {
        var refs = RefSet()
        for page in 0..<pageCount {
            try addSeries(ofPage: page, to: &refs)
            try pace(Int(try self.page(page).byteCount))
        }
        return refs
    }

    private func addSeries(
        ofPage page: Int, to refs: inout RefSet
    ) throws(BlockError) {
        for chunk in try entries(ofPage: page) {
            if let last = refs.lasts.last, chunk.ref < last {
                throw BlockError(reason: "page \(page): series out of order")
            }
            refs.insertLast(chunk.ref)
        }
        try forget(page: page)
    }
}
