import TSQModel
import TSQPromQL

/// `quantile(φ, v)`: needs all values of a group at a step together.
final class QuantileAggregation: UnaryOperator {
    private let grouping: [String]
    private let isWithout: Bool
    private var parameters: Parameters
    private let parameterRange: SourceRange
    private let operandRange: SourceRange
    private var table = GroupTable()
    private var rows = RowStore()
    private var members: [[Int]] = []
    private var order = GroupOrder()
    private var delivered: Int?
    private var stepCount = 0

    init(
        _ child: Operator, phi: Operator, grouping: [String], isWithout: Bool,
        parameterRange: SourceRange, operandRange: SourceRange
    ) {
        self.grouping = grouping
        self.isWithout = isWithout
        parameters = Parameters([phi])
        self.parameterRange = parameterRange
        self.operandRange = operandRange
        super.init(child)
    }

    override func open() throws(QueryError) {
        try parameters.prepare()
        try child.prepare()
        table = try GroupTable(child.series, grouping: grouping, isWithout: isWithout, query)
        series = try table.settled(of: child)
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try parameters.begin(tile)
        query.annotations.judge(
            .quantile, ParameterRange(parameters.values[0]), parameterRange)
        try child.begin(tile)
        rows.removeAll()
        members = [[Int]](repeating: [], count: table.count)
        order.begin(count: table.count)
        stepCount = tile.count
        delivered = nil
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if delivered == nil {
            let held = query.budget.samples
            while let index = try child.next(into: &row) {
                let group = table.group(of: index)
                order.note(group, row)
                if row.tags.contains(StepRow.Tag.histogram) {
                    query.annotations.inform(
                        "ignored histogram in quantile aggregation", operandRange)
                }
                row.histograms.removeAll()
                members[group].append(rows.append(&row))
            }
            delivered = 0
            try query.budget.release(downTo: held, keeping: table.count * stepCount)
        }
        while let place = delivered, place < order.groups.count {
            delivered = place + 1
            let group = order.groups[place]
            fill(group, &row)
            return group
        }
        return nil
    }

    /// Steps looked at together: a line of the cache has as many values.
    private static let stepsAtOnce = 8

    private func fill(_ group: Int, _ row: inout StepRow) {
        row.reset(stepCount: stepCount)
        let members = members[group]
        // Steps after each other, each with room for all members.
        var columns = [Double](repeating: 0, count: Self.stepsAtOnce * members.count)
        var counts = [Int](repeating: 0, count: Self.stepsAtOnce)
        var values: [Double] = []
        values.reserveCapacity(members.count)
        for first in stride(from: 0, to: stepCount, by: Self.stepsAtOnce) {
            let steps = first..<min(first + Self.stepsAtOnce, stepCount)
            for step in counts.indices { counts[step] = 0 }
            for member in members {
                rows[member].addFloats(of: steps, to: &columns, &counts, room: members.count)
            }
            for step in steps where counts[step - first] > 0 {
                let start = (step - first) * members.count
                values.removeAll(keepingCapacity: true)
                values.append(contentsOf: columns[start..<start + counts[step - first]])
                row.setFloat(step, Quantiles.quantile(parameters.values[0][step], &values))
            }
        }
    }

    override var inputs: [any PlanPart] { parameters.operators + [child] }

    override func ownBytes(stepCount: Int) -> Int {
        (child.series.count + table.count) * stepCount * Self.bytesPerStep
    }

    override func tableBytes() -> Int { table.byteCount }
}

extension StepRow {
    /// Adds the floats at each of `steps` to a column of its own, which has `room` and `counts` so far.
    fileprivate func addFloats(
        of steps: Range<Int>, to columns: inout [Double], _ counts: inout [Int], room: Int
    ) {
        let (values, tags) = (values.span.extracting(steps), tags.span.extracting(steps))
        var out = columns.mutableSpan
        var filled = counts.mutableSpan
        for step in 0..<steps.count {
            let count = filled[step]
            out[step &* room &+ count] = values[step]
            filled[step] = count &+ (tags[step] == Tag.float ? 1 : 0)
        }
    }
}
