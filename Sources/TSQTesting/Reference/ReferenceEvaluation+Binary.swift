import Glibc
import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

extension ReferenceEvaluation {
    // MARK: Scalars

    static func scalarOperation(
        _ operation: BinaryOperator, _ left: Double, _ right: Double
    ) -> Double {
        if operation.isComparison { return holds(operation, left, right) ? 1 : 0 }
        return arithmetic(operation, left, right) ?? .nan
    }

    /// nil for operators that are not arithmetic.
    static func arithmetic(
        _ operation: BinaryOperator, _ left: Double, _ right: Double
    ) -> Double? {
        switch operation {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        case .modulo: fmod(left, right)
        case .power: pow(left, right)
        case .atan2: Glibc.atan2(left, right)
        default: nil
        }
    }

    static func holds(_ operation: BinaryOperator, _ left: Double, _ right: Double) -> Bool {
        switch operation {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        default: false
        }
    }

    /// Arithmetic makes another quantity of it: the name no longer fits.
    static func changesIdentity(_ operation: BinaryOperator) -> Bool {
        arithmetic(operation, 1, 1) != nil
    }

    // MARK: Elements

    /// The outcome for a pair: nil is "nothing to say about it"; `isKept` is a comparison's truth.
    private typealias Outcome = (value: ReferenceValue, isKept: Bool)

    private func combined(
        _ left: ReferenceValue, _ right: ReferenceValue, _ node: BinaryExpr
    ) -> Outcome? {
        let operation = node.operation
        let range = Expr.binary(node).range
        func incompatible(_ a: String, _ b: String) -> Outcome? {
            annotations.incompatibleTypes(a, operation, b, range)
            return nil
        }
        switch (left, right) {
        case (.float(let a), .float(let b)):
            if let value = Self.arithmetic(operation, a, b) { return (.float(value), true) }
            if operation.isComparison { return (left, Self.holds(operation, a, b)) }
            return incompatible("float", "float")
        case (.float(let factor), .histogram(var histogram)):
            guard operation == .multiply else { return incompatible("float", "histogram") }
            histogram.multiply(by: factor)
            return (.histogram(histogram.compacted()), true)
        case (.histogram(var histogram), .float(let number)):
            switch operation {
            case .multiply:
                histogram.multiply(by: number)
                return (.histogram(histogram.compacted()), true)
            case .divide:
                histogram.divide(by: number)
                return (.histogram(histogram.compacted()), true)
            case .trimUpper, .trimLower:
                let trimmed = histogram.trimmed(
                    at: number, keepsBelow: operation == .trimUpper)
                return (.histogram(trimmed), true)
            default: return incompatible("histogram", "float")
            }
        case (.histogram(let a), .histogram(let b)):
            switch operation {
            case .add, .subtract: return combinedHistograms(a, b, operation, range)
            case .equal: return (left, a.hasSameData(as: b))
            case .notEqual: return (left, !a.hasSameData(as: b))
            default: return incompatible("histogram", "histogram")
            }
        }
    }

    private func combinedHistograms(
        _ left: Histogram, _ right: Histogram, _ operation: BinaryOperator, _ range: SourceRange
    ) -> Outcome? {
        var result = left
        let kind: ReferenceAnnotations.Operation = operation == .add ? .addition : .subtraction
        do {
            let report =
                operation == .add ? try result.add(right) : try result.subtract(right)
            if operation == .subtract { result.hint = .gauge }
            if report.resetCollision {
                annotations.resetCollision(kind, range)
                return nil
            }
            if report.boundsReconciled { annotations.boundsReconciled(kind, range) }
        } catch {
            annotations.warn(
                "incompatible bucket layout encountered for binary operator \(operation.rawValue)",
                range)
            return nil
        }
        return (.histogram(result.compacted()), true)
    }

    // MARK: Vectors

    func binary(
        _ node: BinaryExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        let result: [ReferenceSample]
        switch (node.left.type, node.right.type) {
        case (.scalar, _):
            let left = try scalar(node.left, timeMs, frame)
            let right = try vector(node.right, timeMs, frame)
            result = right.compactMap { withScalar($0, left, isScalarLeft: true, node) }
        case (_, .scalar):
            let left = try vector(node.left, timeMs, frame)
            let right = try scalar(node.right, timeMs, frame)
            result = left.compactMap { withScalar($0, right, isScalarLeft: false, node) }
        default:
            let left = try vector(node.left, timeMs, frame)
            let right = try vector(node.right, timeMs, frame)
            let matching = node.matching ?? VectorMatching()
            result =
                node.operation.isSet
                ? setOperation(node.operation, left, right, matching)
                : try matched(node, left, right, matching)
        }
        let isUnion = node.operation == .or
        return try checked(isUnion ? named(result, node, frame) : result, frame)
    }

    /// `or`: all values of a series over time lose the name, or none, as the first of them does.
    private func named(
        _ union: [ReferenceSample], _ node: BinaryExpr, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        let place = Expr.binary(node).range
        return try withSettledNames(union, place, frame, isFirstDecisive: true) {
            (timeMs) throws(QueryError) in
            self.setOperation(
                .or, try self.vector(node.left, timeMs, frame),
                try self.vector(node.right, timeMs, frame), node.matching ?? VectorMatching())
        }
    }

