import TSQModel

/// With delayed name removal: whether the name of a series goes, where those that it is made of do
/// not agree. Only their values can tell, so these are worked out once more for it.
enum NameSettlement {
    enum Rule {
        /// As the first value in time has it (functions, operators).
        case firstValue
        /// Where one of the last values in time has it (aggregations).
        case lastValues
    }

    /// - Parameters:
    ///   - contested: the series of `output` in question.
    ///   - target: the series of `output` that each of the child's belongs to.
    /// - Source: Prometheus promql/engine.go `rangeEval`, `aggregation`.
    static func settle(
        _ contested: Set<Int>, by rule: Rule, of child: Operator, _ target: [Int32],
        _ output: inout OutputSeries
    ) throws(QueryError) {
        if contested.isEmpty { return }
        let query = child.query
        let statistics = query.statistics
        let held = query.budget.samples
        var decisive: [Int: (step: Int, drops: Bool)] = [:]
        var row = StepRow(stepCount: 0)
        for tile in TilePlan(child).tiles {
            if rule == .firstValue && decisive.count == contested.count { break }
            try query.budget.check()
            try child.begin(tile)
            while let series = try child.next(into: &row) {
                let number = Int(target[series])
                if !contested.contains(number) { continue }
                let steps = 0..<row.stepCount
                let found =
                    rule == .firstValue
                    ? steps.first { row.isPresent($0) } : steps.last { row.isPresent($0) }
                guard let found else { continue }
                let step = tile.first + found
                let drops = child.series.dropsName(series)
                if let known = decisive[number] {
                    switch rule {
                    case .firstValue: if known.step <= step { continue }
                    case .lastValues:
                        if known.step > step || known.step == step && known.drops { continue }
                    }
                }
                decisive[number] = (step, drops)
            }
        }
        let missing = output.count - output.dropsName.count
        output.dropsName += repeatElement(false, count: missing)
        for (number, decision) in decisive { output.dropsName[number] = decision.drops }
        query.statistics = statistics
        query.budget.forget(downTo: held)
    }
}
