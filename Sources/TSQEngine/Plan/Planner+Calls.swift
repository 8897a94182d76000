import TSQBase
import TSQModel
import TSQPromQL

extension Planner {
    func plan(_ node: CallExpr, isAnswer: Bool) throws(QueryError) -> Operator {
        let arguments = node.arguments.map(\.unwrapped)
        if let operation = try planScalarFunction(node, arguments) { return operation }
        let relabelled = try planLabelFunction(node, arguments, .sameKind(isAnswer: isAnswer))
        if let relabelled { return relabelled }
        if let operation = try planVectorFunction(node, arguments) { return operation }
        if node.function.arguments.contains(.matrix) { return try planRangeCall(node, arguments) }
        return try planElementCall(node, arguments)
    }

    private func planScalarFunction(
        _ node: CallExpr, _ arguments: [Expr]
    ) throws(QueryError) -> Operator? {
        func constant(_ value: Double) -> Operator { ConstantScalar(query, steps: steps, value) }
        switch node.function.name {
        case "time": return TimeScalar(query, steps: steps)
        case "pi": return constant(.pi)
        case "start": return constant(Double(query.startMs) / 1000)
        case "end": return constant(Double(query.endMs) / 1000)
        case "range": return constant(Double(query.endMs &- query.startMs) / 1000)
        case "step": return constant(query.isRange ? Double(query.steps.stepMs) / 1000 : 0)
        case "max_of", "min_of":
            let isMax = node.function.name == "max_of"
            let operands = [try plan(arguments[0]), try plan(arguments[1])]
            return ComputedScalar(query, steps: steps, operands) {
                isMax ? GoMath.max($0[0], $0[1]) : GoMath.min($0[0], $0[1])
            }
        case "scalar": return VectorToScalar(lanes(try plan(arguments[0])))
        default: return nil
        }
    }

    private func planVectorFunction(
        _ node: CallExpr, _ arguments: [Expr]
    ) throws(QueryError) -> Operator? {
        switch node.function.name {
        case "vector": return try plan(arguments[0])
        case "timestamp", "start_timestamp": return try planTimestamp(node, arguments[0])
        case "absent": return try planAbsent(arguments[0])
        case "sort", "sort_desc", "sort_by_label", "sort_by_label_desc":
            return try planSort(node, arguments)
        case "histogram_quantile", "histogram_quantiles", "histogram_fraction":
            return try planHistogramCall(node, arguments)
        case "info":
            var selector: VectorSelector?
            if arguments.count > 1, case .vectorSelector(let second) = arguments[1] {
                selector = second
            }
            return InfoCall(
                lanes(try apart().plan(arguments[0])),
                try InfoSelection(
                    selector, times: SelectorTimes(steps: steps, atMs: nil, offsetMs: 0),
                    limits: try infoLimits(arguments[0])),
                keepsEqual: query.options.delayedNameRemoval && isInstant)
        default: return nil
        }
    }

    /// Info series are looked up at the steps themselves, but what is read of them goes by `@` and
    /// `offset` of the first selector.
    ///
    /// - Source: Prometheus promql/info.go `infoSelectHints`.
    private func infoLimits(_ expr: Expr) throws(QueryError) -> ClosedRange<TimestampMs>? {
        guard let modifiers = expr.firstModifiers else { return nil }
        let offsetMs = try modifiers.offset.map { (expr) throws(QueryError) in
            try durationMs(expr, allowsNegative: true)
        }
        let atMs = atMs(modifiers.at)
        let fromMs = (atMs ?? steps.firstMs).subtractingClamped(query.lookbackMs - 1)
            .subtractingClamped(offsetMs ?? 0)
        let toMs = (atMs ?? endMs).subtractingClamped(offsetMs ?? 0)
        return fromMs...max(fromMs, toMs)
    }

    private func planTimestamp(_ node: CallExpr, _ argument: Expr) throws(QueryError) -> Operator {
        let isStart = node.function.name == "start_timestamp"
        // `smoothed` changes values, not which sample's time it is.
        if case .vectorSelector(let selector) = argument {
            let answer: VectorLeaf.Answer = isStart ? .startTime : .time
            let leaf = measured(try plan(selector, answer: answer), argument)
            return unique(RowMap(leaf, dropsName: true) { _, _ in })
        }
        let child = try plan(argument)
        return unique(
            RowMap(child, dropsName: true) { row, steps in
                for step in 0..<row.stepCount where row.isPresent(step) {
                    if isStart {
                        row.setAbsent(step)
                    } else {
                        row.setFloat(step, Double(steps.timeMs(step)) / 1000)
                    }
                }
            })
    }

