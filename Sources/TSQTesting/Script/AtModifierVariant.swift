import TSQBase
import TSQPromQL

/// A query with `@` on every selector, which then has the same answer at all times.
enum AtModifierVariant {
    /// Functions whose answer depends on the time of evaluation even so.
    static let unsafeFunctions: Set<String> = [
        "days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month",
        "year", "predict_linear", "time", "timestamp", "start", "end", "range", "step",
    ]

    /// The text with `@ atMs` behind every selector that has no `@` of its own and is not inside a
    /// subquery; nil where the answer would not be the same.
    static func text(
        of query: String, atMs: TimestampMs
    ) -> Result<String?, ScriptSyntaxError> {
        let expression: Expr
        do {
            expression = try PromQLParser.parse(query, options: .all)
        } catch {
            return .success(nil)
        }
        var places: [Int] = []
        guard collect(expression, into: &places) else { return .success(nil) }
        let seconds = "\(atMs / 1000).\(String(1000 + atMs % 1000).dropFirst())"
        var bytes = Array(query.utf8)
        for place in places.sorted(by: >) {
            bytes.insert(contentsOf: " @ \(seconds)".utf8, at: place)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        do {
            _ = try PromQLParser.parse(text, options: .all)
        } catch {
            return .failure(ScriptSyntaxError("\(text) does not parse: \(error.message)"))
        }
        return .success(text)
    }

    /// Collects where `@` belongs; false when a function forbids it.
    private static func collect(_ expression: Expr, into places: inout [Int]) -> Bool {
        switch expression {
        case .number, .string: return true
        case .paren(let node): return collect(node.inner, into: &places)
        case .unary(let node): return collect(node.operand, into: &places)
        case .binary(let node):
            return collect(node.left, into: &places) && collect(node.right, into: &places)
        case .aggregate(let node):
            if let parameter = node.parameter, !collect(parameter, into: &places) { return false }
            return collect(node.operand, into: &places)
        case .call(let node):
            if unsafeFunctions.contains(node.function.name) { return false }
            return node.arguments.allSatisfy { collect($0, into: &places) }
        case .vectorSelector(let node):
            if node.at == nil { places.append(node.range.end) }
            return true
        case .matrixSelector(let node):
            if node.selector.at == nil { places.append(node.range.end) }
            return true
        case .subquery(let node):
            if node.at == nil { places.append(node.range.end) }
            return true
        }
    }
}
