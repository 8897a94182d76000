import TSQBase
import TSQModel
import TSQPromQL

extension Planner {
    func plan(_ node: UnaryExpr, isAnswer: Bool) throws(QueryError) -> Operator {
        let child = try plan(node.operand)
        if !node.isNegation { return child }
        if node.operand.type == .scalar {
            return ComputedScalar(query, steps: steps, [child]) { -$0[0] }
        }
        return unique(Negation(child), .sameKind(isAnswer: isAnswer))
    }

    func plan(_ node: BinaryExpr) throws(QueryError) -> Operator {
        let operation = node.operation
        let isTrim = operation == .trimUpper || operation == .trimLower
        let planner = isTrim ? needing(.fixedEverything) : self
        let left = try planner.plan(node.left)
        let right = try planner.plan(node.right)
        let range = SourceRange(node.left.range.start, node.right.range.end)
        switch (node.left.type == .scalar, node.right.type == .scalar) {
        case (true, true):
            if isTrim {
                throw .execution(
                    "operator \(GoQuote.quoted(operation.rawValue)) not allowed for Scalar "
                        + "operations")
            }
            return ComputedScalar(query, steps: steps, [left, right]) {
                BinaryKernels.scalar(operation, $0[0], $0[1])
            }
        case (false, true):
            return unique(
                VectorScalar(
                    left, right, operation, returnsBool: node.returnsBool, scalarOnLeft: false,
                    context: context(range)))
        case (true, false):
            return unique(
                VectorScalar(
                    right, left, operation, returnsBool: node.returnsBool, scalarOnLeft: true,
                    context: context(range)))
        case (false, false): break
        }
        let matching = node.matching ?? VectorMatching()
        switch operation {
        case .and:
            return FilterSet(lanes(left), lanes(right), isUnless: false, matching: matching)
        case .unless:
            return FilterSet(lanes(left), lanes(right), isUnless: true, matching: matching)
        case .or: return unique(UnionSet(lanes(left), lanes(right), matching: matching))
        default:
            // The "one" side of a tile is worked out first: meanwhile another thread can do the other.
            let isSwapped = matching.cardinality == .oneToMany
            return unique(
                VectorMatch(
                    left: isSwapped ? lanes(left) : beside(lanes(left)),
                    right: isSwapped ? beside(lanes(right)) : lanes(right), operation,
                    returnsBool: node.returnsBool,
                    matching: matching, context: context(range)))
        }
    }

    func plan(_ node: AggregateExpr) throws(QueryError) -> Operator {
        let operand = node.operand.unwrapped
        if node.operation == .countValues {
            guard case .string(let literal)? = node.parameter?.unwrapped else {
                throw .execution("count_values has no label name")
            }
            let label = literal.value
            if label.isEmpty || literal.invalidBytes != nil {
                throw .execution(
                    "invalid label name \(node.parameter?.unwrapped.description ?? "")")
            }
            return CountValues(
                lanes(try apart().plan(operand)), label: label, grouping: node.grouping,
                isWithout: node.isWithout)
        }
        let parameter = try node.parameter.map { (expr) throws(QueryError) in
            try plan(expr.unwrapped)
        }
        let child = lanes(try planOperand(operand, of: node))
        let none = ConstantScalar(query, steps: steps, .nan)
        let parameterRange = node.parameter?.unwrapped.range ?? node.range
        switch node.operation {
        case .topk, .bottomk:
            return RankAggregation(
                child, k: parameter ?? none, isTop: node.operation == .topk,
                grouping: node.grouping, isWithout: node.isWithout, range: node.range)
        case .limitk:
            return LimitAggregation(
                child, k: parameter ?? none, grouping: node.grouping, isWithout: node.isWithout)
        case .limitRatio:
            return RatioAggregation(
                child, ratio: parameter ?? none, parameterRange: parameterRange)
        case .quantile:
            return QuantileAggregation(
                child, phi: parameter ?? none, grouping: node.grouping, isWithout: node.isWithout,
                parameterRange: parameterRange, operandRange: operand.range)
        default:
            return GroupAggregation(
                child, node.operation, grouping: node.grouping, isWithout: node.isWithout,
                context: context(node.range, [operand]))
        }
    }

    /// What an aggregation takes in: of a selector that stands there alone, only the labels that groups
    /// have. Those of a million series take more memory than anything else.
    private func planOperand(_ operand: Expr, of node: AggregateExpr) throws(QueryError) -> Operator
    {
        guard case .vectorSelector(let selector) = operand, !node.isWithout, !selector.isSmoothed,
            Self.looksAtGroupLabelsOnly(node.operation),
            shared?.isRepeated(operand.description) != true,
            isInstant || !StepInvariance.of(operand).shouldWrap
        else { return try plan(operand) }
        return measured(try plan(selector, answer: .value, labelNames: node.grouping), operand)
    }

    private static func looksAtGroupLabelsOnly(_ operation: AggregateOperator) -> Bool {
        switch operation {
        case .sum, .avg, .count, .min, .max, .group, .stddev, .stdvar: true
        default: false
        }
    }
}
