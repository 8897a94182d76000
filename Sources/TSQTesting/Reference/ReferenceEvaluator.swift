import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

/// A PromQL evaluator that is written for clarity only: every step of a query is worked out alone,
/// from the definitions, with strings for labels and no plan. The engine is held to it.
///
/// It shares with the engine the syntax tree and the arithmetic of `Histogram` values, nothing else.
/// Annotations are not cut off at ten.
///
/// - Source: Prometheus promql, 3.14.
package struct ReferenceEvaluator: ScriptEvaluator {
    private let options: EngineOptions

    package init(options: EngineOptions) { self.options = options }

    package func instant(
        _ query: String, atMs: TimestampMs, from source: any SeriesSource
    ) throws(QueryError) -> QueryResult {
        try evaluate(
            query, ReferenceFrame(startMs: atMs, endMs: atMs, stepMs: 1), isRange: false, source)
    }

    package func range(
        _ query: String, startMs: TimestampMs, endMs: TimestampMs, stepMs: Int64,
        from source: any SeriesSource
    ) throws(QueryError) -> QueryResult {
        try evaluate(
            query, ReferenceFrame(startMs: startMs, endMs: endMs, stepMs: stepMs), isRange: true,
            source)
    }

    private func evaluate(
        _ query: String, _ frame: ReferenceFrame, isRange: Bool, _ source: any SeriesSource
    ) throws(QueryError) -> QueryResult {
        let expression: Expr
        do {
            expression = try PromQLParser.parse(query, options: options.parse)
        } catch {
            throw .parse(error)
        }
        if isRange && expression.type != .scalar && expression.type != .vector {
            throw .badData(
                "invalid expression type \(GoQuote.quoted(expression.type.documented)) for range "
                    + "query, must be Scalar or instant Vector")
        }
        let statistics = HistogramStatisticsSelectors.find(in: expression)
        let evaluation = ReferenceEvaluation(
            options: options, source: source, query: frame, isRange: isRange,
            statistics: statistics)
        let value: QueryResult.Value
        do throws(QueryError) {
            value = try evaluation.result(expression)
        } catch {
            let search = ReferenceFailureSearch {
                ReferenceEvaluation(
                    options: self.options, source: source, query: frame, isRange: isRange,
                    statistics: statistics)
            }
            throw search.firstFailure(of: expression, frame) ?? error
        }
        return QueryResult(
            value: value, warnings: evaluation.annotations.warningTexts(query: query),
            infos: evaluation.annotations.infoTexts(query: query))
    }
}
