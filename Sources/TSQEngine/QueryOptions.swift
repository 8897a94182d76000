import Synchronization
import TSQBase
import TSQPromQL

/// Settings of an engine, the same for all its queries.
package struct EngineOptions: Sendable {
    package var parse = ParseOptions()
    /// `promql-delayed-name-removal`
    package var delayedNameRemoval = false
    /// `type-and-unit-labels`: `__type__` and `__unit__` are dropped with the name.
    package var typeAndUnitLabels = false
    /// `use-start-timestamps`
    package var useStartTimestamps = false
    package var lookbackMs: Int64 = 5 * 60_000
    /// Resolution of subqueries without one.
    package var subqueryStepMs: Int64 = 60_000
    package var timeoutMs: Int64 = 2 * 60_000
    package var samplesMax: Int64 = 50_000_000
    package var bytesMax: Int64 = 1 << 30
    /// Steps worked on at once, even where bytes would allow more: rows of 8 × 8,192 bytes stay in the
    /// second-level cache. Results do not depend on it.
    package var tileStepsMax = 8192
    /// Threads a query may use; results do not depend on it.
    package var threads = 2

    package init() {}
}

/// Settings of one query.
package struct QueryOptions: Sendable {
    /// nil: the engine's.
    package var lookbackMs: Int64?
    package var timeoutMs: Int64?
    package var cancellation: QueryCancellation?

    package init() {}
}

/// Set by whoever no longer wants the answer; the engine looks at it in every tile.
package final class QueryCancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    package init() {}

    package func cancel() { flag.store(true, ordering: .relaxed) }
    package var isCancelled: Bool { flag.load(ordering: .relaxed) }
}
