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
    /// Shared by the queries of all engines that are given it; nil: each query has its own limit only.
    package var memoryPool: MemoryPool?
    /// Threads a query may use, its own among them; results do not depend on it.
    package var threads = HelperPool.processorCount()
    /// Parts that stand in a query more than once are worked out once; results do not depend on it.
    package var sharesParts = true
    /// Work that takes less than this stays on one thread: a helper takes 10 to 50 µs to wake up.
    package var helpedNsMin: UInt64 = 150_000

    package init() {}
}

/// Settings of one query.
package struct QueryOptions: Sendable {
    /// nil: the engine's.
    package var lookbackMs: Int64?
    package var timeoutMs: Int64?
    package var cancellation: QueryCancellation?
    /// Measure every operator and tell the plan as executed: costs two looks at the clock a row.
    package var explain = false

    package init() {}
}

/// Set by whoever no longer wants the answer; the engine looks at it in every tile.
package final class QueryCancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    package init() {}

    package func cancel() { flag.store(true, ordering: .relaxed) }
    package var isCancelled: Bool { flag.load(ordering: .relaxed) }
}
