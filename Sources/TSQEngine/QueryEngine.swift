import TSQBase
import TSQModel
import TSQPromQL

/// Answers PromQL queries over any `SeriesSource`.
///
/// Safe from any thread. A query runs on the thread that calls (it computes for long and may read
/// the disk: never call it on an event loop).
package final class QueryEngine: Sendable {
    package let options: EngineOptions
    private let parsed: ParsedQueries

    package init(options: EngineOptions = EngineOptions()) {
        self.options = options
        parsed = ParsedQueries()
    }

    private init(_ options: EngineOptions, _ parsed: ParsedQueries) {
        self.options = options
        self.parsed = parsed
    }

    /// An engine with other bounds that knows the same expressions.
    package func bounded(_ bound: (inout EngineOptions) -> Void) -> QueryEngine {
        var options = options
        bound(&options)
        precondition(options.parse == self.options.parse, "BUG: another language")
        return QueryEngine(options, parsed)
    }

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
        let (lengthMs, overflow) = endMs.subtractingReportingOverflow(startMs)
        if overflow || lengthMs / stepMs >= EngineLimits.stepsMax {
            throw .badData("the query has more than \(EngineLimits.stepsMax) steps")
        }
        let count = lengthMs / stepMs + 1
        return try evaluate(
            expr, query: query,
            steps: StepRange(firstMs: startMs, stepMs: stepMs, count: Int(count)), endMs: endMs,
            isRange: true, from: source, options: options)
    }

    private func parse(_ query: String) throws(QueryError) -> Expr {
        do throws(PromQLSyntaxError) {
            return try parsed.find(query) { (text) throws(PromQLSyntaxError) in
                try PromQLParser.parse(text, options: options.parse)
            }
        } catch {
            throw .parse(error)
        }
    }

    /// Evaluates a parsed expression; `query` is its text, for the places in annotations.
    ///
    /// - Parameter endMs: the end that was asked for, where it lies after the last step.
    package func evaluate(
        _ expr: Expr, query: String, steps: StepRange, endMs: TimestampMs? = nil, isRange: Bool,
        from source: any SeriesSource, options: QueryOptions = QueryOptions()
    ) throws(QueryError) -> QueryResult {
        if isRange && expr.type != .vector && expr.type != .scalar {
            throw .badData(
                "invalid expression type \(GoQuote.quoted(expr.type.documented)) for range query, "
                    + "must be Scalar or instant Vector")
        }
        let clock = SystemClock()
        let startNs = clock.monotonicNs()
        let context = QueryContext(
            source: source, options: self.options, query: options, steps: steps,
            endMs: endMs ?? steps.lastMs, isRange: isRange, text: query)
        if case .string(let literal) = expr.unwrapped {
            return QueryResult(value: .string(timeMs: steps.firstMs, literal.value))
        }
        var planner = Planner(query: context, steps: steps)
        planner.shared = self.options.sharesParts ? SharedPlans(expr) : nil
        // Plans that are shared know what planned them, which knows them.
        defer { planner.shared?.removeAll() }
        planner.endMs = context.endMs
        planner.isOutermost = true
        var root: (any PlanPart)?
        let value: QueryResult.Value
        do throws(QueryError) {
            if expr.type == .matrix {
                let plan = try planner.planRange(expr)
                value = .matrix(try MatrixResult(context, plan).collect())
                root = plan.input
            } else {
                let plan = planner.lanes(withDueNames(try planner.plan(expr), expr))
                value = try evaluate(plan, expr, context)
                root = plan
            }
        } catch {
            if !error.isOfExecution { throw error }
            let search = FailureSearch {
                QueryContext(
                    source: source, options: self.options, query: options, steps: steps,
                    endMs: context.endMs, isRange: isRange, text: query)
            }
            throw search.firstFailure(of: expr, steps: steps, endMs: planner.endMs) ?? error
        }
        let memory = try context.budget.memory.answer(of: value.byteCount, for: "the result")
        var statistics = context.statistics
        statistics.evaluationNs = clock.monotonicNs() - startNs
        statistics.peakSamples = context.budget.peakSamples
        statistics.peakBytes = memory.bytesPeak
        let texts = context.annotations.strings(query: query)
        var result = QueryResult(
            value: value, warnings: texts.warnings, infos: texts.infos, statistics: statistics)
        result.memory = memory
        if options.explain {
            result.explain = explained(root, statistics, value)
        }
        return result
    }

    /// The plan beneath a node for the whole query.
    private func explained(
        _ root: (any PlanPart)?, _ statistics: QueryStatistics, _ value: QueryResult.Value
    ) -> ExplainNode {
        ExplainNode(
            name: "query", seriesCount: value.seriesCount, sampleCount: value.pointCount,
            byteCount: statistics.peakBytes, timeNs: statistics.evaluationNs,
            children: root?.explain() ?? [])
    }

    /// With delayed name removal names go at the very end.
    private func withDueNames(_ plan: Operator, _ expr: Expr) -> Operator {
        guard options.delayedNameRemoval && expr.type == .vector else { return plan }
        return UniqueSeries(DelayedNames(plan), .sameKind(isAnswer: true))
    }

    private func evaluate(
        _ root: Operator, _ expr: Expr, _ query: QueryContext
    ) throws(QueryError) -> QueryResult.Value {
        try root.prepare()
        var builder = ResultBuilder(query)
        try builder.collect(root)
        if query.isRange { return .matrix(try builder.matrix(root.series)) }
        if expr.type == .scalar {
            return .scalar(timeMs: query.startMs, builder.firstValue)
        }
        return .vector(builder.vector(root.series))
    }
}

extension QueryResult.Value {
    /// What the answer's columns take.
    var byteCount: Int64 {
        switch self {
        case .scalar, .string: 0
        case .vector(let series), .matrix(let series):
            Int64((series.times.capacity + series.values.capacity + series.count * 2) * 8)
                + series.histograms.reduce(0) { $0 + Int64($1.byteCount + 8) }
                + Int64(series.labels.byteCount + series.symbols.byteCount)
        }
    }

    var pointCount: Int64 {
        switch self {
        case .scalar, .string: 1
        case .vector(let series), .matrix(let series):
            Int64(series.values.count + series.histograms.count)
        }
    }

    var seriesCount: Int {
        switch self {
        case .scalar, .string: 1
        case .vector(let series), .matrix(let series): series.count
        }
    }
}
