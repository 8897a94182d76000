import TSQBase
import TSQModel

/// The type rules, with Prometheus's texts, in its order.
///
/// - Source: Prometheus promql/parser/parse.go, `checkAST`.
struct TypeChecker {
    let text: String

    /// Checks `expression` and what is below it; matching that has no meaning (a side that is no
    /// vector) is taken away.
    func check(_ expression: inout Expr) throws(PromQLSyntaxError) {
        switch expression {
        case .number, .string: break
        case .paren(var node):
            try check(&node.inner)
            expression = .paren(node)
        case .unary(var node):
            try check(&node.operand)
            let type = node.operand.type
            if type != .scalar && type != .vector {
                throw failure(
                    node.range,
                    "unary expression only allowed on expressions of type scalar or instant "
                        + "vector, got \(GoQuote.quoted(type.documented))")
            }
            expression = .unary(node)
        case .binary(var node):
            try check(&node)
            expression = .binary(node)
        case .aggregate(var node):
            try check(&node)
            expression = .aggregate(node)
        case .call(var node):
            try check(&node)
            expression = .call(node)
        case .vectorSelector(let node): try check(node)
        case .matrixSelector(let node): try check(node.selector)
        case .subquery(var node):
            try check(&node.inner)
            if node.inner.type != .vector {
                throw failure(
                    node.range,
                    "subquery is only allowed on instant vector, got "
                        + "\(node.inner.type.rawValue) instead")
            }
            expression = .subquery(node)
        }
    }

    private func failure(_ range: SourceRange, _ reason: String) -> PromQLSyntaxError {
        PromQLSyntaxError(in: text, range, reason)
    }

    private func expect(
        _ type: ValueType, _ expression: inout Expr, in context: String
    ) throws(PromQLSyntaxError) {
        try check(&expression)
        if expression.type != type {
            throw failure(
                expression.range,
                "expected type \(type.documented) in \(context), got \(expression.type.documented)"
            )
        }
    }

    private func check(_ node: inout AggregateExpr) throws(PromQLSyntaxError) {
        try expect(.vector, &node.operand, in: "aggregation expression")
        guard var parameter = node.parameter else { return }
        try expect(
            node.operation == .countValues ? .string : .scalar, &parameter,
            in: "aggregation parameter")
        node.parameter = parameter
    }

    // MARK: Binary operators

    private func check(_ node: inout BinaryExpr) throws(PromQLSyntaxError) {
        try check(&node.left)
        try check(&node.right)
        let (left, right) = (node.left.type, node.right.type)
        let operation = node.operation
        let range = SourceRange(node.left.range.start, node.right.range.end)
        if node.returnsBool && !operation.isComparison {
            throw failure(
                operatorRange(node), "bool modifier can only be used on comparison operators")
        }
        if operation.isComparison && !node.returnsBool && left == .scalar && right == .scalar {
            throw failure(
                operatorRange(node), "comparisons between scalars must use BOOL modifier")
        }
        var matching = node.matching ?? VectorMatching()
        if operation.isSet && matching.cardinality == .oneToOne {
            matching.cardinality = .manyToMany
        }
        if matching.isOn, let label = matching.labels.first(where: matching.include.contains) {
            throw failure(
                operatorRange(node),
                "label \(GoQuote.quoted(label)) must not occur in ON and GROUP clause at once")
        }
        for side in [node.left, node.right] where side.type != .scalar && side.type != .vector {
            throw failure(
                side.range,
                "binary expression must contain only scalar and instant vector types")
        }
        let hasFill = matching.fillLeft != nil || matching.fillRight != nil
        if left != .vector || right != .vector {
            if !matching.labels.isEmpty {
                throw failure(range, "vector matching only allowed between instant vectors")
            }
            if hasFill {
                throw failure(
                    range, "filling in missing series only allowed between instant vectors")
            }
            node.matching = nil
        } else {
            if operation.isSet {
                try checkSet(operation, matching, hasFill: hasFill, range)
            }
            node.matching = matching
        }
        if operation.isSet && (left == .scalar || right == .scalar) {
            throw failure(
                range,
                "set operator \(GoQuote.quoted(operation.rawValue)) not allowed in binary scalar "
                    + "expression")
        }
    }

