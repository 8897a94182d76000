import TSQBase
import TSQModel

/// The syntax tree as JSON: `data` of `/api/v1/parse_query`.
///
/// - Source: the fields of Prometheus web/api/v1/translate_ast.go; keys in alphabetical order.
package enum ExprJSON {
    /// Appends the JSON of `expression` to `bytes`.
    package static func append(_ expression: Expr, to bytes: inout [UInt8]) {
        value(expression).append(to: &bytes)
    }

    private static func value(_ expression: Expr) -> JSONNode {
        switch expression {
        case .number(let node):
            ["type": "numberLiteral", "val": .string(DecimalPrint.string(node.value, .fixed))]
        case .string(let node): ["type": "stringLiteral", "val": .string(node.value)]
        case .paren(let node): ["type": "parenExpr", "expr": value(node.inner)]
        case .unary(let node):
            [
                "type": "unaryExpr", "op": .string(node.isNegation ? "-" : "+"),
                "expr": value(node.operand),
            ]
        case .binary(let node):
            [
                "type": "binaryExpr", "op": .string(node.operation.rawValue),
                "lhs": value(node.left), "rhs": value(node.right),
                "matching": node.matching.map(value) ?? .null, "bool": .bool(node.returnsBool),
            ]
        case .aggregate(let node):
            [
                "type": "aggregation", "op": .string(node.operation.rawValue),
                "expr": value(node.operand), "param": node.parameter.map(value) ?? .null,
                "grouping": .strings(node.grouping), "without": .bool(node.isWithout),
            ]
        case .call(let node):
            [
                "type": "call", "func": value(node.function),
                "args": .array(node.arguments.map(value)),
            ]
        case .vectorSelector(let node): .object(members(node).merging(type: "vectorSelector"))
        case .matrixSelector(let node):
            .object(
                (members(node.selector) + length("range", node.length))
                    .merging(type: "matrixSelector"))
        case .subquery(let node): value(node)
        }
    }

    private static func value(_ node: SubqueryExpr) -> JSONNode {
        .object(
            ([("expr", value(node.inner))] + length("range", node.length)
                + length("step", node.step) + length("offset", node.offset) + time(node.at))
                .merging(type: "subquery"))
    }

    private static func value(_ matching: VectorMatching) -> JSONNode {
        func fill(_ value: Double?) -> JSONNode {
            value.map { .number(DecimalPrint.string($0, .json)) } ?? .null
        }
        return [
            "card": .string(matching.cardinality.rawValue), "labels": .strings(matching.labels),
            "on": .bool(matching.isOn), "include": .strings(matching.include),
            "fillValues": ["lhs": fill(matching.fillLeft), "rhs": fill(matching.fillRight)],
        ]
    }

    private static func value(_ function: Function) -> JSONNode {
        [
            "name": .string(function.name),
            "argTypes": .strings(function.arguments.map(\.rawValue)),
            "variadic": .number(String(function.variadic)),
            "returnType": .string(function.returnType.rawValue),
        ]
    }

    private static func members(_ node: VectorSelector) -> [(String, JSONNode)] {
        let matchers = node.matchers.map { matcher -> JSONNode in
            [
                "name": .string(matcher.name), "value": .string(matcher.value),
                "type": .string(matcher.operation.rawValue),
            ]
        }
        return [
            ("name", .string(node.name ?? "")), ("matchers", .array(matchers)),
            ("anchored", .bool(node.isAnchored)), ("smoothed", .bool(node.isSmoothed)),
        ] + length("offset", node.offset) + time(node.at)
    }

    /// `offset` in ms and `offsetExpr`: of the two one says something.
    private static func length(
        _ name: String, _ duration: DurationExpr?
    ) -> [(String, JSONNode)] {
        switch duration {
        case nil: [(name, .number("0")), (name + "Expr", .null)]
        case .literal(let ms, _): [(name, .number(String(ms))), (name + "Expr", .null)]
        case .some(let node): [(name, .number("0")), (name + "Expr", value(node))]
        }
    }

    private static func time(_ at: AtModifier?) -> [(String, JSONNode)] {
        switch at {
        case nil: [("timestamp", .null), ("startOrEnd", .null)]
        case .timestampMs(let ms):
            [("timestamp", .number(String(ms))), ("startOrEnd", .null)]
        case .start: [("timestamp", .null), ("startOrEnd", "start")]
        case .end: [("timestamp", .null), ("startOrEnd", "end")]
        }
    }

    private static func value(_ node: DurationExpr, isWrapped: Bool = false) -> JSONNode {
        func operation(
            _ name: String, _ left: DurationExpr?, _ right: DurationExpr?
        ) -> JSONNode {
            [
                "type": "durationExpr", "op": .string(name), "lhs": left.map { value($0) } ?? .null,
                "rhs": right.map { value($0) } ?? .null, "wrapped": .bool(isWrapped),
            ]
        }
        func literal(_ seconds: Double, isDuration: Bool) -> JSONNode {
            [
                "type": "numberLiteral", "val": .string(DecimalPrint.string(seconds, .fixed)),
                "duration": .bool(isDuration),
            ]
        }
        switch node {
        case .literal(let ms, _):
            return literal(DurationExpr.seconds(ms: ms), isDuration: true)
        case .number(let seconds, _): return literal(seconds, isDuration: false)
        case .step: return operation("step", nil, nil)
        case .range: return operation("range", nil, nil)
        case .negate(let operand, _): return operation("-", nil, operand)
        case .binary(let symbol, let left, let right, _):
            return operation(symbol.rawValue, left, right)
        case .minOf(let first, let second, _): return operation("min_of", first, second)
        case .maxOf(let first, let second, _): return operation("max_of", first, second)
        case .paren(let inner, _): return value(inner, isWrapped: true)
        }
    }
}

extension [(String, JSONNode)] {
    fileprivate func merging(type: String) -> [(String, JSONNode)] {
        self + [("type", .string(type))]
    }
}

/// Just enough JSON for a syntax tree.
private indirect enum JSONNode: ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral {
    case null
    case bool(Bool)
    /// Already spelled.
    case number(String)
    case string(String)
    case array([JSONNode])
    case object([(String, JSONNode)])

    init(stringLiteral value: String) { self = .string(value) }
    init(dictionaryLiteral elements: (String, JSONNode)...) { self = .object(elements) }

    static func strings(_ values: [String]) -> JSONNode { .array(values.map { .string($0) }) }

    func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let text): bytes.append(contentsOf: text.utf8)
        case .string(let text): Self.append(text, to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.sorted(by: { $0.0 < $1.0 }).enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.append(member.0, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.1.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// With `<`, `>` and `&` escaped, as Go's encoder does.
    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0..<0x20, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
                bytes.append(contentsOf: (byte < 0x10 ? "\\u000" : "\\u00").utf8)
                bytes.append(contentsOf: String(byte, radix: 16).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
