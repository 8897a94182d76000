import TSQBase
import TSQModel
import TSQPromQL

// Scalars are operators with one series without labels and a float at every step.

/// A scalar that gives its one row.
class ScalarOperator: Operator {
    private var tile: Tile?

    override init(_ query: QueryContext, steps: StepRange) {
        super.init(query, steps: steps)
        series.append([])
    }

    override func start(_ tile: Tile) throws(QueryError) { self.tile = tile }

    final override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        guard let tile else { return nil }
        self.tile = nil
        try fill(tile, &row)
        return 0
    }

    /// Fills `row` for all of `tile`.
    func fill(_ tile: Tile, _ row: inout StepRow) throws(QueryError) {}
}

/// A number.
final class ConstantScalar: ScalarOperator {
    private let value: Double

    init(_ query: QueryContext, steps: StepRange, _ value: Double) {
        self.value = value
        super.init(query, steps: steps)
    }

    override var constant: Double? { value }

    override func fill(_ tile: Tile, _ row: inout StepRow) {
        row.fill(value, stepCount: tile.count)
    }
}

/// `time()`: the step's time in seconds.
final class TimeScalar: ScalarOperator {
    override func fill(_ tile: Tile, _ row: inout StepRow) {
        row.reset(stepCount: tile.count)
        for step in 0..<tile.count {
            row.setFloat(step, Double(steps.timeMs(tile.first + step)) / 1000)
        }
    }
}

/// `scalar(v)`: the value of the only float at a step, else NaN.
final class VectorToScalar: ScalarOperator {
    private let child: Operator
    private var childRow = StepRow(stepCount: 0)
    private var seen: [UInt8] = []

    init(_ child: Operator) {
        self.child = child
        super.init(child.query, steps: child.steps)
    }

    override func open() throws(QueryError) { try child.prepare() }

    override func start(_ tile: Tile) throws(QueryError) {
        try super.start(tile)
        try child.begin(tile)
    }

    override func fill(_ tile: Tile, _ row: inout StepRow) throws(QueryError) {
        row.fill(.nan, stepCount: tile.count)
        seen = [UInt8](repeating: 0, count: tile.count)
        let held = query.budget.samples
        while try child.next(into: &childRow) != nil {
            for step in 0..<tile.count where childRow.tags[step] == StepRow.Tag.float {
                if seen[step] == 0 {
                    row.values[step] = childRow.values[step]
                    seen[step] = 1
                } else {
                    row.values[step] = .nan
                }
            }
        }
        try query.budget.release(downTo: held, keeping: tile.count)
    }

    override var inputs: [any PlanPart] { [child] }
}

/// A scalar worked out from scalars, step by step: operators between scalars, `max_of`, `min_of`.
final class ComputedScalar: ScalarOperator {
    private var parameters: Parameters
    private let count: Int
    private let compute: @Sendable ([Double]) -> Double

    init(
        _ query: QueryContext, steps: StepRange, _ arguments: [Operator],
        _ compute: @escaping @Sendable ([Double]) -> Double
    ) {
        parameters = Parameters(arguments)
        count = arguments.count
        self.compute = compute
        let constants = arguments.compactMap(\.constant)
        folded = constants.count == arguments.count ? compute(constants) : nil
        super.init(query, steps: steps)
    }

    private let folded: Double?

    override var constant: Double? { folded }

    override func open() throws(QueryError) { try parameters.prepare() }

    override func start(_ tile: Tile) throws(QueryError) {
        try super.start(tile)
        try parameters.begin(tile)
    }

    override func fill(_ tile: Tile, _ row: inout StepRow) {
        row.reset(stepCount: tile.count)
        var arguments = [Double](repeating: 0, count: count)
        for step in 0..<tile.count {
            for index in 0..<count { arguments[index] = parameters.values[index][step] }
            row.setFloat(step, compute(arguments))
        }
    }

    override var inputs: [any PlanPart] { parameters.operators }

    override func ownBytes(stepCount: Int) -> Int { count * stepCount * 8 }
}
