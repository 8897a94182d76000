import TSQBase
import TSQModel
import TSQPromQL

/// What all operators of one query share: its source, symbols, settings, budget and remarks.
///
/// One thread at a time uses it; other threads use forks.
final class QueryContext {
    let source: any SeriesSource
    let options: EngineOptions
    let lookbackMs: Int64
    /// The outermost steps: what `step()`, `range()`, `start()` and `end()` speak of.
    let steps: StepRange
    let isRange: Bool
    let startMs: TimestampMs
    let endMs: TimestampMs
    /// The query as it was written, for errors; empty where it was not.
    let text: String
    let wantsExplain: Bool
    let symbols: SymbolTable
    private var symbolBytes = MemoryCharge()
    @exclusivity(unchecked) var budget: QueryBudget
    var annotations = Annotations()
    @exclusivity(unchecked) var statistics = QueryStatistics()

    /// Whether a helper looks chunks up as soon as series are selected, or is wanted for more.
    var looksUpAhead = true

    let nameSymbol: SymbolID
    let typeSymbol: SymbolID
    let unitSymbol: SymbolID
    let bucketSymbol: SymbolID
    let emptySymbol: SymbolID

    init(
        source: any SeriesSource, options: EngineOptions, query: QueryOptions, steps: StepRange,
        endMs: TimestampMs, isRange: Bool, text: String = ""
    ) {
        self.text = text
        wantsExplain = query.explain
        symbols = SymbolTable()
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

    /// For another thread: the same query with remarks, counts and readable symbols of its own.
    ///
    /// - Parameter abandonment: ends the work of this fork alone.
    init(forkOf other: QueryContext, abandonment: QueryCancellation? = nil) {
        text = other.text
        wantsExplain = other.wantsExplain
        source = other.source
        options = other.options
        steps = other.steps
        isRange = other.isRange
        startMs = other.startMs
        endMs = other.endMs
        lookbackMs = other.lookbackMs
        symbols = other.symbols.snapshot()
        budget = other.budget.fork(abandonment: abandonment)
        emptySymbol = other.emptySymbol
        nameSymbol = other.nameSymbol
        typeSymbol = other.typeSymbol
        unitSymbol = other.unitSymbol
        bucketSymbol = other.bucketSymbol
    }

    /// Charges what the symbol table has grown by.
    func chargeSymbols(_ owner: Operator) throws(QueryError) {
        try symbolBytes.set(symbols.byteCount, self, owner)
    }

    /// Series between two looks at deadline and cancellation while tables are built.
    private static let seriesPerCheck = 4096

    /// To be called for each series that goes into a table.
    @inline(__always)
    func check(_ series: Int) throws(QueryError) {
        if series % Self.seriesPerCheck == 0 { try budget.check() }
    }

    /// The longest text of a part that an error shows.
    private static let partBytesMax = 60

    /// The text of the part of the query that `operation` works out, shortened.
    func text(of operation: Operator) -> String {
        var range = operation.place
        var inner = operation.inputs
        while range == nil, let next = inner.lazy.compactMap({ $0 as? Operator }).first {
            range = next.place
            inner = next.inputs
        }
        guard let range else { return "the query" }
        return Self.shortened(text, range)
    }

    /// `range` of `text` (bytes), at most `partBytesMax` long.
    static func shortened(_ text: String, _ range: SourceRange) -> String {
        let bytes = Array(text.utf8)
        let end = min(range.end, bytes.count)
        guard range.start >= 0, range.start < end else { return "the query" }
        var cut = end
        if end - range.start > partBytesMax {
            cut = range.start + partBytesMax
            // Not in the midst of a character.
            while cut > range.start && bytes[cut] & 0xC0 == 0x80 { cut -= 1 }
        }
        return String(decoding: bytes[range.start..<cut], as: UTF8.self) + (cut < end ? "…" : "")
    }

    /// `step()` and `range()` in durations; an instant query has no step.
    var durations: DurationContext {
        DurationContext(stepMs: isRange ? steps.stepMs : 0, rangeMs: endMs &- startMs)
    }

    /// Begins to count samples and statistics apart from the query's.
    func startRecording() -> (SampleMark, QueryStatistics) {
        let mark = (budget.record(), statistics)
        statistics = QueryStatistics()
        return mark
    }

    func stopRecording(_ mark: (SampleMark, QueryStatistics)) -> RecordedCosts {
        let costs = RecordedCosts(samples: budget.finish(mark.0), statistics: statistics)
        statistics = mark.1
        return costs
    }

    /// Where the plan is to be explained: counts for a part of it.
    func newProbe() -> OperatorProbe? { wantsExplain ? OperatorProbe() : nil }

    /// The series of a selector with samples in `fromMs < time <= toMs`.
    func select(
        _ matchers: [LabelMatcher], fromMs: TimestampMs, toMs: TimestampMs,
        labelNames: [String]? = nil
    ) throws(QueryError) -> any SeriesSelection {
        var request = SelectRequest(matchers: matchers, fromMs: fromMs, toMs: toMs)
        // With the reserved ones, which come and go with the name.
        request.labelNames = labelNames.map { $0 + [LabelName.metricType, LabelName.metricUnit] }
        let budget = self.budget
        request.isOver = { budget.isOver }
        let selection: any SeriesSelection
        do throws(SourceError) {
            selection = try source.select(request, symbols: symbols)
        } catch {
            throw QueryError(error)
        }
        try self.budget.check()
        return selection
    }

    /// Begins to collect remarks apart from the query's, which are returned.
    func takeRemarks() -> Annotations {
        let remarks = annotations
        annotations = Annotations()
        return remarks
    }

    /// Ends that: those collected come to `remarks`, and are made at the other places as well.
    func giveBack(_ remarks: Annotations, _ copies: [[SourceRange: SourceRange]]) {
        let found = annotations
        annotations = remarks
        if found.isEmpty { return }
        annotations.merge(found)
        for places in copies { annotations.merge(found.moved(places)) }
    }

    /// Moves a kernel's remarks to the query's.
    func take(_ context: inout KernelContext) {
        if context.annotations.isEmpty { return }
        annotations.merge(context.annotations)
        context.annotations = Annotations()
    }
}

/// What a part of the work counted.
struct RecordedCosts {
    var samples: SampleHold
    var statistics: QueryStatistics
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
