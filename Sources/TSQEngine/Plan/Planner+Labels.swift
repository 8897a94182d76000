import TSQBase
import TSQModel
import TSQPromQL

extension Planner {
    func planLabelFunction(
        _ node: CallExpr, _ arguments: [Expr], _ rule: UniqueSeries.Rule
    ) throws(QueryError) -> Operator? {
        switch node.function.name {
        case "label_replace": UniqueSeries(try planLabelReplace(arguments), rule)
        case "label_join": UniqueSeries(try planLabelJoin(arguments), rule)
        default: nil
        }
    }

    /// A label name that UTF-8 allows: not empty, no bytes that were no UTF-8.
    private func isValidName(_ argument: Expr) -> Bool {
        guard case .string(let literal) = argument else { return false }
        return !literal.value.isEmpty && literal.invalidBytes == nil
    }

    private func planLabelReplace(_ arguments: [Expr]) throws(QueryError) -> Operator {
        let destination = arguments[1].stringValue
        let template = arguments[2].stringValue
        let pattern = arguments[4].stringValue
        let regex: GoRegex
        do throws(RegexError) {
            regex = try GoRegex(pattern)
        } catch {
            throw .execution("invalid regular expression in label_replace(): \(pattern)")
        }
        if !isValidName(arguments[1]) {
            throw .execution("invalid destination label name in label_replace(): \(destination)")
        }
        let query = query
        let name = query.symbols.intern(destination)
        let source = query.symbols.intern(arguments[3].stringValue)
        // Values repeat from series to series: each is matched once.
        var known: [SymbolID: SymbolID?] = [:]
        return RelabelSeries(try plan(arguments[0]), setsName: name == query.nameSymbol) { pairs in
            let value = pairs.first { $0.name == source }?.value ?? query.emptySymbol
            let answer: SymbolID?
            if let before = known[value] {
                answer = before
            } else {
                answer = regex.groups(query.text(value)).map {
                    query.symbols.intern(regex.expand(template: template, groups: $0))
                }
                known[value] = .some(answer)
            }
            return answer.map { query.setting(name, to: $0, in: pairs) }
        }
    }

    private func planLabelJoin(_ arguments: [Expr]) throws(QueryError) -> Operator {
        let destination = arguments[1].stringValue
        let separator = arguments[2].stringValue
        let sources = arguments.dropFirst(3).map(\.stringValue)
        for source in arguments.dropFirst(3) where !isValidName(source) {
            throw .execution("invalid source label name in label_join(): \(source.stringValue)")
        }
        if !isValidName(arguments[1]) {
            throw .execution("invalid destination label name in label_join(): \(destination)")
        }
        let query = query
        let name = query.symbols.intern(destination)
        let symbols = sources.map { query.symbols.intern($0) }
        return RelabelSeries(try plan(arguments[0]), setsName: name == query.nameSymbol) { pairs in
            let values = symbols.map { source in
                query.text(pairs.first { $0.name == source }?.value)
            }
            let joined = query.symbols.intern(values.joined(separator: separator))
            return query.setting(name, to: joined, in: pairs)
        }
    }
}
