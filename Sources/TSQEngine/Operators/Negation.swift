import TSQModel

/// `-v`.
final class Negation: UnaryOperator {
    override var canCopy: Bool { true }

    override func copy(over child: Operator) -> Operator { Negation(self, over: child) }

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
