import TSQBase
import TSQModel
import TSQPromQL

/// Turns a syntax tree into operators: durations, `@` and `offset` resolved, parts that do not change
/// with the step evaluated once.
///
/// It reads nothing: all errors of durations and arguments come before the first sample.
struct Planner {
    let query: QueryContext
    /// The steps at which the expression at hand is evaluated.
    let steps: StepRange
    /// What is planned gives the answer.
    var isOutermost = false
    /// Samples within a subquery are not counted: those of its result are.
    var countsSamples = true
    /// Where the evaluation ends: at the last step or, as asked for, after it.
    var endMs: TimestampMs
    /// What the functions around need of histograms.
    var histogramNeed = HistogramNeed.everything
    /// nil: nothing is shared.
    var shared: SharedPlans?
    /// Parts in different scopes have tiles that begin apart: they share nothing.
    var scope = ""

    /// - Source: Prometheus promql/engine.go `detectHistogramStatsDecoding`.
    enum HistogramNeed {
        case everything
        /// Count, sum and reset hint: within `histogram_count`, `histogram_sum`, `histogram_avg`.
        case statistics
        /// Everything, whatever stands further in: within quantiles, trimming, subqueries.
        case fixedEverything
    }

    init(query: QueryContext, steps: StepRange) {
        self.query = query
        self.steps = steps
        endMs = steps.lastMs
    }

    /// A single evaluation: with delayed name removal its elements are told apart until the end, and
    /// they have an order. (One step with an end after it is none.)
    var isInstant: Bool { endMs == steps.firstMs }

    func with(_ steps: StepRange, endMs: TimestampMs) -> Planner {
        var planner = Planner(query: query, steps: steps)
        planner.endMs = endMs
        planner.countsSamples = countsSamples
        planner.histogramNeed = histogramNeed
        planner.shared = shared
        planner.scope = scope
        return planner
    }

    /// For parts whose tiles begin apart from those of the rest.
    func apart() -> Planner {
        guard let shared else { return self }
        var planner = self
        planner.scope += "/" + shared.newScope()
        return planner
    }

    func needing(_ need: HistogramNeed) -> Planner {
        if histogramNeed == .fixedEverything { return self }
        var planner = self
        planner.histogramNeed = need
        return planner
    }

    func plan(_ expr: Expr) throws(QueryError) -> Operator {
        if case .paren(let node) = expr { return try plan(node.inner) }
        if let tap = try planShared(expr) { return tap }
        return measured(try planUnmeasured(expr), expr)
    }

    /// A part that stands in the query more than once: worked out once, tile by tile.
    private func planShared(_ expr: Expr) throws(QueryError) -> Operator? {
        guard let shared, expr.type == .vector else { return nil }
        let text = expr.description
        if !shared.isRepeated(text) { return nil }
        let key = shareKey(text)
        let makeAlone = { () throws(QueryError) -> Operator in
            lanes(measured(try planUnmeasured(expr), expr))
        }
        let rows: SharedRows
        if let known = shared.rows(key, for: expr) {
            rows = known
        } else {
            rows = SharedRows(try makeAlone(), splits: false)
            shared.add(rows, key, for: expr)
        }
        return rows.tap(place: expr.range, makeAlone)
    }

    /// What must be equal where a part with the same text is to have the same rows.
    func shareKey(_ text: String) -> String {
        "\(scope)|\(steps.firstMs),\(steps.stepMs),\(steps.count)|\(countsSamples)|"
            + "\(histogramNeed)|\(endMs)|\(text)"
    }

    /// `operation`, which works out `expr`, with its place; measured where the plan is to be explained.
    func measured(_ operation: Operator, _ expr: Expr) -> Operator {
        operation.place = expr.range
        if !query.wantsExplain { return operation }
        let title =
            operation is StepInvariant ? ExplainTitle(name: "once", detail: "") : ExplainTitle(expr)
        let measured = Measured(operation, name: title.name, detail: title.detail)
        measured.place = expr.range
        return measured
    }

    private func planUnmeasured(_ expr: Expr) throws(QueryError) -> Operator {
        if !isInstant && StepInvariance.of(expr).shouldWrap {
            return StepInvariant(lanes(try once().plan(expr)), steps: steps)
        }
        var planner = self
        planner.isOutermost = false
        return try planner.planUnmeasured(expr, isAnswer: isOutermost)
    }

    /// - Parameter isAnswer: what is planned gives the answer, its operands do not.
    private func planUnmeasured(_ expr: Expr, isAnswer: Bool) throws(QueryError) -> Operator {
        switch expr {
        case .number(let node): return ConstantScalar(query, steps: steps, node.value)
        case .string, .matrixSelector, .subquery:
            throw .badData("invalid expression type \(GoQuote.quoted(expr.type.documented))")
        case .paren(let node): return try plan(node.inner)
        case .unary(let node): return try plan(node, isAnswer: isAnswer)
        case .binary(let node): return try plan(node)
        case .aggregate(let node): return try plan(node)
        case .call(let node): return try plan(node, isAnswer: isAnswer)
        case .vectorSelector(let node): return try plan(node, answer: .value)
        }
    }

