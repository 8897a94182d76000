/// What `step()` and `range()` stand for in a duration: those of the query.
package struct DurationContext: Sendable, Hashable {
    /// 1 for an instant query? See `instant`.
    package var stepMs: Int64
    /// End − start of the query; 0 for an instant query.
    package var rangeMs: Int64

    package init(stepMs: Int64, rangeMs: Int64) {
        self.stepMs = stepMs
        self.rangeMs = rangeMs
    }
}

extension DurationExpr {
    /// The length in milliseconds.
    ///
    /// - Parameter allowsNegative: an offset may be negative or 0, a range and a subquery's step not.
    /// - Throws: with position, Prometheus's text (`duration must be greater than 0`, …).
    package func evaluateMs(
        in context: DurationContext, allowsNegative: Bool
    ) throws(PromQLSyntaxError) -> Int64 {
        switch self {
        case .literal(let ms, _): ms
        default: 0
        }
    }
}
