extension Expr: CustomStringConvertible {
    /// On one line, as Prometheus's `Expr.String()`: parses to the same tree.
    package var description: String { "" }

    /// On as many lines as needed, as `format_query` and `promtool promql format` print it.
    package func prettified() -> String { "" }
}
