import TSQPromQL

/// One operator of a query's plan as it was executed, with those beneath it.
package struct ExplainNode: Sendable, Equatable {
    /// What it does: a function or operator of PromQL, or `select`, `once`, `lanes`, `shared`.
    package var name: String
    /// Grouping, matching, matchers, window; empty where there is none.
    package var detail: String
    /// Series that it may deliver.
    package var seriesCount: Int
    /// Rows delivered: series × tiles that had values.
    package var rowCount: Int64
    /// `select`: samples read; `query`: points of the answer; else the points of the rows, histograms
    /// by weight.
    package var sampleCount: Int64
    /// What it held itself at most at once, without those beneath it.
    package var byteCount: Int64
    /// Time within it and those beneath it; with lanes, of all threads together.
    package var timeNs: UInt64
    package var children: [ExplainNode]

    package init(
        name: String, detail: String = "", seriesCount: Int = 0, rowCount: Int64 = 0,
        sampleCount: Int64 = 0, byteCount: Int64 = 0, timeNs: UInt64 = 0,
        children: [ExplainNode] = []
    ) {
        self.name = name
        self.detail = detail
        self.seriesCount = seriesCount
        self.rowCount = rowCount
        self.sampleCount = sampleCount
        self.byteCount = byteCount
        self.timeNs = timeNs
        self.children = children
    }
}

/// What the operator of an expression is called in a plan.
struct ExplainTitle {
    var name: String
    var detail: String

    init(name: String, detail: String) {
        self.name = name
        self.detail = detail
    }

    init(_ expr: Expr) {
        switch expr {
        case .number, .string: self.init(name: "number", detail: expr.description)
        case .paren(let node): self.init(node.inner)
        case .unary(let node): self.init(name: node.isNegation ? "-" : "+", detail: "unary")
        case .binary(let node):
            let heading = node.heading
            self.init(
                name: node.operation.rawValue,
                detail: Self.trimmed(heading.dropFirst(node.operation.rawValue.count)))
        case .aggregate(let node):
            let name = node.operation.rawValue
            self.init(name: name, detail: Self.trimmed(node.heading.dropFirst(name.count)))
        case .call(let node): self.init(name: node.function.name, detail: "")
        case .vectorSelector, .matrixSelector, .subquery:
            self.init(name: "select", detail: expr.description)
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
