import TSQModel

/// Series with other labels, values as they are: `label_replace`, `label_join`.
final class RelabelSeries: UnaryOperator {
    /// The new labels of a series, nil where they stay.
    private let change: (ArraySlice<LabelPair>) -> [LabelPair]?
    /// The name is written: it is no longer to be dropped.
    private let setsName: Bool

    init(
        _ child: Operator, setsName: Bool,
        _ change: @escaping (ArraySlice<LabelPair>) -> [LabelPair]?
    ) {
        self.setsName = setsName
        self.change = change
        super.init(child)
    }

    override var canCopy: Bool { true }

    /// Rows are as they were: whoever goes by labels needs the new ones.
    override func copy(over child: Operator) -> Operator { PassedRows(self, over: child) }

    override func open() throws(QueryError) {
        try child.prepare()
        for index in 0..<child.series.count {
            let pairs = child.series.labels[index]
            let drops = child.series.dropsName(index)
            if let changed = change(pairs) {
                series.append(changed, dropsName: drops && !setsName)
            } else {
                series.append(pairs, dropsName: drops)
            }
        }
    }
}

/// Hands on its child's rows, as they are, under other labels.
final class PassedRows: UnaryOperator {
    override var canCopy: Bool { true }

    override func copy(over child: Operator) -> Operator { PassedRows(self, over: child) }
}
