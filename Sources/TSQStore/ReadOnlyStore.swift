import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// A consistent view of a directory that another process may be writing: what the MANIFEST names,
/// and the log's tail replayed in memory. It takes no lock and changes nothing.
package final class ReadOnlyStore: Sendable {
    package let directory: String
    private let fileSystem: any FileSystem
    private let events: any EventSink

    private struct View {
        var manifest: Manifest
        var replay: LogReplay
    }

    private let view: Guarded<View>
    /// A writer that checkpoints all the time must not keep a reader busy for ever.
    private static let attemptsMax = 20

    init(
        _ directory: String, _ fileSystem: any FileSystem, _ events: any EventSink
    ) throws(StoreError) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.events = events
        view = Guarded(try Self.load(directory, fileSystem, events, nil))
    }

    /// Takes in what was written since the view was made.
    package func refresh() throws(StoreError) {
        try view.withLock { (view) throws(StoreError) in
            view = try Self.load(directory, fileSystem, events, view)
        }
    }

    /// Reads MANIFEST and log; again when the writer replaced the MANIFEST meanwhile, since the log
    /// that was read may then have been cut at its beginning.
    private static func load(
        _ directory: String, _ fileSystem: any FileSystem, _ events: any EventSink, _ old: View?
    ) throws(StoreError) -> View {
        var blocks: [UInt64: Block] = [:]
        for block in old?.replay.core.blocks ?? [] { blocks[block.entry.file] = block }
        var lastError = StoreError.format("\(directory) is no store: it has no MANIFEST")
        for _ in 0..<attemptsMax {
            guard let manifest = try Manifest.read(directory, fileSystem) else { throw lastError }
            do throws(StoreError) {
                var replay: LogReplay
                var known = (damages: 0, lost: UInt64(0))
                if let old, old.manifest.generation == manifest.generation {
                    replay = old.replay
                    known = (replay.damages.count, replay.lostSamples)
                } else {
                    replay = try StoreOpening.contents(
                        directory, manifest, StoreOptions(), fileSystem, events, isWriter: false,
                        known: blocks)
                }
                try replay.run(directory: Path.join(directory, "log"), fileSystem)
                let now = try Manifest.read(directory, fileSystem)
                if now?.generation == manifest.generation {
                    if (replay.damages.count, replay.lostSamples) > known {
                        StoreOpening.report(replay, events)
                    }
                    return View(manifest: manifest, replay: replay)
                }
                lastError = .storage("\(directory) changes faster than it can be read")
            } catch {
                // A file that the MANIFEST named is gone: the writer has a newer MANIFEST.
                lastError = error
            }
        }
        throw lastError
    }

    package func statistics() -> StoreStatistics {
        view.withLock { view in
            var statistics = view.replay.core.summary(seriesCount: view.replay.registry.seriesCount)
            statistics.blockBytes = view.manifest.blocks.reduce(0) { $0 + $1.byteCount }
            return statistics
        }
    }
}

extension ReadOnlyStore: SeriesSource {
    private func query<Result>(
        _ body: (borrowing StoreQueries) throws(SourceError) -> Result
    ) throws(SourceError) -> Result {
        try view.withLock { (view) throws(SourceError) -> Result in
            try body(
                StoreQueries(
                    registry: view.replay.registry, snapshot: view.replay.core.snapshot,
                    exemplars: view.replay.core.exemplars.inOrder, events: events))
        }
    }

    package func select(
        _ request: SelectRequest, symbols: SymbolTable
    ) throws(SourceError) -> any SeriesSelection {
        try query { (queries) throws(SourceError) in try queries.select(request, symbols) }
    }

    package func labelNames(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] {
        try query { (queries) throws(SourceError) in
            try queries.labelNames(matching, fromMs, toMs)
        }
    }

    package func labelValues(
        _ name: String, matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] {
        try query { (queries) throws(SourceError) in
            try queries.labelValues(name, matching, fromMs, toMs)
        }
    }

    package func exemplars(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [(labels: LabelSet, exemplars: [Exemplar])] {
        try query { (queries) throws(SourceError) in
            try queries.exemplars(matching, fromMs, toMs)
        }
    }
}
