import TSQModel

/// `-v`.
final class Negation: UnaryOperator {
    override var canFork: Bool { child.canFork }

    override func fork(_ query: QueryContext) -> Operator? {
        child.fork(query).map { Negation(self, over: $0) }
    }

    override func open() throws(QueryError) {
        try super.open()
        series = query.droppingName(child.series)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        guard let index = try child.next(into: &row) else { return nil }
        for step in 0..<row.stepCount {
            row.values[step] = -row.values[step]
        }
        for step in row.histograms.indices where row.tags[step] == StepRow.Tag.histogram {
            row.histograms[step]?.multiply(by: -1)
        }
        return index
    }
}