    /// For operators that look at all series together: what is beneath them may be worked out by
    /// several threads.
    func lanes(_ operation: Operator) -> Operator {
        query.options.threads > 1 && operation.canFork ? Lanes(operation) : operation
    }

    /// For a part whose rows are wanted after those of another part have been worked out.
    func beside(_ operation: Operator) -> Operator {
        let suits = query.options.threads > 1 && operation.canMove && !(operation is Lanes)
        return suits ? Beside(operation) : operation
    }

    /// For what is evaluated at the first step only.
    func once() -> Planner {
        with(
            StepRange(firstMs: steps.firstMs, stepMs: steps.stepMs, count: 1),
            endMs: steps.firstMs)
    }

    /// - Parameter labelNames: the labels that are looked at, the name aside; nil: all.
    func plan(
        _ node: VectorSelector, answer: VectorLeaf.Answer, labelNames: [String]? = nil
    ) throws(QueryError) -> Operator {
        let times = try self.times(at: node.at, offset: node.offset)
        if node.isSmoothed && answer == .value {
            return SmoothedLeaf(
                query, steps: steps, matchers: node.matchers, times: times, range: node.range,
                countsSamples: countsSamples)
        }
        return VectorLeaf(
            query, steps: steps, matchers: node.matchers, times: times, answer: answer,
            countsSamples: countsSamples, wantsStatistics: histogramNeed == .statistics,
            labelNames: labelNames)
    }

    func times(at: AtModifier?, offset: DurationExpr?) throws(QueryError) -> SelectorTimes {
        let offsetMs = try offset.map { (expr) throws(QueryError) in
            try durationMs(expr, allowsNegative: true)
        }
        return SelectorTimes(steps: steps, atMs: atMs(at), offsetMs: offsetMs ?? 0)
    }

    func atMs(_ at: AtModifier?) -> TimestampMs? {
        switch at {
        case nil: nil
        case .timestampMs(let ms): ms
        case .start: query.startMs
        case .end: query.endMs
        }
    }

    func durationMs(_ expr: DurationExpr, allowsNegative: Bool) throws(QueryError) -> Int64 {
        do throws(DurationError) {
            return try expr.evaluateMs(in: query.durations, allowsNegative: allowsNegative)
        } catch {
            throw .badData(error.message)
        }
    }

    func context(_ range: SourceRange, _ arguments: [Expr] = []) -> KernelContext {
        var context = KernelContext(
            steps: steps, range: range, argumentRanges: arguments.map(\.range))
        context.useStartTimestamps = query.options.useStartTimestamps
        return context
    }

    /// Series may have become equal once names are dropped. With delayed removal they have not yet,
    /// and elements of a single step are told apart until the end.
    func unique(_ operation: Operator, _ rule: UniqueSeries.Rule = .sameStep) -> Operator {
        query.options.delayedNameRemoval && isInstant
            ? operation : UniqueSeries(operation, rule)
    }
}

/// Which parts of an expression have the same value at every step.
///
/// - Source: Prometheus promql/engine.go `preprocessExprHelper`.
struct StepInvariance {
    let isInvariant: Bool
    /// Worth evaluating once: literals and range selectors are not.
    let shouldWrap: Bool

    private init(_ isInvariant: Bool, _ shouldWrap: Bool) {
        self.isInvariant = isInvariant
        self.shouldWrap = shouldWrap
    }

    /// Functions of the evaluation time.
    private static let unsafeFunctions: Set<String> = [
        "days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month",
        "year", "predict_linear", "time", "timestamp", "start_timestamp",
    ]

    static func of(_ expr: Expr) -> StepInvariance {
        switch expr {
        case .number, .string: StepInvariance(true, false)
        case .paren(let node): of(node.inner)
        case .unary(let node): of(node.operand)
        case .binary(let node):
            of(node.left).isInvariant && of(node.right).isInvariant
                ? StepInvariance(true, true) : StepInvariance(false, false)
        case .aggregate(let node): of(node.operand)
        case .vectorSelector(let node): StepInvariance(node.at != nil, node.at != nil)
        case .matrixSelector(let node): StepInvariance(node.selector.at != nil, false)
        case .subquery(let node): StepInvariance(node.at != nil, node.at != nil)
        case .call(let node):
            !unsafeFunctions.contains(node.function.name)
                && node.arguments.allSatisfy { of($0).isInvariant }
                ? StepInvariance(true, true) : StepInvariance(false, false)
        }
    }
}

extension Expr {
    /// Without the parentheses around it.
    var unwrapped: Expr {
        var expr = self
        while case .paren(let node) = expr { expr = node.inner }
        return expr
    }

    var stringValue: String {
        if case .string(let node) = unwrapped { return node.value }
        return ""
    }
}
