import TSQBase

/// The steps of a query or of a tile: `count` times from `firstMs` on, `stepMs` apart.
package struct StepRange: Sendable, Equatable {
    package var firstMs: TimestampMs
    package var stepMs: Int64
    package var count: Int

    package init(firstMs: TimestampMs, stepMs: Int64, count: Int) {
        self.firstMs = firstMs
        self.stepMs = stepMs
        self.count = count
    }

    /// Wraps instead of trapping at the ends of Int64: the planner has checked the ends.
    @inlinable
    package func timeMs(_ step: Int) -> TimestampMs { firstMs &+ Int64(step) &* stepMs }

    package var lastMs: TimestampMs { timeMs(count - 1) }
}
