import TSQModel

/// The last step with delayed name removal: names go where they are due.
final class DelayedNames: UnaryOperator {
    override var canCopy: Bool { true }

    override func copy(over child: Operator) -> Operator { PassedRows(self, over: child) }

    override func open() throws(QueryError) {
        try child.prepare()
        for index in 0..<child.series.count {
            let pairs = child.series.labels[index]
            if child.series.dropsName(index) {
                series.append(query.withoutReserved(pairs))
            } else {
                series.append(pairs)
            }
        }
    }
}
