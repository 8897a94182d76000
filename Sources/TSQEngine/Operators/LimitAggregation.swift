import TSQBase
import TSQModel
import TSQPromQL

/// `limitk`: the first k series of a group at each step, in input order.
final class LimitAggregation: UnaryOperator {
    private let grouping: [String]
    private let isWithout: Bool
    private var parameters: Parameters
    private var table = GroupTable()
    private var counts = LimitCounts()
    private var limits: [Int] = []
    private var taken: [Int32] = []
    private var stepCount = 0

    init(_ child: Operator, k: Operator, grouping: [String], isWithout: Bool) {
        self.grouping = grouping
        self.isWithout = isWithout
        parameters = Parameters([k])
        super.init(child)
    }

    override func open() throws(QueryError) {
        try parameters.prepare()
        try child.prepare()
        series = child.series
        table = try GroupTable(child.series, grouping: grouping, isWithout: isWithout, query)
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try parameters.begin(tile)
        limits = try counts.next(
            parameters.values[0], seriesCount: series.count,
            isLast: tile.first + tile.count == steps.count)
        try child.begin(tile)
        stepCount = tile.count
        taken = [Int32](repeating: 0, count: table.count * stepCount)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        while let index = try child.next(into: &row) {
            let base = table.group(of: index) * stepCount
            var isEmpty = true
            for step in 0..<stepCount where row.isPresent(step) {
                if Int(taken[base + step]) < limits[step] {
                    taken[base + step] += 1
                    isEmpty = false
                } else {
                    row.setAbsent(step)
                }
            }
            if !isEmpty { return index }
        }
        return nil
    }

    override var inputs: [any PlanPart] { parameters.operators + [child] }

    override func ownBytes(stepCount: Int) -> Int { table.count * stepCount * 4 }

    override func tableBytes() -> Int { table.byteCount }
}

/// `limit_ratio`: a share of the series, by the hash of their labels.
final class RatioAggregation: UnaryOperator {
    private var parameters: Parameters
    private let parameterRange: SourceRange
    private var positions: [Double] = []

    init(_ child: Operator, ratio: Operator, parameterRange: SourceRange) {
        parameters = Parameters([ratio])
        self.parameterRange = parameterRange
        super.init(child)
    }

    override func open() throws(QueryError) {
        try parameters.prepare()
        try super.open()
        var bytes: [UInt8] = []
        positions = (0..<series.count).map { index in
            bytes.removeAll(keepingCapacity: true)
            for pair in series.labels[index] {
                query.symbols.withBytes(pair.name) { LimitRatio.append($0, to: &bytes) }
                query.symbols.withBytes(pair.value) { LimitRatio.append($0, to: &bytes) }
            }
            return LimitRatio.position(labelBytes: bytes.span)
        }
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try parameters.begin(tile)
        let range = ParameterRange(parameters.values[0])
        if range.hasNaN { throw .execution("Ratio value is NaN") }
        query.annotations.judge(.ratio, range, parameterRange)
        try child.begin(tile)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        while let index = try child.next(into: &row) {
            var isEmpty = true
            for step in 0..<row.stepCount where row.isPresent(step) {
                let ratio = max(-1, min(1, parameters.values[0][step]))
                if ratio != 0 && LimitRatio.isSelected(position: positions[index], ratio: ratio) {
                    isEmpty = false
                } else {
                    row.setAbsent(step)
                }
            }
            if !isEmpty { return index }
        }
        return nil
    }
}
