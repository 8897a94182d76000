import TSQModel
import TSQPromQL

extension Expr {
    /// Calls `body` with the matchers of every selector, in the order of the text.
    func forEachSelector(_ body: ([LabelMatcher]) -> Void) {
        switch self {
        case .number, .string: break
        case .paren(let node): node.inner.forEachSelector(body)
        case .unary(let node): node.operand.forEachSelector(body)
        case .binary(let node):
            node.left.forEachSelector(body)
            node.right.forEachSelector(body)
        case .aggregate(let node):
            node.parameter?.forEachSelector(body)
            node.operand.forEachSelector(body)
        case .call(let node):
            for argument in node.arguments { argument.forEachSelector(body) }
        case .vectorSelector(let node): body(node.matchers)
        case .matrixSelector(let node): body(node.selector.matchers)
        case .subquery(let node): node.inner.forEachSelector(body)
        }
    }
}
