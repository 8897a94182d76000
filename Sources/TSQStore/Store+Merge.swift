import Synchronization
import TSQBase
import TSQIO

/// What is known of merges while the store is open.
struct MergeState {
    /// Blocks that cannot be read: they are left as they are.
    var excluded: Set<UInt64> = []
    /// When each block was seen first.
    var seenMs: [UInt64: TimestampMs] = [:]
    /// The series of blocks that were looked at.
    var series: [UInt64: RefSet] = [:]
}

extension Store {
    /// Blocks that have been there for this long are ripe.
    private static let ripeMs: Int64 = 3_600_000
    /// Windows do not become longer than this.
    private static let mergeRangeMaxMs: Int64 = 31 * 86_400_000

    /// Merges one run of blocks; false when there is none. Commits, checkpoints, deletions and
    /// queries go on meanwhile.
    func mergeBlocks() throws(StoreError) -> Bool {
        try merges.withLock { (state) throws(StoreError) -> Bool in
            if isClosed { return false }
            let (blocks, newestMs) = manifest.withLock { ($0.blocks, $0.newestMs) }
            let run = mergePlan(&state, blocks, newestMs).next(blocks)
            if run.isEmpty { return false }
            let files = Set(run.map(\.file))
            let sources = core.withLock { core in
                core.blocks.filter { files.contains($0.entry.file) }
            }
            if sources.count != run.count {
                // A block that is set aside stays what it is.
                state.excluded.formUnion(files.subtracting(sources.map(\.entry.file)))
                return true
            }
            return try replace(sources, leavingOut: [], &state)
        }
    }

    private func mergePlan(
        _ state: inout MergeState, _ blocks: [Manifest.BlockEntry], _ newestMs: TimestampMs
    ) -> MergePlan {
        let nowMs = clock.nowMs()
        let files = Set(blocks.map(\.file))
        state.seenMs = state.seenMs.filter { files.contains($0.key) }
        for file in files where state.seenMs[file] == nil { state.seenMs[file] = nowMs }
        let retentionMs = options.retentionMs == .max ? Int64.max : options.retentionMs / 10
        let lateMs = min(options.outOfOrderWindowMs, options.blockRangeMs / 2)
        let (settledMs, underflow) = newestMs.subtractingReportingOverflow(lateMs)
        return MergePlan(
            blockRangeMs: options.blockRangeMs,
            rangeMaxMs: max(options.blockRangeMs, min(Self.mergeRangeMaxMs, retentionMs)),
            settledMs: underflow ? .min : settledMs,
            bytesMax: options.retentionBytes == 0 ? .max : options.retentionBytes / 8,
            deletions: core.withLock { $0.deletions }, excluded: state.excluded,
            ripe: Set(state.seenMs.filter { nowMs - $0.value >= Self.ripeMs }.keys))
    }

    /// Gives back the space of all deletions now; they cannot be undone from then on.
    package func compactDeletions() throws(StoreError) {
        try compactDeletions { _ in true }
        try dropDeadSeries()
    }

    /// Rewrites the blocks that have samples hidden by the deletions wanted, and ends these.
    func compactDeletions(_ isWanted: (Deletion) -> Bool) throws(StoreError) {
        try merges.withLock { (state) throws(StoreError) in
            let wanted = core.withLock { $0.deletions.filter(isWanted) }
            if wanted.isEmpty { return }
            compactedDeletions.withLock { $0 = Set(wanted.map(\.file)) }
            defer { compactedDeletions.withLock { $0 = [] } }
            var isUnreadable = Set<UInt64>()
            for block in core.withLock({ $0.blocks }) {
                if isClosed { return }
                var concerned: [Deletion] = []
                for deletion in wanted {
                    do throws(BlockError) {
                        if try deletion.concerns(block) { concerned.append(deletion) }
                    } catch {
                        // What it hides of this block stays hidden.
                        isUnreadable.insert(deletion.file)
                    }
                }
                if concerned.isEmpty { continue }
                if try !replace([block], leavingOut: concerned, &state) { return }
                if state.excluded.contains(block.entry.file) {
                    isUnreadable.formUnion(concerned.map(\.file))
                }
            }
            try end(wanted.filter { !isUnreadable.contains($0.file) })
        }
    }

    private func end(_ deletions: [Deletion]) throws(StoreError) {
        let files = Set(deletions.map(\.file))
        try manifest.withLock { (manifest) throws(StoreError) in
            if !manifest.deletions.contains(where: files.contains) { return }
            var next = manifest
            next.generation += 1
            next.removeDeletions(files)
            try install(&manifest, next)
            core.withLock { core in
                core.deletions.removeAll { files.contains($0.file) }
                core.begunDeletions.subtract(files)
            }
            registryIsStale.store(true, ordering: .relaxed)
            events.log(
                .info, "the space of deleted samples is given back",
                [("deletions", "\(deletions.count)")])
        }
    }

