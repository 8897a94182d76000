import TSQBase
import TSQModel
import TSQPromQL

/// `count_values("label", v)`: its series are known only after its values, so it works out all steps
/// before it names its series.
final class CountValues: Operator {
    private let child: Operator
    private let label: SymbolID
    private let grouping: [String]
    private let isWithout: Bool
    /// Counts of output series i at step s: `counts[i][s]`.
    private var counts: [[Double]] = []
    private var position = 0
    private var tile = Tile(0, 0)

    init(_ child: Operator, label: String, grouping: [String], isWithout: Bool) {
        self.child = child
        self.label = child.query.symbols.intern(label)
        self.grouping = isWithout ? grouping : grouping + [label]
        self.isWithout = isWithout
        super.init(child.query, steps: child.steps)
    }

    override func open() throws(QueryError) {
        try child.prepare()
        let key = GroupingKey(grouping: grouping, isWithout: isWithout, query)
        var index = LabelIndex()
        var outputOf: [UInt64: Int] = [:]
        var row = StepRow(stepCount: 0)
        for tile in TilePlan(child).tiles {
            let held = query.budget.samples
            defer { query.budget.forget(downTo: held) }
            try child.begin(tile)
            while let number = try child.next(into: &row) {
                // Values of one series repeat from step to step: look each up once.
                outputOf.removeAll(keepingCapacity: true)
                for step in 0..<tile.count where row.isPresent(step) {
                    let isFloat = row.tags[step] == StepRow.Tag.float
                    let bits = row.values[step].bitPattern
                    var output = isFloat ? outputOf[bits] : nil
                    if output == nil {
                        let value = query.symbols.intern(text(row, step))
                        let labels = query.setting(
                            label, to: value, in: child.series.labels[number])
                        let (place, isNew) = index.insert(key.reduce(labels[...]))
                        if isNew {
                            let bytes = Int64(steps.count * 8)
                            try query.budget.memory.hold(bytes, for: query.text(of: self))
                            counts.append([Double](repeating: 0, count: steps.count))
                        }
                        output = place
                        if isFloat { outputOf[bits] = place }
                    }
                    if let output { counts[output][tile.first + step] += 1 }
                }
            }
        }
        series.labels = index.labels
    }

    override var inputs: [any PlanPart] { [child] }

    private func text(_ row: borrowing StepRow, _ step: Int) -> String {
        if row.tags[step] == StepRow.Tag.float {
            return DecimalPrint.string(row.values[step], .fixed)
        }
        return row.histograms[step].map { "\($0)" } ?? ""
    }

    override func start(_ tile: Tile) {
        self.tile = tile
        position = 0
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if position == counts.count { return nil }
        row.reset(stepCount: tile.count)
        for step in 0..<tile.count {
            let count = counts[position][tile.first + step]
            if count > 0 { row.setFloat(step, count) }
        }
        position += 1
        return position - 1
    }
}
