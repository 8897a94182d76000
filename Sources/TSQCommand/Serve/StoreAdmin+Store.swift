import TSQBase
import TSQHTTP
import TSQModel
import TSQStore

extension StoreAdmin {
    /// The store's own calls behind the admin endpoints.
    init(_ store: Store) {
        self.init(
            delete: { matchers, fromMs, toMs, isDryRun throws(Failure) in
                let report = try Self.failing { () throws(StoreError) in
                    try store.deleteSeries(
                        matching: matchers, fromMs: fromMs, toMs: toMs, dryRun: isDryRun)
                }
                return Deletion(
                    id: report.id, seriesCount: report.seriesCount,
                    sampleCount: report.sampleCount)
            },
            deletions: {
                store.deletions().map {
                    PendingDeletion(
                        id: $0.id, selector: $0.selector, fromMs: $0.fromMs, toMs: $0.toMs,
                        madeMs: $0.madeMs, seriesCount: $0.seriesCount,
                        sampleCount: $0.sampleCount)
                }
            },
            undo: { id throws(Failure) in
                try Self.failing { () throws(StoreError) in try store.undoDeletion(id) }
            },
            clean: { () throws(Failure) in
                try Self.failing { () throws(StoreError) in try store.compactDeletions() }
            },
            snapshot: { includesHead throws(Failure) in
                try Self.failing { () throws(StoreError) in
                    let name = SnapshotName.now()
                    _ = try store.snapshot(name: name, includingHead: includesHead)
                    return name
                }
            })
    }

    private static func failing<Value>(
        _ body: () throws(StoreError) -> Value
    ) throws(Failure) -> Value {
        do throws(StoreError) {
            return try body()
        } catch {
            if case .invalid(let text) = error { throw Failure(text, isRequest: true) }
            throw Failure(error.message)
        }
    }
}
