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
        stepCount = tile.count
        delivered = nil
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if delivered == nil {
            let held = query.budget.samples
            while let index = try child.next(into: &row) {
                let group = table.groupOf[index]
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
        while let group = delivered, group < table.count {
            delivered = group + 1
            if members[group].isEmpty { continue }
            fill(group, &row)
            return group
        }
        return nil
    }

    private func fill(_ group: Int, _ row: inout StepRow) {
        row.reset(stepCount: stepCount)
        var values: [Double] = []
        values.reserveCapacity(members[group].count)
        for step in 0..<stepCount {
            values.removeAll(keepingCapacity: true)
            for member in members[group] where rows[member].tags[step] == StepRow.Tag.float {
                values.append(rows[member].values[step])
            }
            if values.isEmpty { continue }
            row.setFloat(step, Quantiles.quantile(parameters.values[0][step], &values))
        }
    }

    override var inputs: [any PlanPart] { parameters.operators + [child] }

    override func ownBytes(stepCount: Int) -> Int {
        (child.series.count + table.count) * stepCount * Self.bytesPerStep
    }

    override func tableBytes() -> Int { table.byteCount }
}
