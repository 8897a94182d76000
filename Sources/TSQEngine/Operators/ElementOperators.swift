import TSQModel
import TSQPromQL

/// A function of an instant vector that treats each series alone: `abs`, `clamp`, `hour`, ….
final class ElementCall: UnaryOperator {
    enum Naming {
        case drops
        /// Of what names the metric, type and unit stay where names go at once.
        case keepsType
        case keeps
    }

    private let kernel: ElementKernel
    private let naming: Naming
    private var parameters: Parameters
    private var context: KernelContext
    private var names: SeriesNames

    init(
        _ child: Operator, kernel: @escaping ElementKernel, parameters: [Operator],
        context: KernelContext, naming: Naming
    ) {
        self.kernel = kernel
        self.naming = naming
        self.parameters = Parameters(parameters)
        self.context = context
        names = SeriesNames(child.query)
        super.init(child)
    }

    private init(_ other: ElementCall, over child: Operator) {
        kernel = other.kernel
        naming = other.naming
        parameters = Parameters(valuesOf: other.parameters)
        context = other.context
        names = other.names
        super.init(other, over: child)
    }

    override var inputs: [any PlanPart] { parameters.operators + [child] }
    override var canCopy: Bool { true }

    override func copy(over child: Operator) -> Operator { ElementCall(self, over: child) }

    override func open() throws(QueryError) {
        try super.open()
        names.labels = child.series.labels
        try parameters.prepare()
        if naming != .keeps {
            series = query.droppingName(child.series, keepsType: naming == .keepsType)
        }
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try super.start(tile)
        try parameters.begin(tile)
        context.steps = stepRange(tile)
        context.parameters = parameters.values
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        guard let index = try child.next(into: &row) else {
            query.take(&context)
            return nil
        }
        names.describe(index, query, &context)
        try kernel(&context, &row)
        return index
    }
}

/// Rows changed by a closure: `timestamp()` of an expression, `vector()`, filters.
final class RowMap: UnaryOperator {
    private let dropsName: Bool
    private let change: (inout StepRow, StepRange) -> Void
    private var tileSteps = StepRange(firstMs: 0, stepMs: 1, count: 0)

    init(
        _ child: Operator, dropsName: Bool, _ change: @escaping (inout StepRow, StepRange) -> Void
    ) {
        self.dropsName = dropsName
        self.change = change
        super.init(child)
    }

    private init(_ other: RowMap, over child: Operator) {
        dropsName = other.dropsName
        change = other.change
        tileSteps = other.tileSteps
        super.init(other, over: child)
    }

    override var canCopy: Bool { true }

    override func copy(over child: Operator) -> Operator { RowMap(self, over: child) }

    override func open() throws(QueryError) {
        try super.open()
        if dropsName { series = query.droppingName(child.series) }
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try super.start(tile)
        tileSteps = stepRange(tile)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        guard let index = try child.next(into: &row) else { return nil }
        change(&row, tileSteps)
        return index
    }
}

/// `vector op scalar` and `scalar op vector`; unary minus is `vector * -1`.
final class VectorScalar: UnaryOperator {
    private let operation: BinaryOperator
    private let returnsBool: Bool
    private let scalarOnLeft: Bool
    private var parameters: Parameters
    private var context: KernelContext
    private var scalarRow = StepRow(stepCount: 0)
    private var vectorRow = StepRow(stepCount: 0)

    init(
        _ child: Operator, _ scalar: Operator, _ operation: BinaryOperator, returnsBool: Bool,
        scalarOnLeft: Bool, context: KernelContext
    ) {
        self.operation = operation
        self.returnsBool = returnsBool
        self.scalarOnLeft = scalarOnLeft
        parameters = Parameters([scalar])
        self.context = context
        super.init(child)
    }

    private init(_ other: VectorScalar, over child: Operator) {
        operation = other.operation
        returnsBool = other.returnsBool
        scalarOnLeft = other.scalarOnLeft
        parameters = Parameters(valuesOf: other.parameters)
        context = other.context
        scalarRow = other.scalarRow
        super.init(other, over: child)
    }

    override var inputs: [any PlanPart] {
        scalarOnLeft ? parameters.operators + [child] : [child] + parameters.operators
    }
    override var canCopy: Bool { true }

    override func copy(over child: Operator) -> Operator { VectorScalar(self, over: child) }

    override func open() throws(QueryError) {
        try super.open()
        try parameters.prepare()
        if returnsBool || operation.changesMetric { series = query.droppingName(child.series) }
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try super.start(tile)
        try parameters.begin(tile)
        context.steps = stepRange(tile)
        scalarRow.fill(parameters.values[0])
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        guard let index = try child.next(into: &vectorRow) else {
            query.take(&context)
            return nil
        }
        row.reset(stepCount: vectorRow.stepCount)
        if scalarOnLeft {
            BinaryKernels.apply(
                operation, scalarRow, vectorRow, returnsBool: returnsBool, swapped: true, &context,
                into: &row)
        } else {
            BinaryKernels.apply(
                operation, vectorRow, scalarRow, returnsBool: returnsBool, swapped: false, &context,
                into: &row)
        }
        return index
    }
}

extension BinaryOperator {
    /// Whether the result no longer is the metric (arithmetic).
    var changesMetric: Bool {
        switch self {
        case .add, .subtract, .multiply, .divide, .modulo, .power, .atan2: true
        default: false
        }
    }
}

/// A part that does not change with the step: worked out once and repeated.
final class StepInvariant: Operator {
    private let child: Operator
    private var rows = RowStore()
    private var numbers: [Int] = []
    private var isEvaluated = false
    private var position = 0
    private var stepCount = 0

    /// `child` has a single step.
    init(_ child: Operator, steps: StepRange) {
        self.child = child
        super.init(child.query, steps: steps)
    }

    override var constant: Double? { child.constant }
    override var inputs: [any PlanPart] { [child] }

    override func open() throws(QueryError) {
        try child.prepare()
        series = child.series
    }

    override func start(_ tile: Tile) throws(QueryError) {
        position = 0
        stepCount = tile.count
        if isEvaluated { return }
        isEvaluated = true
        let before = query.statistics.totalQueryableSamples
        try child.begin(Tile(0, 1))
        var row = StepRow(stepCount: 1)
        while let number = try child.next(into: &row) {
            if row.isEmpty { continue }
            try holdHistograms(of: row)
            numbers.append(number)
            _ = rows.append(&row)
        }
        // Prometheus counts the samples at every step.
        let samples = query.statistics.totalQueryableSamples - before
        query.statistics.totalQueryableSamples += samples * Int64(steps.count - 1)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if position == numbers.count { return nil }
        let number = numbers[position]
        let source = position
        position += 1
        row.reset(stepCount: stepCount)
        if rows[source].tags[0] == StepRow.Tag.float {
            row.fill(rows[source].values[0], stepCount: stepCount)
        } else if let histogram = rows[source].histograms[0] {
            for step in 0..<stepCount { row.setHistogram(step, histogram) }
        }
        return number
    }

    override func ownBytes(stepCount: Int) -> Int { series.count * Self.bytesPerRow }

    override func bytesHeld(stepCount: Int) -> Int {
        child.bytesHeld(stepCount: 1) + ownBytes(stepCount: stepCount)
    }

    /// A row of one step: two arrays with their heads.
    private static let bytesPerRow = 120
}
