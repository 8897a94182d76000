import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

/// What a script is run against: the engine, or the reference evaluator.
///
/// Set up as Prometheus sets up the engine of its scripts: every experimental feature on, look-back
/// 5 m, subquery step 1 m (`EngineOptions.script`).
package protocol ScriptEvaluator: Sendable {
    func instant(
        _ query: String, atMs: TimestampMs, from source: any SeriesSource
    ) throws(QueryError) -> QueryResult

    func range(
        _ query: String, startMs: TimestampMs, endMs: TimestampMs, stepMs: Int64,
        from source: any SeriesSource
    ) throws(QueryError) -> QueryResult
}

extension EngineOptions {
    /// The settings that scripts are run with.
    package static var script: EngineOptions {
        var options = EngineOptions()
        options.parse = .all
        options.delayedNameRemoval = true
        options.useStartTimestamps = true
        options.lookbackMs = 5 * 60_000
        options.subqueryStepMs = 60_000
        return options
    }
}
