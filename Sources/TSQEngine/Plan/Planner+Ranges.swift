import TSQBase
import TSQModel
import TSQPromQL

extension Planner {
    /// A range vector: where its samples come from, where its windows end, and their geometry.
    struct RangePlan {
        var input: any RangeInput
        var times: SelectorTimes
        var windows: Windows
        /// The matchers of a plain selector, for `absent_over_time`.
        var matchers: [LabelMatcher]
    }

    func planRange(_ expr: Expr) throws(QueryError) -> RangePlan {
        var windows = Windows()
        switch expr.unwrapped {
        case .matrixSelector(let node):
            let times = try self.times(at: node.selector.at, offset: node.selector.offset)
            windows.rangeMs = try durationMs(node.length, allowsNegative: false)
            windows.mode =
                node.selector.isAnchored
                ? .anchored : node.selector.isSmoothed ? .smoothed : .none
            windows.lookbackMs = query.lookbackMs
            windows.firstEndMs = times.firstMs
            windows.stepMs = times.stepMs
            let input = SelectorRange(
                query, matchers: node.selector.matchers, windows: windows, count: steps.count,
                wantsStatistics: histogramNeed == .statistics)
            if query.wantsExplain { input.title = expr.unwrapped.description }
            return RangePlan(
                input: input, times: times, windows: windows, matchers: node.selector.matchers)
        case .subquery(let node):
            let times = try self.times(at: node.at, offset: node.offset)
            windows.rangeMs = try durationMs(node.length, allowsNegative: false)
            windows.lookbackMs = query.lookbackMs
            windows.firstEndMs = times.firstMs
            windows.stepMs = times.stepMs
            let input = SubqueryRange(query, inner: try planSubquery(node, times, windows))
            if query.wantsExplain { input.title = node.suffix }
            return RangePlan(
                input: input, times: times, windows: windows, matchers: [])
        default:
            throw .badData("expected a range vector, got \(expr.type.documented)")
        }
    }

    private func planSubquery(
        _ node: SubqueryExpr, _ times: SelectorTimes, _ windows: borrowing Windows
    ) throws(QueryError) -> Operator? {
        let stepMs = try resolutionMs(node)
        let inner = SubqueryRange.steps(
            firstEndMs: times.firstMs, lastEndMs: times.lastMs, rangeMs: windows.rangeMs,
            stepMs: max(1, stepMs))
        if let inner, inner.count > EngineLimits.stepsMax {
            throw .execution(
                "query processing would load too many samples into memory in "
                    + QueryBudget.executionPlace)
        }
        // Even without a step the inside is planned: it may hold a mistake.
        let range = inner ?? StepRange(firstMs: times.firstMs, stepMs: max(1, stepMs), count: 1)
        var planner = with(range, endMs: times.lastMs).needing(.fixedEverything)
        planner.countsSamples = false
        if shared != nil { planner.scope += "/" + node.suffix }
        do throws(QueryError) {
            let operation = try planner.plan(node.inner)
            return inner == nil ? nil : operation
        } catch {
            // What is never evaluated has no mistakes but those of its durations.
            if inner == nil, case .execution = error { return nil }
            throw error
        }
    }

    private func resolutionMs(_ node: SubqueryExpr) throws(QueryError) -> Int64 {
        guard let step = node.step else { return query.options.subqueryStepMs }
        return try durationMs(step, allowsNegative: false)
    }

    /// The steps of a subquery's inside and where it ends; nil where it has none.
    func inside(
        of node: SubqueryExpr
    ) throws(QueryError) -> (steps: StepRange, endMs: TimestampMs)? {
        let times = try self.times(at: node.at, offset: node.offset)
        let steps = SubqueryRange.steps(
            firstEndMs: times.firstMs, lastEndMs: times.lastMs,
            rangeMs: try durationMs(node.length, allowsNegative: false),
            stepMs: max(1, try resolutionMs(node)))
        guard let steps, steps.count <= EngineLimits.stepsMax else { return nil }
        return (steps, times.lastMs)
    }

    private static let anchoredFunctions = ["changes", "delta", "increase", "rate", "resets"]
    private static let smoothedFunctions = ["delta", "increase", "rate"]

