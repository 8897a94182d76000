extension RandomExpression {
    private static let aggregations = [
        "sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk",
        "quantile", "limitk", "limit_ratio", "count_values",
    ]

    mutating func aggregation(_ depth: Int) -> String {
        let operation = pick(Self.aggregations)
        let grouping = chance(4) ? "" : "\(pick(["by", "without"])) (\(labels(3)))"
        var parameter = ""
        switch operation {
        case "topk", "bottomk", "limitk":
            parameter = pick(["1", "2", "3", "5", "0", "-1", "1.9", scalar(depth + 2)]) + ", "
        case "limit_ratio":
            parameter = pick(["0.5", "-0.5", "0.1", "1", "-1", "2", scalar(depth + 2)]) + ", "
        case "quantile": parameter = pick(["0.5", "0.9", "0", "1", scalar(depth + 2)]) + ", "
        case "count_values":
            parameter = "\"\(pick(["value", "job", "a.b", "__name__"]))\", "
        default: break
        }
        // Which elements are taken depends on the order of the input, and that of another choice of
        // elements is nobody's promise.
        // Variances of large numbers depend on it, too, in more than the last digit.
        let isChoice = ["topk", "bottomk", "limitk", "stddev", "stdvar"].contains(operation)
        // The last digit of a sum depends on the order of the series, and count_values shows it.
        let operand =
            operation == "count_values"
            ? "round(\(vector(depth + 1)), 0.1)"
            : !isChoice ? vector(depth + 1) : chance(2) ? selector() : rangeFunction(Self.depthMax)
        if grouping.isEmpty || chance(2) {
            return "\(operation) \(grouping) (\(parameter)\(operand))"
        }
        return "\(operation)(\(parameter)\(operand)) \(grouping)"
    }

    private static let arithmetic = ["+", "-", "*", "/", "%", "^", "atan2", "</", ">/"]
    private static let comparisons = ["==", "!=", "<", "<=", ">", ">="]

    mutating func binary(_ depth: Int) -> String {
        let left = vector(depth + 1)
        if chance(4) {
            let operation = pick(["and", "or", "unless"])
            let matching = chance(2) ? "" : " \(pick(["on", "ignoring"])) (\(labels(2)))"
            return "(\(left)) \(operation)\(matching) (\(vector(depth + 1)))"
        }
        let isComparison = chance(3)
        let operation =
            (isComparison ? pick(Self.comparisons) : pick(Self.arithmetic))
            + (isComparison && chance(3) ? " bool" : "")
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1: return "(\(left)) \(operation) \(scalar(depth + 1))"
        case 2: return "\(scalar(depth + 1)) \(operation) (\(left))"
        default:
            let right = chance(3) ? left : vector(depth + 1)
            return "(\(left)) \(operation)\(matching()) (\(right))"
        }
    }

    private mutating func matching() -> String {
        var text = ""
        if chance(2) { text = " \(pick(["on", "ignoring"])) (\(labels(3)))" }
        if !text.isEmpty && chance(3) {
            text += " \(pick(["group_left", "group_right"]))"
            if !chance(3) { text += "(\(labels(2)))" }
        }
        if chance(7) {
            text += " \(pick(["fill", "fill_left", "fill_right"]))(\(fillValue()))"
            if text.contains("fill_left") && chance(2) { text += " fill_right(\(fillValue()))" }
        }
        return text
    }

    private mutating func fillValue() -> String {
        pick(["0", "1", "NaN", "-2.5", "+Inf", "1e308"])
    }
}
