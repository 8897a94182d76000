import TSQBase
import TSQEngine
import TSQPromQL

/// Which error a query has whose parts are evaluated one after the other, each at all its times.
struct ReferenceFailureSearch {
    let makeEvaluation: () -> ReferenceEvaluation

    func firstFailure(of expression: Expr, _ frame: ReferenceFrame) -> QueryError? {
        let frame = expression.isStepInvariant ? frame.first : frame
        let evaluation = makeEvaluation()
        guard let own = failure(of: expression, frame, evaluation) else { return nil }
        if isOfTexts(own, expression) { return own }
        for (part, partFrame) in parts(of: expression, frame, evaluation) {
            if let earlier = firstFailure(of: part, partFrame) { return earlier }
        }
        return own
    }

    private func failure(
        of expression: Expr, _ frame: ReferenceFrame, _ evaluation: ReferenceEvaluation
    ) -> QueryError? {
        do throws(QueryError) {
            for timeMs in frame.times {
                switch expression.type {
                case .scalar: _ = try evaluation.scalar(expression, timeMs, frame)
                case .vector: _ = try evaluation.vector(expression, timeMs, frame)
                case .matrix: _ = try evaluation.windows(expression, timeMs, frame)
                case .string, .none: break
                }
            }
            return nil
        } catch {
            return error
        }
    }

    /// Wrong label names and patterns are found before anything is evaluated.
    private func isOfTexts(_ error: QueryError, _ expression: Expr) -> Bool {
        switch expression {
        case .call(let node): error.message.contains(" in \(node.function.name)(): ")
        case .aggregate(let node):
            node.operation == .countValues && error.message.hasPrefix("invalid label name ")
        default: false
        }
    }

    private func parts(
        of expression: Expr, _ frame: ReferenceFrame, _ evaluation: ReferenceEvaluation
    ) -> [(Expr, ReferenceFrame)] {
        func part(_ expression: Expr) -> [(Expr, ReferenceFrame)] {
            switch expression.unwrapped {
            case .string, .matrixSelector: return []
            case .subquery(let node):
                let inner = try? evaluation.innerFrame(node, frame)
                return inner.map { [(node.inner, $0)] } ?? []
            default: return [(expression, frame)]
            }
        }
        switch expression {
        case .number, .string, .vectorSelector, .matrixSelector: return []
        case .paren(let node): return part(node.inner)
        case .unary(let node): return part(node.operand)
        case .binary(let node): return part(node.left) + part(node.right)
        case .aggregate(let node):
            return (node.parameter.map { part($0) } ?? []) + part(node.operand)
        case .call(let node):
            let ranges = node.arguments.filter { $0.type == .matrix }
            let others = node.arguments.filter { $0.type != .matrix }
            return (ranges + others).flatMap { part($0) }
        case .subquery: return part(expression)
        }
    }
}

extension ReferenceFrame {
    /// The first step alone.
    var first: ReferenceFrame {
        ReferenceFrame(startMs: startMs, endMs: startMs, stepMs: stepMs)
    }
}
