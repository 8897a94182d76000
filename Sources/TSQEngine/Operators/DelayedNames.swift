import TSQModel

/// The last step with delayed name removal: names go where they are due.
final class DelayedNames: UnaryOperator {
    override var canFork: Bool { child.canFork }

    override func fork(_ query: QueryContext) -> Operator? {
        child.fork(query).map { PassedRows(self, over: $0) }
    }

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
