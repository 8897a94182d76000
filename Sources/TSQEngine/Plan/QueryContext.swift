import TSQBase
import TSQModel
import TSQPromQL

/// What all operators of one query share: its source, symbols, settings, budget and remarks.
///
/// One thread at a time uses it.
final class QueryContext {
    let source: any SeriesSource
    let options: EngineOptions
    let lookbackMs: Int64
    /// The outermost steps: what `step()`, `range()`, `start()` and `end()` speak of.
    let steps: StepRange
    let isRange: Bool
    let startMs: TimestampMs
    let endMs: TimestampMs
    let symbols = SymbolTable()
    var budget: QueryBudget
    var annotations = Annotations()
    var statistics = QueryStatistics()

    let nameSymbol: SymbolID
    let typeSymbol: SymbolID
    let unitSymbol: SymbolID
    let bucketSymbol: SymbolID
    let emptySymbol: SymbolID

    init(
        source: any SeriesSource, options: EngineOptions, query: QueryOptions, steps: StepRange,
        endMs: TimestampMs, isRange: Bool
    ) {
        self.source = source
        self.options = options
        self.steps = steps
        self.isRange = isRange
        startMs = steps.firstMs
        self.endMs = endMs
        lookbackMs = query.lookbackMs ?? options.lookbackMs
        budget = QueryBudget(options: options, query: query)
        emptySymbol = symbols.intern("")
        nameSymbol = symbols.intern(LabelName.metricName)
        typeSymbol = symbols.intern(LabelName.metricType)
        unitSymbol = symbols.intern(LabelName.metricUnit)
        bucketSymbol = symbols.intern(LabelName.bucketBound)
    }

    /// `step()` and `range()` in durations; an instant query has no step.
    var durations: DurationContext {
        DurationContext(stepMs: isRange ? steps.stepMs : 0, rangeMs: endMs &- startMs)
    }

    /// Moves a kernel's remarks to the query's.
    func take(_ context: inout KernelContext) {
        if context.annotations.all.isEmpty { return }
        annotations.merge(context.annotations)
        context.annotations = Annotations()
    }
}

extension QueryError {
    /// Prometheus's text for a storage error met while series are expanded.
    init(_ error: SourceError) {
        switch error {
        case .storage(let text): self = .storage(text)
        case .limit(let text): self = .execution(text)
        }
    }

    static let sameLabelset = QueryError.execution(
        "vector cannot contain metrics with the same labelset")
}