    private func withScalar(
        _ sample: ReferenceSample, _ scalar: Double, isScalarLeft: Bool, _ node: BinaryExpr
    ) -> ReferenceSample? {
        let other = ReferenceValue.float(scalar)
        guard
            let outcome = isScalarLeft
                ? combined(other, sample.value, node) : combined(sample.value, other, node)
        else { return nil }
        if node.returnsBool { return nameless(sample, .float(outcome.isKept ? 1 : 0)) }
        guard outcome.isKept else { return nil }
        if node.operation.isComparison { return sample }
        if Self.changesIdentity(node.operation) { return nameless(sample, outcome.value) }
        var result = sample
        result.value = outcome.value
        return result
    }

    /// What both sides must have in common.
    private func signature(_ labels: LabelSet, _ matching: VectorMatching) -> LabelSet {
        labels.keeping {
            matching.isOn
                ? matching.labels.contains($0)
                : $0 != LabelName.metricName && !matching.labels.contains($0)
        }
    }

    private func setOperation(
        _ operation: BinaryOperator, _ left: [ReferenceSample], _ right: [ReferenceSample],
        _ matching: VectorMatching
    ) -> [ReferenceSample] {
        let leftSignatures = Set(left.map { signature($0.labels, matching) })
        let rightSignatures = Set(right.map { signature($0.labels, matching) })
        switch operation {
        case .and:
            return left.filter { rightSignatures.contains(signature($0.labels, matching)) }
        case .unless:
            return left.filter { !rightSignatures.contains(signature($0.labels, matching)) }
        default:
            return left
                + right.filter { !leftSignatures.contains(signature($0.labels, matching)) }
        }
    }

    /// One-to-one, many-to-one and one-to-many. "many" is the left side unless `group_right`.
    private func matched(
        _ node: BinaryExpr, _ left: [ReferenceSample], _ right: [ReferenceSample],
        _ matching: VectorMatching
    ) throws(QueryError) -> [ReferenceSample] {
        let isSwapped = matching.cardinality == .oneToMany
        let hasFill = matching.fillLeft != nil || matching.fillRight != nil
        if left.isEmpty && right.isEmpty || (left.isEmpty || right.isEmpty) && !hasFill {
            return []
        }
        let (many, one) = isSwapped ? (right, left) : (left, right)
        // Prometheus swaps the sides for group_right, but not their fill values.
        let manyFill = matching.fillLeft
        let oneFill = matching.fillRight
        var ones: [LabelSet: ReferenceSample] = [:]
        for sample in one {
            let key = signature(sample.labels, matching)
            if let other = ones[key] {
                throw .execution(
                    "found duplicate series for the match group \(key) on the "
                        + "\(isSwapped ? "left" : "right") hand-side of the operation: "
                        + "[\(sample.labels), \(other.labels)];many-to-many matching not allowed: "
                        + "matching labels must be unique on one side")
            }
            ones[key] = sample
        }
        var pairing = Pairing(node: node, matching: matching, isSwapped: isSwapped)
        var result: [ReferenceSample] = []
        for sample in many {
            let key = signature(sample.labels, matching)
            let filled = oneFill.map { ReferenceSample(labels: key, value: .float($0)) }
            guard let partner = ones[key] ?? filled else { continue }
            if let pair = try paired(sample, partner, key, &pairing) { result.append(pair) }
        }
        if let manyFill {
            for sample in one {
                let key = signature(sample.labels, matching)
                if pairing.matched[key] != nil { continue }
                let filled = ReferenceSample(labels: key, value: .float(manyFill))
                if let pair = try paired(filled, sample, key, &pairing) { result.append(pair) }
            }
        }
        annotations.merge(pairing.lastRemark)
        return result
    }

    private struct Pairing {
        var node: BinaryExpr
        var matching: VectorMatching
        var isSwapped: Bool
        /// What was said last of a pair: of one step's remarks it is the only one that is told.
        var lastRemark = ReferenceAnnotations()
        /// The result labels that each signature has given.
        var matched: [LabelSet: Set<LabelSet>] = [:]
    }

    private func paired(
        _ many: ReferenceSample, _ one: ReferenceSample, _ key: LabelSet, _ pairing: inout Pairing
    ) throws(QueryError) -> ReferenceSample? {
        let node = pairing.node
        let earlier = annotations
        annotations = ReferenceAnnotations()
        let outcome =
            pairing.isSwapped
            ? combined(one.value, many.value, node) : combined(many.value, one.value, node)
        if !annotations.isEmpty { pairing.lastRemark = annotations }
        annotations = earlier
        guard let outcome else { return nil }
        let labels = resultLabels(many.labels, one.labels, node, pairing.matching)
        if pairing.matching.cardinality == .oneToOne {
            if pairing.matched[key] != nil {
                throw .execution(
                    "multiple matches for labels: many-to-one matching must be explicit "
                        + "(group_left/group_right)")
            }
            pairing.matched[key] = []
        } else if !pairing.matched[key, default: []].insert(labels).inserted {
            throw .execution(
                "multiple matches for labels: grouping labels must ensure unique matches")
        }
        if node.returnsBool {
            return ReferenceSample(
                labels: labels, value: .float(outcome.isKept ? 1 : 0), dropsName: true)
        }
        return outcome.isKept ? ReferenceSample(labels: labels, value: outcome.value) : nil
    }

    private func resultLabels(
        _ many: LabelSet, _ one: LabelSet, _ node: BinaryExpr, _ matching: VectorMatching
    ) -> LabelSet {
        let dropsAtOnce = node.returnsBool && !options.delayedNameRemoval
        var labels =
            dropsAtOnce || Self.changesIdentity(node.operation) ? many.withoutIdentity : many
        if matching.cardinality == .oneToOne {
            labels = labels.keeping { matching.labels.contains($0) == matching.isOn }
        }
        for name in matching.include { labels[name] = one[name] }
        return labels
    }
}
