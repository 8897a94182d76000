import TSQBase
import TSQModel
import TSQPromQL

/// Answers PromQL queries over any `SeriesSource`.
///
/// Safe from any thread. A query runs on the thread that calls (it computes for long and may read
/// the disk: never call it on an event loop).
package final class QueryEngine: Sendable {
    package let options: EngineOptions

    package init(options: EngineOptions = EngineOptions()) { self.options = options }

    /// The value of `query` at one time.
    ///
    /// - Returns: a vector, scalar or string; a matrix where the expression is a range vector.
    package func instant(
        _ query: String, atMs timeMs: TimestampMs, from source: any SeriesSource,
        options: QueryOptions = QueryOptions()
    ) throws(QueryError) -> QueryResult {
        let expr = try parse(query)
        return try evaluate(
            expr, query: query, steps: StepRange(firstMs: timeMs, stepMs: 1, count: 1),
            isRange: false, from: source, options: options)
    }

    /// The values of `query` at `startMs`, `startMs + stepMs`, … up to `endMs`.
    ///
    /// - Throws: `badData` where the expression is neither scalar nor instant vector.
    package func range(
        _ query: String, startMs: TimestampMs, endMs: TimestampMs, stepMs: Int64,
        from source: any SeriesSource, options: QueryOptions = QueryOptions()
    ) throws(QueryError) -> QueryResult {
        let expr = try parse(query)
        precondition(stepMs > 0 && endMs >= startMs, "BUG: a range query without steps")
        let count = (endMs - startMs) / stepMs + 1
        return try evaluate(
            expr, query: query,
            steps: StepRange(firstMs: startMs, stepMs: stepMs, count: Int(count)), endMs: endMs,
            isRange: true, from: source, options: options)
    }

    private func parse(_ query: String) throws(QueryError) -> Expr {
        do throws(PromQLSyntaxError) {
            return try PromQLParser.parse(query, options: options.parse)
        } catch {
            throw .parse(error)
        }
    }

    /// Evaluates a parsed expression; `query` is its text, for the places in annotations.
    package func evaluate(
        _ expr: Expr, query: String, steps: StepRange, endMs: TimestampMs? = nil, isRange: Bool,
        from source: any SeriesSource, options: QueryOptions = QueryOptions()
    ) throws(QueryError) -> QueryResult {
        throw .execution("the evaluator has not landed yet")
    }
}