    func planRangeCall(_ node: CallExpr, _ arguments: [Expr]) throws(QueryError) -> Operator {
        let name = node.function.name
        var parameters: [Operator] = []
        var range: Expr?
        for argument in arguments {
            if argument.type == .matrix {
                range = argument
            } else {
                parameters.append(try plan(argument))
            }
        }
        guard let range else { throw .execution("\(name) has no range vector") }
        let source = try planRange(range)
        try checkExtension(source.windows.mode, name)
        let isAbsence = name == "absent_over_time"
        guard
            let kernel = isAbsence ? Self.presence : RangeFunctions.kernel(named: name)
        else { throw .execution("unknown function with name \(GoQuote.quoted(name))") }
        let keepsName = isAbsence || name == "last_over_time" || name == "first_over_time"
        let makeAlone = { () -> Operator in
            RangeCall(
                query, steps: steps, input: source.input, kernel: kernel, times: source.times,
                windows: source.windows, parameters: parameters,
                context: context(node.range, arguments), keepsName: keepsName,
                countsSamples: countsSamples)
        }
        let member = RangeGroup.Member(
            kernel: kernel,
            state: RangeState(
                times: source.times, windows: source.windows,
                context: context(node.range, arguments)),
            parameters: Parameters(parameters), names: SeriesNames(query),
            countsSamples: countsSamples)
        let call =
            planGrouped(range, source, member, keepsName: keepsName, makeAlone) ?? makeAlone()
        if isAbsence { return AbsentOverTime(lanes(call), labels: absentLabels(source.matchers)) }
        return keepsName || query.options.delayedNameRemoval ? call : unique(call, .anyStep)
    }

    /// A function of a selector that others take windows of, too: they read it together.
    private func planGrouped(
        _ range: Expr, _ source: RangePlan, _ member: RangeGroup.Member, keepsName: Bool,
        _ makeAlone: @escaping () -> Operator
    ) -> Operator? {
        guard let shared, source.windows.mode == .none, case .matrixSelector(let node) = range,
            member.parameters.operators.allSatisfy({ $0.constant != nil })
        else { return nil }
        let text = Expr.vectorSelector(node.selector).description
        if !shared.hasSeveralWindows(text) { return nil }
        let key = shareKey(text)
        let known: (group: RangeGroup, rows: SharedRows)
        if let found = shared.group(key) {
            known = found
        } else {
            let group = RangeGroup(
                query, steps: steps, matchers: source.matchers, times: source.times,
                wantsStatistics: histogramNeed == .statistics, title: text)
            known = (group, SharedRows(lanes(group), splits: true))
            shared.add(known.group, known.rows, key)
        }
        known.group.add(member)
        let query = query
        return known.rows.tap(
            place: range.range, { () throws(QueryError) in lanes(makeAlone()) },
            series: { keepsName ? $0 : query.droppingName($0) })
    }

    /// 1 wherever the window has a sample.
    private static let presence: RangeKernel = { _, windows, _, row in
        for step in 0..<windows.count
        where windows.floatStarts[step] < windows.floatEnds[step]
            || windows.histogramStarts[step] < windows.histogramEnds[step]
        {
            row.setFloat(step, 1)
        }
    }

    private func checkExtension(_ mode: Windows.Extension, _ name: String) throws(QueryError) {
        let (word, allowed) =
            mode == .anchored
            ? ("anchored", Self.anchoredFunctions) : ("smoothed", Self.smoothedFunctions)
        if mode == .none || allowed.contains(name) { return }
        throw .execution(
            "\(word) modifier can only be used with: \(allowed.joined(separator: ", ")) - "
                + "not with \(name)")
    }

    func planAbsent(_ argument: Expr) throws(QueryError) -> Operator {
        var matchers: [LabelMatcher] = []
        if case .vectorSelector(let node) = argument { matchers = node.matchers }
        return AbsentOverTime(lanes(try plan(argument)), labels: absentLabels(matchers))
    }

    /// The labels that a missing series would have: those with one `=` condition.
    ///
    /// - Source: Prometheus promql/functions.go `createLabelsForAbsentFunction`.
    private func absentLabels(_ matchers: [LabelMatcher]) -> [LabelPair] {
        var labels: [String: String] = [:]
        var seen: Set<String> = []
        for matcher in matchers where matcher.name != LabelName.metricName {
            if matcher.operation == .equal && !seen.contains(matcher.name) {
                labels[matcher.name] = matcher.value
                seen.insert(matcher.name)
            } else {
                labels[matcher.name] = nil
            }
        }
        return LabelSet(labels.map { Label($0.key, $0.value) }).labels.map {
            LabelPair(name: query.symbols.intern($0.name), value: query.symbols.intern($0.value))
        }
    }
}
