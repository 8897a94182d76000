import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

extension ReferenceEvaluation {
    private static let identifyingLabels = ["instance", "job"]

    /// `info(v, {selector})`: adds the data labels of the info series with the same instance and job.
    func info(
        _ node: CallExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        // What is the same at all steps is worked out at the first one.
        let base = try vector(node.arguments[0], timeMs, frame)
        var matchers: [LabelMatcher] = []
        if node.arguments.count > 1, case .vectorSelector(let node) = node.arguments[1].unwrapped {
            matchers = node.matchers
        }
        var nameMatchers = matchers.filter { $0.name == LabelName.metricName }
        let dataMatchers = matchers.filter { $0.name != LabelName.metricName }
        if nameMatchers.isEmpty {
            nameMatchers = [LabelMatcher(equal: LabelName.metricName, "target_info")]
        } else if nameMatchers.allSatisfy({ $0.operation.isNegative }) {
            do {
                nameMatchers.append(try LabelMatcher(LabelName.metricName, .regex, ".+_info"))
            } catch {
                preconditionFailure("BUG: \(error.message)")
            }
        }
        // Info series are not enriched themselves. (A selector without a name asks for none of them.)
        let isAnyEnriched =
            node.arguments.count > 1 && !matchers.contains { $0.name == LabelName.metricName }
        let isInfoSeries: (ReferenceSample) -> Bool = { [nameMatchers] sample in
            !isAnyEnriched
                && nameMatchers.allSatisfy { $0.matches(sample.labels.metricName ?? "") }
        }
        let infos = try infoSeries(
            nameMatchers + dataMatchers, base, timeMs, frame,
            limits: try infoLimits(node.arguments[0], frame))
        var result: [ReferenceSample] = []
        for sample in base {
            // Prometheus forgets here that the name was to go at the end.
            var sample = sample
            sample.dropsName = false
            if isInfoSeries(sample) {
                result.append(sample)
            } else if let enriched = try enriched(sample, infos, dataMatchers) {
                result.append(enriched)
            }
        }
        return result
    }

    private func identity(_ labels: LabelSet) -> LabelSet {
        labels.keeping { Self.identifyingLabels.contains($0) }
    }

    /// Info series are looked up at the steps, but read only where the first selector looks.
    private func infoLimits(
        _ expression: Expr, _ frame: ReferenceFrame
    ) throws(QueryError) -> ClosedRange<TimestampMs> {
        guard let (at, offset) = Self.firstModifiers(expression) else { return .min ... .max }
        let firstMs = try referenceTime(frame.startMs, at: at, offset: offset)
        let lastMs = try referenceTime(frame.endMs, at: at, offset: offset)
        let fromMs = firstMs - options.lookbackMs + 1
        return fromMs...max(fromMs, lastMs)
    }

    private static func firstModifiers(
        _ expression: Expr
    ) -> (at: AtModifier?, offset: DurationExpr?)? {
        switch expression {
        case .number, .string: return nil
        case .vectorSelector(let node): return (node.at, node.offset)
        case .matrixSelector(let node): return (node.selector.at, node.selector.offset)
        case .subquery(let node): return (node.at, node.offset)
        case .paren(let node): return firstModifiers(node.inner)
        case .unary(let node): return firstModifiers(node.operand)
        case .binary(let node): return firstModifiers(node.left) ?? firstModifiers(node.right)
        case .aggregate(let node):
            return firstModifiers(node.operand) ?? node.parameter.flatMap { firstModifiers($0) }
        case .call(let node): return node.arguments.lazy.compactMap { firstModifiers($0) }.first
        }
    }

    /// The newest info series of each name and identity.
    private func infoSeries(
        _ matchers: [LabelMatcher], _ base: [ReferenceSample], _ timeMs: TimestampMs,
        _ frame: ReferenceFrame, limits: ClosedRange<TimestampMs>
    ) throws(QueryError) -> [Selected] {
        let identities = Set(base.map { identity($0.labels) })
        let selector = VectorSelector(name: nil, matchers: matchers, range: SourceRange(0, 0))
        var newest: [LabelSet: Selected] = [:]
        for selected in try selectNewest(selector, timeMs, frame, limits: limits) {
            guard identities.contains(identity(selected.labels)) else { continue }
            if case .histogram = selected.value {
                throw .execution(
                    "this should be an info metric, with float samples: \(selected.labels)")
            }
            var key = identity(selected.labels)
            key[LabelName.metricName] = selected.labels.metricName
            guard let other = newest[key] else {
                newest[key] = selected
                continue
            }
            if other.timeMs == selected.timeMs {
                throw .execution(
                    "found duplicate series for info metric: existing \(other.labels) @ "
                        + "\(other.timeMs), new \(selected.labels) @ \(selected.timeMs)")
            }
            if other.timeMs < selected.timeMs { newest[key] = selected }
        }
        return newest.sorted { LabelSet.isOrderedBefore($0.key, $1.key) }.map(\.value)
    }

    private func enriched(
        _ sample: ReferenceSample, _ infos: [Selected], _ dataMatchers: [LabelMatcher]
    ) throws(QueryError) -> ReferenceSample? {
        let own = identity(sample.labels)
        let partners = own.labels.isEmpty ? [] : infos.filter { identity($0.labels) == own }
        if partners.isEmpty && !dataMatchers.allSatisfy(\.matchesEmpty) { return nil }
        var added = LabelSet()
        for label in partners.flatMap(\.labels.labels) where label.name != LabelName.metricName {
            if !dataMatchers.isEmpty && !dataMatchers.contains(where: { $0.name == label.name }) {
                continue
            }
            if let other = added[label.name], other != label.value {
                throw .execution("conflicting label: \(label.name)")
            }
            if sample.labels[label.name] == nil { added[label.name] = label.value }
        }
        var result = sample
        for label in added.labels { result.labels[label.name] = label.value }
        return result
    }
}

extension Expr {
    /// Whether the value is the same at all steps of a query: every selector has `@`, and no function
    /// looks at the time of evaluation.
    private static let functionsOfTime: Set<String> = [
        "time", "timestamp", "start_timestamp", "predict_linear", "minute", "hour", "day_of_week",
        "day_of_month", "day_of_year", "days_in_month", "month", "year",
    ]

    var isStepInvariant: Bool {
        switch self {
        case .number, .string: true
        case .paren(let node): node.inner.isStepInvariant
        case .unary(let node): node.operand.isStepInvariant
        case .binary(let node): node.left.isStepInvariant && node.right.isStepInvariant
        case .aggregate(let node): node.operand.isStepInvariant
        case .call(let node):
            !Self.functionsOfTime.contains(node.function.name)
                && node.arguments.allSatisfy(\.isStepInvariant)
        case .vectorSelector(let node): node.at != nil
        case .matrixSelector(let node): node.selector.at != nil
        case .subquery(let node): node.at != nil
        }
    }
}