    /// Puts a merge of `sources` in their place; true, also when that was given up because one of
    /// them cannot be read or is gone meanwhile; false when the store is being closed.
    private func replace(
        _ sources: [Block], leavingOut deletions: [Deletion], _ state: inout MergeState
    ) throws(StoreError) -> Bool {
        let files = OutputFiles(self, sequence: sources.map(\.entry.sequence).max() ?? 0)
        let level = min(UInt8.max - 1, sources.map(\.entry.level).max() ?? 0)
        do {
            var merge = BlockMerge(
                sources, leavingOut: deletions, pace: makePace()
            ) { () throws(IOError) in try files.makeWriter() }
            let written = try merge.run()
            let blocks = try open(
                files.entries(written, level: sources.count > 1 ? level + 1 : level))
            try fileSystem.syncDirectory(Path.join(directory, "blocks"))
            // From here on a MANIFEST on the disk may name the files, also when this fails.
            files.areNamed = true
            if try !exchange(sources, blocks, deletions) {
                files.areNamed = false
                files.remove()
            }
            return true
        } catch let damage as SourceDamage {
            files.remove()
            state.excluded.insert(damage.file)
            events.log(
                .error, "a block is not merged: a part of it cannot be read",
                [("file", Manifest.blockName(damage.file)), ("error", damage.reason)])
            return true
        } catch is MergeInterrupted {
            files.remove()
            return false
        } catch {
            files.remove()
            throw Self.storeError(error)
        }
    }

    /// False when a source or deletion is not what it was any more.
    private func exchange(
        _ sources: [Block], _ merged: [Block], _ deletions: [Deletion]
    ) throws(StoreError) -> Bool {
        let files = Set(sources.map(\.entry.file))
        return try manifest.withLock { (manifest) throws(StoreError) -> Bool in
            guard manifest.blocks.count(where: { files.contains($0.file) }) == files.count,
                deletions.allSatisfy({ manifest.deletions.contains($0.file) })
            else { return false }
            // One made since hides samples of a source, and none of what the merge would be.
            let largest = merged.first?.entry.sequence ?? 0
            let isParted = core.withLock { core in
                core.deletions.contains { deletion in
                    largest >= deletion.sequenceEnd
                        && sources.contains {
                            deletion.concerns(
                                sequence: $0.entry.sequence, minMs: $0.entry.minTimeMs,
                                maxMs: $0.entry.maxTimeMs)
                        }
                }
            }
            if isParted { return false }
            var next = manifest
            next.generation += 1
            next.blocks.removeAll { files.contains($0.file) }
            next.blocks += merged.map(\.entry)
            next.blocks.sort { $0.sequence < $1.sequence }
            next.begunDeletions.formUnion(deletions.map(\.file))
            try install(&manifest, next)
            core.withLock { core in
                core.blocks.removeAll { files.contains($0.entry.file) }
                core.blocks += merged
                core.begunDeletions.formUnion(deletions.map(\.file))
                core.statistics.merges += 1
                core.statistics.mergedBytes += merged.reduce(0) { $0 + $1.entry.byteCount }
                core.blocks.sort { $0.entry.sequence < $1.entry.sequence }
            }
            return true
        }
    }

    /// Keeps merges to their bytes per second, and ends them when the store is closed.
    func makePace() -> (Int) throws(MergeInterrupted) -> Void {
        let rate = options.runsInBackground ? options.mergeBytesPerSecond : 0
        let startNs = clock.monotonicNs()
        var bytes: UInt64 = 0
        return { [weak self] (count) throws(MergeInterrupted) in
            guard let self, !isClosed else { throw MergeInterrupted() }
            if rate == 0 { return }
            // What is read is written again.
            bytes += 2 * UInt64(count)
            let dueMs = Int64(clamping: bytes / (rate / 1000 + 1))
            while true {
                let passedMs = Int64(clamping: (clock.monotonicNs() - startNs) / 1_000_000)
                let restMs = dueMs - passedMs
                if restMs < Self.paceMs { return }
                Worker.sleep(ms: min(restMs, 100))
                if isClosed { throw MergeInterrupted() }
            }
        }
    }

    /// A merge rests when it is ahead by this much.
    private static let paceMs: Int64 = 20
}

/// The files of one merge: their numbers come from the MANIFEST in memory, one by one.
private final class OutputFiles {
    private let store: Store
    private let sequence: UInt64
    private var made: [String: UInt64] = [:]
    var areNamed = false

    init(_ store: Store, sequence: UInt64) {
        self.store = store
        self.sequence = sequence
    }

    func makeWriter() throws(IOError) -> BlockWriter {
        let number = store.manifest.withLock { manifest in
            defer { manifest.nextFile += 1 }
            return manifest.nextFile
        }
        let path = Path.join(store.directory, Manifest.blockName(number))
        made[path] = number
        return try BlockWriter(path: path, sequence: sequence, fileSystem: store.fileSystem)
    }

    func entries(
        _ written: [(path: String, footer: BlockFooter, bytes: UInt64)], level: UInt8
    ) -> [Manifest.BlockEntry] {
        written.compactMap { block in
            made[block.path].map { Manifest.BlockEntry(file: $0, level: level, block) }
        }
    }

    /// Removes what was written; what cannot be is left over for the next start.
    func remove() {
        if areNamed { return }
        for path in made.keys.sorted() { try? store.fileSystem.remove(path) }
    }
}
