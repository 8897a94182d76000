import TSQBase
import TSQModel

extension Expr: CustomStringConvertible {
    /// On one line, as Prometheus's `Expr.String()`: parses to the same tree.
    package var description: String {
        switch self {
        case .number(let node): node.description
        case .string(let node): node.quoted
        case .paren(let node): "(\(node.inner))"
        case .unary(let node): (node.isNegation ? "-" : "+") + node.operand.description
        case .binary(let node): "\(node.left) \(node.heading) \(node.right)"
        case .aggregate(let node):
            node.heading + "("
                + (node.parameter.map { $0.description + ", " } ?? "") + "\(node.operand))"
        case .call(let node):
            node.function.name + "("
                + node.arguments.map(\.description).joined(separator: ", ") + ")"
        case .vectorSelector(let node): node.bare + node.timeSuffix
        case .matrixSelector(let node):
            node.selector.bare + "[\(node.length)]" + node.selector.extensionSuffix
                + TimeSuffix.at(node.selector.at) + TimeSuffix.offset(node.selector.offset)
        case .subquery(let node): node.inner.description + node.suffix
        }
    }
}

extension NumberLiteral: CustomStringConvertible {
    package var description: String {
        if !isDuration { return DecimalPrint.string(value, .fixed) }
        // Go truncates the float to nanoseconds and those to milliseconds.
        let nanoseconds = GoNumber.int64(value.magnitude * 1e9)
        return (value < 0 ? "-" : "") + PromDuration.format(ms: nanoseconds / 1_000_000)
    }
}

extension Expr {
    /// A string, in parentheses or not, in quotes for an error: bytes that are no UTF-8 appear as they
    /// were written. `""` for anything else.
    package var quotedString: String {
        switch self {
        case .paren(let node): node.inner.quotedString
        case .string(let node): node.quoted
        default: "\"\""
        }
    }
}

extension StringLiteral {
    /// In double quotes, with Go's escapes.
    package var quoted: String {
        invalidBytes.map { GoQuote.quoted(bytes: $0) } ?? QueryText.quoted(value)
    }
}

extension BinaryExpr {
    /// The operator with its modifiers.
    package var heading: String {
        var text = operation.rawValue + (returnsBool ? " bool" : "")
        guard let matching else { return text }
        let isGrouped =
            matching.cardinality == .manyToOne || matching.cardinality == .oneToMany
        if !matching.labels.isEmpty || matching.isOn || isGrouped {
            text += matching.isOn ? " on (" : " ignoring ("
            text += LabelList.text(matching.labels) + ")"
        }
        if isGrouped {
            text += matching.cardinality == .manyToOne ? " group_left (" : " group_right ("
            text += LabelList.text(matching.include) + ")"
        }
        func fill(_ word: String, _ value: Double) -> String {
            " \(word) (\(DecimalPrint.string(value, .general)))"
        }
        if matching.isFillOfBoth, let value = matching.fillLeft {
            return text + fill("fill", value)
        }
        if let left = matching.fillLeft { text += fill("fill_left", left) }
        if let right = matching.fillRight { text += fill("fill_right", right) }
        return text
    }
}

extension AggregateExpr {
    /// The operator with its grouping.
    package var heading: String {
        if isWithout { return operation.rawValue + " without (\(LabelList.text(grouping))) " }
        if grouping.isEmpty { return operation.rawValue }
        return operation.rawValue + " by (\(LabelList.text(grouping))) "
    }
}

private enum LabelList {
    /// `a, b, "c.d"`.
    static func text(_ labels: [String]) -> String {
        labels.map { LabelName.isLegacyValid($0) ? $0 : QueryText.quoted($0) }
            .joined(separator: ", ")
    }
}

private enum QueryText {
    /// Quoted so that it can be parsed: U+FFFD, which also stands for bytes that were no UTF-8, may
    /// not stand in a query itself.
    static func quoted(_ text: String) -> String { escaped(GoQuote.quoted(text)) }

    static func condition(_ matcher: LabelMatcher) -> String {
        guard let bytes = matcher.invalidBytes else { return escaped(matcher.description) }
        let name = matcher.name
        return (LabelName.isLegacyValid(name) ? name : quoted(name)) + matcher.operation.rawValue
            + GoQuote.quoted(bytes: bytes)
    }

    static func escaped(_ quoted: String) -> String {
        quoted.unicodeScalars.contains("\u{FFFD}")
            ? quoted.replacing("\u{FFFD}", with: "\\ufffd") : quoted
    }
}

extension VectorSelector {
    /// Name and matchers, without `@` and `offset`.
    fileprivate var bare: String {
        let conditions =
            matchers.filter {
                !($0.name == LabelName.metricName && $0.operation == .equal && $0.value == name
                    && !$0.value.isEmpty)
            }
            .map { QueryText.condition($0) }.sorted(by: isBytewiseLess)
        return (name ?? "")
            + (conditions.isEmpty ? "" : "{" + conditions.joined(separator: ",") + "}")
    }

    fileprivate var extensionSuffix: String {
        isAnchored ? " anchored" : isSmoothed ? " smoothed" : ""
    }

    /// Of an instant vector: Prometheus puts the extension between `@` and `offset` there.
    fileprivate var timeSuffix: String {
        TimeSuffix.at(at) + extensionSuffix + TimeSuffix.offset(offset)
    }
}

extension SubqueryExpr {
    /// `[5m:1m] @ … offset …`
    package var suffix: String {
        "[\(length):\(step?.description ?? "")]" + TimeSuffix.at(at) + TimeSuffix.offset(offset)
    }
}

private enum TimeSuffix {
    static func at(_ at: AtModifier?) -> String {
        switch at {
        case .timestampMs(let ms): " @ " + GoFormat.seconds3(ms: ms)
        case .start: " @ start()"
        case .end: " @ end()"
        case nil: ""
        }
    }

    static func offset(_ offset: DurationExpr?) -> String { offset.map { " offset \($0)" } ?? "" }
}

extension DurationExpr: CustomStringConvertible {
    package var description: String {
        switch self {
        case .literal(let ms, _): PromDuration.format(ms: ms)
        case .number(let value, _): DecimalPrint.string(value, .fixed)
        case .step: "step()"
        case .range: "range()"
        case .negate(let operand, _): "-\(operand)"
        case .binary(let operation, let left, let right, _):
            "\(left) \(operation.rawValue) \(right)"
        case .minOf(let first, let second, _): "min_of(\(first), \(second))"
        case .maxOf(let first, let second, _): "max_of(\(first), \(second))"
        case .paren(let inner, _): "(\(inner))"
        }
    }
}
