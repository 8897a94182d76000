import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// What a deletion hides.
package struct DeletionReport: Sendable, Equatable {
    /// By which it can be undone; nil when nothing was hidden.
    package var id: UInt64?
    package var seriesCount: UInt64 = 0
    package var sampleCount: UInt64 = 0
    /// Series of blocks that cannot be read: they are hidden, and their samples not counted.
    package var unreadableSeriesCount: UInt64 = 0
}

/// A deletion that can still be undone.
package struct DeletionInfo: Sendable, Equatable {
    package var id: UInt64
    package var selector: String
    /// Both included.
    package var fromMs: TimestampMs
    package var toMs: TimestampMs
    package var madeMs: TimestampMs
    /// Counted when it was made.
    package var seriesCount: UInt64
    package var sampleCount: UInt64
}

extension Store {
    /// At most this many deletions hide something at once: every read looks at all of them.
    static let deletionsMax = 1000

    /// Hides the samples in [fromMs, toMs] of the series that satisfy one of the matcher lists, as
    /// far as they are stored now: samples that are written later are visible. Queries do not see
    /// them from the moment this returns. The space is given back after `deletionUndoMs`, or by
    /// `compactDeletions()`; until then `undoDeletion` brings them back.
    ///
    /// - Parameter dryRun: only counts.
    /// - Throws: `.invalid` without a matcher, or for times the wrong way round; `.storage`.
    /// - Complexity: O(samples hidden): they are counted by reading them.
    package func deleteSeries(
        matching: [[LabelMatcher]], fromMs: TimestampMs = .min, toMs: TimestampMs = .max,
        dryRun: Bool = false
    ) throws(StoreError) -> DeletionReport {
        if matching.isEmpty || matching.contains(where: \.isEmpty) {
            throw .invalid("a deletion needs a selector")
        }
        if fromMs > toMs { throw .invalid("a deletion's start is behind its end") }
        if dryRun {
            let snapshot = core.withLock { $0.snapshot }
            let refs = try select(matching)
            return try count(refs, snapshot, fromMs, toMs).report
        }
        // What is stored now goes to blocks: then sequences say what is hidden.
        let isInHead = core.withLock { core in
            core.snapshot.generations.contains {
                !$0.isEmpty && $0.minTimeMs <= toMs && $0.maxTimeMs >= fromMs
            }
        }
        if isInHead { try checkpoint() }
        return try manifest.withLock { (manifest) throws(StoreError) -> DeletionReport in
            if manifest.deletions.count >= Self.deletionsMax {
                throw .invalid(
                    "there are \(manifest.deletions.count) deletions: compact them first")
            }
            let snapshot = core.withLock {
                StoreSnapshot(generations: [], blocks: $0.blocks, deletions: $0.deletions)
            }
            var (report, hidden) = try count(try select(matching), snapshot, fromMs, toMs)
            if hidden.isEmpty { return report }
            var next = manifest
            next.generation += 1
            next.nextFile += 1
            let deletion = Deletion(
                file: manifest.nextFile, sequenceEnd: manifest.nextSequence, fromMs: fromMs,
                toMs: toMs, madeMs: clock.nowMs(), sampleCount: report.sampleCount,
                selector: Self.text(matching), refs: hidden)
            next.deletions.append(deletion.file)
            try install(&manifest, next) { () throws(IOError) in
                let path = Path.join(directory, Deletion.name(deletion.file))
                try fileSystem.write(path, deletion.encode().span)
                try fileSystem.syncDirectory(Path.directory(of: path))
            }
            core.withLock { $0.deletions.append(deletion) }
            report.id = deletion.file
            events.log(
                .info, "samples are deleted",
                [
                    ("deletion", "\(deletion.file)"), ("selector", deletion.selector),
                    ("series", "\(report.seriesCount)"), ("samples", "\(report.sampleCount)"),
                ])
            return report
        }
    }

    /// The deletions that hide something and can be undone, older first.
    package func deletions() -> [DeletionInfo] {
        let compacted = compactedDeletions.withLock { $0 }
        return core.withLock { $0.undoableDeletions(besides: compacted) }.map(\.info)
    }

    /// Makes visible again what a deletion hid.
    ///
    /// - Throws: `.invalid` when there is no such deletion (any more), or some of its space was given
    ///   back already; `.storage`.
    package func undoDeletion(_ id: UInt64) throws(StoreError) {
        try manifest.withLock { (manifest) throws(StoreError) in
            guard manifest.deletions.contains(id) else {
                throw .invalid("there is no deletion \(id), or its space was given back")
            }
            let isCompacted = compactedDeletions.withLock { $0.contains(id) }
            if isCompacted || manifest.begunDeletions.contains(id) {
                throw .invalid("deletion \(id) cannot be undone: its space is being given back")
            }
            var next = manifest
            next.generation += 1
            next.removeDeletions([id])
            try install(&manifest, next)
            core.withLock { core in core.deletions.removeAll { $0.file == id } }
            events.log(.info, "a deletion is undone", [("deletion", "\(id)")])
        }
    }

    private static func text(_ matching: [[LabelMatcher]]) -> String {
        matching.map { matchers in
            "{" + matchers.map(\.description).joined(separator: ",") + "}"
        }.joined(separator: ",")
    }

    /// The series that satisfy one of the matcher lists, ascending.
    private func select(_ matching: [[LabelMatcher]]) throws(StoreError) -> [UInt32] {
        try registry.withLock { (registry) throws(StoreError) -> [UInt32] in
            var refs: Set<UInt32> = []
            do throws(IndexError) {
                for part in registry.parts {
                    for matchers in matching {
                        for ordinal in try part.select(matchers) {
                            refs.insert(try part.ref(ordinal))
                        }
                    }
                }
            } catch {
                throw .storage(error.message)
            }
            return refs.sorted()
        }
    }

    /// How much of `refs` a snapshot shows in [fromMs, toMs], and which of them have something there.
    private func count(
        _ refs: [UInt32], _ snapshot: StoreSnapshot, _ fromMs: TimestampMs, _ toMs: TimestampMs
    ) throws(StoreError) -> (report: DeletionReport, found: RefSet) {
        var reader = SeriesReader(snapshot)
        let rows = RowPlaces(snapshot.generations, refs: refs)
        var report = DeletionReport()
        var found = RefSet()
        var columns = SampleColumns()
        let afterMs = fromMs == .min ? .min : fromMs - 1
        for (index, ref) in refs.enumerated() {
            columns.removeAll()
            do throws(BlockError) {
                try reader.read(
                    ref, rows.places(index), fromMs: afterMs, toMs: toMs, into: &columns)
                if columns.isEmpty { continue }
                report.seriesCount += 1
                report.sampleCount += UInt64(columns.times.count + columns.histograms.count)
            } catch {
                report.unreadableSeriesCount += 1
            }
            found.insertLast(ref)
        }
        return (report, found)
    }
}

extension Deletion {
    var info: DeletionInfo {
        DeletionInfo(
            id: file, selector: selector, fromMs: fromMs, toMs: toMs, madeMs: madeMs,
            seriesCount: seriesCount, sampleCount: sampleCount)
    }
}

extension StoreCore {
    /// - Parameter compacted: their space is being given back.
    func undoableDeletions(besides compacted: Set<UInt64> = []) -> [Deletion] {
        deletions.filter { !begunDeletions.contains($0.file) && !compacted.contains($0.file) }
    }
}
