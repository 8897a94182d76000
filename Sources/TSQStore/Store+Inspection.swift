import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// What a store has in which block: for tests.
extension Store {
    package struct _BlockSummary: Sendable, Equatable {
        package var file: UInt64
        package var sequence: UInt64
        package var minTimeMs: TimestampMs
        package var maxTimeMs: TimestampMs
        package var byteCount: UInt64
    }

    /// Ascending by sequence.
    package var _blocks: [_BlockSummary] {
        core.withLock { $0.blocks.map(\.entry) }.map {
            _BlockSummary(
                file: $0.file, sequence: $0.sequence, minTimeMs: $0.minTimeMs,
                maxTimeMs: $0.maxTimeMs, byteCount: $0.byteCount)
        }
    }

    /// Selects as `select` would if the store did not have these blocks.
    package func _select(
        _ request: SelectRequest, symbols: SymbolTable, withoutBlocks files: Set<UInt64>
    ) throws(SourceError) -> any SeriesSelection {
        try query { (queries) throws(SourceError) in
            let snapshot = StoreSnapshot(
                generations: queries.snapshot.generations,
                blocks: queries.snapshot.blocks.filter { !files.contains($0.entry.file) },
                deletions: queries.snapshot.deletions)
            return try StoreQueries(
                registry: queries.registry, snapshot: snapshot, exemplars: [], events: events
            ).select(request, symbols)
        }
    }
}
