import TSQModel

/// Makes one series of several that have become equal (their names were dropped, a label was
/// replaced): their values must not meet at one step.
final class UniqueSeries: UnaryOperator {
    enum Rule {
        /// Values at the same step are an error.
        case sameStep
        /// Values anywhere in the query's steps are (functions of range vectors).
        case anyStep
        /// Two floats or two histograms at the same step are; one of each is not (signs, functions of
        /// labels, names that go late). The answer itself has both then.
        ///
        /// - Source: Prometheus promql/engine.go `mergeSeriesWithSameLabelset`.
        case sameKind(isAnswer: Bool)
    }

    private let rule: Rule
    /// The output series of a child's series; empty where all are different.
    private var target: [Int32] = []
    private var memberCount: [Int] = []
    /// For `anyStep`, and where there is one step: the child series that had values, +1.
    private var owner: [Int] = []
    private var rowOfTarget: [Int: Int] = [:]
    private var pending: [(series: Int, row: Int)] = []
    private var store = RowStore()
    private var isDraining = false
    private var kinds: KindMerge?

    init(_ child: Operator, _ rule: Rule) {
        self.rule = rule
        if case .sameKind(let isAnswer) = rule { kinds = KindMerge(isAnswer: isAnswer) }
        super.init(child)
    }

    override var canCopy: Bool { target.isEmpty }

    override func copy(over child: Operator) -> Operator { child }

    override func open() throws(QueryError) {
        try child.prepare()
        if child.series.isDistinct {
            series = child.series
            return
        }
        var index = LabelIndex()
        var target: [Int32] = []
        target.reserveCapacity(child.series.count)
        var output = OutputSeries()
        var contested: Set<Int> = []
        for series in 0..<child.series.count {
            try query.check(series)
            let (number, isNew) = index.insert(child.series.labels[series])
            let drops = child.series.dropsName(series)
            if isNew {
                memberCount.append(0)
                output.append([], dropsName: drops)
            } else if drops != output.dropsName(number) {
                contested.insert(number)
            }
            memberCount[number] += 1
            target.append(Int32(number))
        }
        output.labels = index.labels
        if output.count == child.series.count {
            series = child.series
            series.isDistinct = true
            memberCount = []
        } else {
            try NameSettlement.settle(contested, by: .firstValue, of: child, target, &output)
            series = output
            series.isDistinct = true
            self.target = target
            owner = [Int](repeating: 0, count: output.count)
        }
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try child.begin(tile)
        rowOfTarget.removeAll(keepingCapacity: true)
        pending.removeAll(keepingCapacity: true)
        store.removeAll()
        isDraining = false
        kinds?.begin(tile)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if target.isEmpty { return try child.next(into: &row) }
        if isWhole { return try nextWhole(&row) }
        while !isDraining {
            guard let source = try child.next(into: &row) else {
                isDraining = true
                pending.reverse()
                break
            }
            let number = Int(target[source])
            // At one step rows keep their order: that of a sort below. (Otherwise Prometheus has an
            // order by chance here, that of a map.)
            if memberCount[number] == 1 && steps.count > 1 { return number }
            if row.isEmpty { continue }
            try holdHistograms(of: row)
            if let place = rowOfTarget[number] {
                try merge(row, into: place, number)
            } else {
                let place = store.append(&row)
                rowOfTarget[number] = place
                pending.append((number, place))
            }
        }
        guard let (number, place) = pending.popLast() else { return nil }
        if let other = kinds?.settle(number, place, keepsBoth: query.isRange, &store) {
            pending.append((number, other))
        }
        store.take(place, into: &row)
        return number
    }

    private func merge(
        _ row: borrowing StepRow, into place: Int, _ number: Int
    ) throws(QueryError) {
        let isMerged = kinds?.merge(row, into: place, number, &store) ?? store[place].merge(row)
        if !isMerged { throw .sameLabelset }
    }

    /// Whether nothing is put together: one child series at most may have values.
    private var isWhole: Bool {
        if case .anyStep = rule { return true }
        return steps.count == 1 && kinds == nil
    }

    /// Rows keep their order: that of a sort below, or of the selector's series (by which the first of
    /// equal values is told).
    private func nextWhole(_ row: inout StepRow) throws(QueryError) -> Int? {
        while let source = try child.next(into: &row) {
            if row.isEmpty { continue }
            let number = Int(target[source])
            if owner[number] != 0 && owner[number] != source + 1 { throw .sameLabelset }
            owner[number] = source + 1
            return number
        }
        return nil
    }

    override func ownBytes(stepCount: Int) -> Int {
        target.isEmpty || isWhole ? 0 : series.count * stepCount * Self.bytesPerStep
    }
}
