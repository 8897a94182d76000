import TSQBase
import TSQEngine
import TSQModel

/// The engine, as scripts run it.
package struct EngineUnderScript: ScriptEvaluator {
    private let engine: QueryEngine

    package init(_ engine: QueryEngine = QueryEngine(options: .script)) { self.engine = engine }

    package func instant(
        _ query: String, atMs: TimestampMs, from source: any SeriesSource
    ) throws(QueryError) -> QueryResult {
        try engine.instant(query, atMs: atMs, from: source)
    }

    package func range(
        _ query: String, startMs: TimestampMs, endMs: TimestampMs, stepMs: Int64,
        from source: any SeriesSource
    ) throws(QueryError) -> QueryResult {
        try engine.range(query, startMs: startMs, endMs: endMs, stepMs: stepMs, from: source)
    }
}
