extension Expr {
    /// Lines that are longer are split.
    static let lineBytesMax = 100

    /// On as many lines as needed, as `format_query` and `promtool promql format` print it.
    ///
    /// - Source: Prometheus promql/parser/prettier.go.
    package func prettified() -> String { prettified(level: 0) }

    private func prettified(level: Int) -> String {
        let line = description
        switch self {
        case .unary(let node):
            let operand = node.operand.prettified(level: level)
            return Self.indent(level) + (node.isNegation ? "-" : "+")
                + operand.drop { $0 == " " || $0 == "\n" }
        case .subquery(let node):
            // Prometheus forgets the indentation of one that fits.
            if line.utf8.count <= Self.lineBytesMax { return line }
            return node.inner.prettified(level: level) + node.suffix
        case .number, .string, .vectorSelector, .matrixSelector: return Self.indent(level) + line
        default: break
        }
        let indent = Self.indent(level)
        if line.utf8.count <= Self.lineBytesMax { return indent + line }
        switch self {
        case .binary(let node):
            return node.left.prettified(level: level + 1) + "\n\(indent)\(node.heading)\n"
                + node.right.prettified(level: level + 1)
        case .aggregate(let node):
            return indent + node.heading + "(\n"
                + (node.parameter.map { $0.prettified(level: level + 1) + ",\n" } ?? "")
                + node.operand.prettified(level: level + 1) + "\n\(indent))"
        case .call(let node):
            let arguments = node.arguments.map { $0.prettified(level: level + 1) }
            return "\(indent)\(node.function.name)(\n" + arguments.joined(separator: ",\n")
                + "\n\(indent))"
        case .paren(let node):
            return "\(indent)(\n" + node.inner.prettified(level: level + 1) + "\n\(indent))"
        default: return indent + line
        }
    }

    private static func indent(_ level: Int) -> String { String(repeating: "  ", count: level) }
}
