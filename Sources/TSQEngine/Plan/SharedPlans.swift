import TSQPromQL

/// Which parts of a query stand in it more than once, and the plans that such places share.
///
/// Parts are told by their text as printed, which leaves out where they stand.
final class SharedPlans {
    /// Printing every part of a larger expression would cost more than sharing saves.
    fileprivate static let nodesMax = 500

    /// Places of each vector expression that reads something, those in repeated parts once.
    private var counts: [String: Int] = [:]
    /// The calls with a range of each selector.
    private var calls: [String: Set<String>] = [:]
    private var rows: [String: SharedRows] = [:]
    private var groups: [String: (group: RangeGroup, rows: SharedRows)] = [:]
    private var scopes = 0
    /// What was planned under a key, as it stands at its first place.
    private var planned: [String: Expr] = [:]

    /// nil where nothing can be shared: whatever reads something and stands in it twice has a selector
    /// that does.
    init?(_ expr: Expr) {
        var size = Size()
        size.add(expr)
        if !size.repeatsSelectors || size.nodes > Self.nodesMax { return nil }
        var totals: [String: Int] = [:]
        Self.count(expr, &totals)
        visit(expr, totals)
    }

    func isRepeated(_ text: String) -> Bool { counts[text, default: 0] > 1 }

    /// Whether several functions take windows of `selector`.
    func hasSeveralWindows(_ selector: String) -> Bool { calls[selector, default: []].count > 1 }

    /// A name for parts whose tiles begin apart from all others.
    func newScope() -> String {
        scopes += 1
        return "\(scopes)"
    }

    /// Forgets all plans.
    func removeAll() {
        rows.removeAll()
        planned.removeAll()
        groups.removeAll()
    }

    /// The rows of what was planned under `key`, which are `expr`'s, too.
    func rows(_ key: String, for expr: Expr) -> SharedRows? {
        guard let rows = rows[key] else { return nil }
        if let first = planned[key] {
            var places: [SourceRange: SourceRange] = [:]
            Self.match(first, expr, &places)
            rows.copies.append(places)
        }
        return rows
    }

    func add(_ shared: SharedRows, _ key: String, for expr: Expr) {
        rows[key] = shared
        planned[key] = expr
    }

    private static func match(
        _ planned: Expr, _ copy: Expr, _ places: inout [SourceRange: SourceRange]
    ) {
        places[planned.range] = copy.range
        for (part, other) in zip(planned.parts, copy.parts) { match(part, other, &places) }
    }
    func group(_ key: String) -> (group: RangeGroup, rows: SharedRows)? { groups[key] }
    func add(_ group: RangeGroup, _ rows: SharedRows, _ key: String) {
        groups[key] = (group, rows)
    }

    private struct Size {
        private(set) var nodes = 0
        private(set) var repeatsSelectors = false
        /// The first selector of each name. Few names stand twice, and printing costs more than the
        /// rest of a small query's plan.
        private var firsts: [String?: Expr] = [:]
        /// Those whose name stands twice, as printed.
        private var texts: Set<String> = []

        /// Stops where there are too many.
        mutating func add(_ expr: Expr) {
            if nodes > SharedPlans.nodesMax { return }
            nodes += 1
            switch expr {
            case .vectorSelector(let selector): addSelector(selector)
            case .matrixSelector(let range): addSelector(range.selector)
            default: for part in expr.parts { add(part) }
            }
        }

        private mutating func addSelector(_ selector: VectorSelector) {
            let expr = Expr.vectorSelector(selector)
            guard let first = firsts[selector.name] else {
                firsts[selector.name] = expr
                return
            }
            texts.insert(first.description)
            if !texts.insert(expr.description).inserted { repeatsSelectors = true }
        }
    }

    private static func isShareable(_ expr: Expr) -> Bool {
        switch expr {
        case .paren, .number, .string, .matrixSelector, .subquery: false
        default: expr.type == .vector
        }
    }

    private static func count(_ expr: Expr, _ totals: inout [String: Int]) {
        if isShareable(expr) { totals[expr.description, default: 0] += 1 }
        for part in expr.parts { count(part, &totals) }
    }

    /// Counts the places at which a part is planned: what is in a repeated part is planned once.
    private func visit(_ expr: Expr, _ totals: [String: Int]) {
        if Self.isShareable(expr) {
            let text = expr.description
            counts[text, default: 0] += 1
            if totals[text, default: 0] > 1 && counts[text, default: 0] > 1 { return }
            if case .call(let node) = expr {
                for case .matrixSelector(let range) in node.arguments.map(\.unwrapped) {
                    calls[Expr.vectorSelector(range.selector).description, default: []].insert(text)
                }
            }
        }
        for part in expr.parts { visit(part, totals) }
    }
}

extension Expr {
    /// The expressions directly beneath this one.
    var parts: [Expr] {
        switch self {
        case .number, .string, .vectorSelector, .matrixSelector: []
        case .paren(let node): [node.inner]
        case .unary(let node): [node.operand]
        case .binary(let node): [node.left, node.right]
        case .aggregate(let node): (node.parameter.map { [$0] } ?? []) + [node.operand]
        case .call(let node): node.arguments
        case .subquery(let node): [node.inner]
        }
    }
}