    private func planSort(_ node: CallExpr, _ arguments: [Expr]) throws(QueryError) -> Operator {
        let child = lanes(try plan(arguments[0]))
        let vainPlace = isInstant ? nil : node.range
        let names = arguments.dropFirst().map(\.stringValue)
        switch node.function.name {
        case "sort": return SortRows(child, .value(ascending: true), vainPlace)
        case "sort_desc": return SortRows(child, .value(ascending: false), vainPlace)
        case "sort_by_label": return SortRows(child, .labels(names, ascending: true), vainPlace)
        default: return SortRows(child, .labels(names, ascending: false), vainPlace)
        }
    }

    private func planHistogramCall(
        _ node: CallExpr, _ arguments: [Expr]
    ) throws(QueryError) -> Operator {
        let kind: HistogramCall.Kind
        let vector: Expr
        let scalars: [Expr]
        switch node.function.name {
        case "histogram_quantile":
            (kind, vector, scalars) = (.quantile, arguments[1], [arguments[0]])
        case "histogram_fraction":
            (kind, vector, scalars) = (.fraction, arguments[2], Array(arguments[0..<2]))
        default:
            kind = .quantiles(label: arguments[1].stringValue)
            (vector, scalars) = (arguments[0], Array(arguments.dropFirst(2)))
        }
        // What the parameters read has its buckets, too, whatever is asked for further in.
        let planner = needing(.fixedEverything)
        var parameters: [Operator] = []
        for scalar in scalars { parameters.append(try planner.apart().plan(scalar)) }
        // Prometheus places infos on native histograms at the first argument.
        let call = HistogramCall(
            lanes(try planner.plan(vector)), kind, parameters: parameters,
            ranges: HistogramCallRanges(
                vector: vector.range, repaired: arguments[1].range,
                parameters: scalars.map(\.range)),
            context: context(arguments[0].range, arguments))
        return unique(call)
    }

    private static let statisticsFunctions: Set<String> = [
        "histogram_count", "histogram_sum", "histogram_avg",
    ]

    private func planElementCall(
        _ node: CallExpr, _ arguments: [Expr]
    ) throws(QueryError) -> Operator {
        guard let kernel = ElementFunctions.kernel(named: node.function.name) else {
            throw .execution("unknown function with name \(GoQuote.quoted(node.function.name))")
        }
        var parameters: [Operator] = []
        var vector: Operator?
        for (argument, type) in zip(arguments, node.function.argumentTypes(arguments.count)) {
            if type == .scalar {
                parameters.append(try plan(argument))
            } else {
                let needsStatistics = Self.statisticsFunctions.contains(node.function.name)
                vector = try (needsStatistics ? needing(.statistics) : self).plan(argument)
            }
        }
        // Date functions without an argument tell the step's own date; no name is to be dropped.
        let child = vector ?? TimeScalar(query, steps: steps)
        let isOfHistograms = node.function.name.hasPrefix("histogram_")
        let naming: ElementCall.Naming =
            vector == nil ? .keeps : isOfHistograms ? .keepsType : .drops
        return unique(
            ElementCall(
                child, kernel: kernel, parameters: parameters,
                context: context(node.range, arguments), naming: naming))
    }
}

extension Expr {
    /// `@` and `offset` of the first selector in it; a subquery's stand for those of what is in it.
    fileprivate var firstModifiers: (at: AtModifier?, offset: DurationExpr?)? {
        switch self {
        case .number, .string: nil
        case .vectorSelector(let node): (node.at, node.offset)
        case .matrixSelector(let node): (node.selector.at, node.selector.offset)
        case .subquery(let node): (node.at, node.offset)
        case .paren(let node): node.inner.firstModifiers
        case .unary(let node): node.operand.firstModifiers
        case .binary(let node): node.left.firstModifiers ?? node.right.firstModifiers
        case .aggregate(let node):
            node.operand.firstModifiers ?? node.parameter?.firstModifiers
        case .call(let node): node.arguments.lazy.compactMap(\.firstModifiers).first
        }
    }
}

extension Function {
    /// The type of each of `count` arguments.
    func argumentTypes(_ count: Int) -> [ValueType] {
        (0..<count).map { $0 < arguments.count ? arguments[$0] : arguments.last ?? .none }
    }
}
