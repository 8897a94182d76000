import TSQBase
import TSQModel
import TSQPromQL

/// Which of several errors a query is answered with.
///
/// Prometheus evaluates the parts of an expression one after the other, each over all steps, and the
/// first that fails gives the error. Operators work tile by tile, several parts at once: once one has
/// failed, this evaluates parts alone, in Prometheus's order, until it has found the first.
struct FailureSearch {
    /// A query that fails may take this much longer than it took to fail.
    static let timeMaxNs: UInt64 = 1_000_000_000

    private let makeContext: () -> QueryContext
    private let clock = SystemClock()
    private let endNs: UInt64

    init(_ makeContext: @escaping () -> QueryContext) {
        self.makeContext = makeContext
        endNs = clock.monotonicNs() &+ Self.timeMaxNs
    }

    /// nil: nothing fails, or there is no time to find out.
    ///
    /// - Parameter endMs: see `Planner.endMs`.
    func firstFailure(of expr: Expr, steps: StepRange, endMs: TimestampMs) -> QueryError? {
        if clock.monotonicNs() > endNs { return nil }
        var planner = Planner(query: makeContext(), steps: steps)
        planner.endMs = endMs
        if !planner.isInstant && StepInvariance.of(expr).shouldWrap { planner = planner.once() }
        let parts = Self.parts(of: expr, planner)
        // A range vector has no steps of its own: only what is in it can fail.
        if expr.type == .matrix { return firstFailure(of: parts) }
        guard let failure = failure(of: expr, planner) else { return nil }
        if failure.isOfPlan && parts.allSatisfy({ $0.isPlannable(planner) }) {
            return failure.error
        }
        return firstFailure(of: parts) ?? failure.error
    }

    private func firstFailure(of parts: [Part]) -> QueryError? {
        for part in parts {
            let found = firstFailure(
                of: part.expr, steps: part.steps, endMs: part.endMs)
            if let found { return found }
        }
        return nil
    }

    private struct Failure {
        var error: QueryError
        /// Found before anything was read.
        var isOfPlan: Bool
    }

    private func failure(of expr: Expr, _ planner: Planner) -> Failure? {
        let operation: Operator
        do throws(QueryError) {
            operation = try planner.plan(expr)
        } catch {
            return Failure(error: error, isOfPlan: true)
        }
        do throws(QueryError) {
            try operation.prepare()
            var row = StepRow(stepCount: 0)
            // One step after the other: an earlier one's mistake comes first.
            for step in 0..<operation.steps.count {
                if clock.monotonicNs() > endNs { return nil }
                // That two results are equal is found after all others.
                for part in [(operation as? UniqueSeries)?.child, operation].compactMap(\.self) {
                    try part.begin(Tile(step, 1))
                    while try part.next(into: &row) != nil { try part.query.budget.tick() }
                }
            }
        } catch {
            return Failure(error: error, isOfPlan: false)
        }
        return nil
    }

    private struct Part {
        var expr: Expr
        var steps: StepRange
        var endMs: TimestampMs

        func isPlannable(_ planner: Planner) -> Bool {
            (try? planner.with(steps, endMs: endMs).plan(expr)) != nil
        }
    }

    /// What is evaluated before `expr` itself, in order: a function's subquery comes first.
    ///
    /// - Source: Prometheus promql/engine.go `eval`.
    private static func parts(of expr: Expr, _ planner: Planner) -> [Part] {
        func part(_ expr: Expr) -> [Part] {
            switch expr.unwrapped {
            case .string, .matrixSelector: return []
            case .subquery(let node):
                let inside = (try? planner.inside(of: node)) ?? nil
                return inside.map {
                    [Part(expr: node.inner, steps: $0.steps, endMs: $0.endMs)]
                } ?? []
            default:
                return [Part(expr: expr, steps: planner.steps, endMs: planner.endMs)]
            }
        }
        switch expr {
        case .number, .string, .vectorSelector, .matrixSelector: return []
        case .paren(let node): return part(node.inner)
        case .unary(let node): return part(node.operand)
        case .binary(let node): return part(node.left) + part(node.right)
        case .aggregate(let node):
            return (node.parameter.map { part($0) } ?? []) + part(node.operand)
        case .call(let node):
            let arguments = node.arguments
            let ranges = arguments.filter { $0.type == .matrix }
            let others = arguments.filter { $0.type != .matrix }
            return (ranges + others).flatMap { part($0) }
        case .subquery: return part(expr)
        }
    }
}