    private func checkSet(
        _ operation: BinaryOperator, _ matching: VectorMatching, hasFill: Bool,
        _ range: SourceRange
    ) throws(PromQLSyntaxError) {
        if matching.cardinality != .manyToMany {
            throw failure(
                range,
                "no grouping allowed for \(GoQuote.quoted(operation.rawValue)) operation")
        }
        if hasFill {
            throw failure(range, "filling in missing series not allowed for set operators")
        }
    }

    /// Where the operator and its modifiers stand.
    private func operatorRange(_ node: BinaryExpr) -> SourceRange {
        let bytes = Array(text.utf8)
        var range = SourceRange(node.left.range.end, node.right.range.start - 1)
        func isBlank(_ index: Int) -> Bool {
            guard bytes.indices.contains(index) else { return false }
            return [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index])
        }
        while isBlank(range.start) { range.start += 1 }
        while isBlank(range.end) { range.end -= 1 }
        return range
    }

    // MARK: Calls and selectors

    private func check(_ node: inout CallExpr) throws(PromQLSyntaxError) {
        try checkCount(node)
        if node.function.name == "info" && node.arguments.count > 1 { try checkInfo(node) }
        let types = node.function.arguments
        for index in node.arguments.indices {
            let isInfoSelector = node.function.name == "info" && index == 1
            if isInfoSelector, case .vectorSelector = node.arguments[index] { continue }
            try check(&node.arguments[index])
            let wanted = types[min(index, types.count - 1)]
            let argument = node.arguments[index]
            if argument.type != wanted {
                throw failure(
                    argument.range,
                    "expected type \(wanted.documented) in call to function "
                        + "\(GoQuote.quoted(node.function.name)), got \(argument.type.documented)")
            }
        }
    }

    private func checkCount(_ node: CallExpr) throws(PromQLSyntaxError) {
        let function = node.function
        let count = node.arguments.count
        let wanted = function.arguments.count
        let complaint: String
        if function.variadic == 0 {
            if count == wanted { return }
            complaint = "expected \(wanted)"
        } else if count < wanted - 1 {
            complaint = "expected at least \(wanted - 1)"
        } else if function.variadic > 0 && count > wanted - 1 + function.variadic {
            complaint = "expected at most \(wanted - 1 + function.variadic)"
        } else {
            return
        }
        throw failure(
            node.range,
            "\(complaint) argument(s) in call to \(GoQuote.quoted(function.name)), got \(count)")
    }

    /// The second argument of `info` is the braces of a selector only, which may match everything.
    private func checkInfo(_ node: CallExpr) throws(PromQLSyntaxError) {
        let argument = node.arguments[1]
        if argument.type != .vector {
            throw failure(
                node.range,
                "expected type instant vector in call to function \"info\", got "
                    + argument.type.documented)
        }
        guard case .vectorSelector(let selector) = argument else {
            throw failure(argument.range, "expected label selectors only")
        }
        if selector.name != nil {
            throw failure(
                argument.range, "expected label selectors only, got vector selector instead")
        }
    }

    private func check(_ node: VectorSelector) throws(PromQLSyntaxError) {
        if let name = node.name {
            for matcher in node.matchers.dropLast() where matcher.name == LabelName.metricName {
                throw failure(
                    node.range,
                    "metric name must not be set twice: \(GoQuote.quoted(name)) or "
                        + GoQuote.quoted(matcher.value))
            }
        } else if node.matchers.allSatisfy(\.matchesEmpty) {
            throw failure(
                node.range, "vector selector must contain at least one non-empty matcher")
        }
    }
}
