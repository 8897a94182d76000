import TSQModel
import TSQPromQL

/// `sum avg count min max group stddev stdvar`: each row is added to its group as it arrives, so
/// that nothing but groups × steps is held.
final class GroupAggregation: UnaryOperator {
    private let operation: AggregateOperator
    private let grouping: [String]
    private let isWithout: Bool
    private var table = GroupTable()
    @exclusivity(unchecked) private var accumulators: [GroupAccumulator] = []
    @exclusivity(unchecked) private var order = GroupOrder()
    @exclusivity(unchecked) private var context: KernelContext
    private var names: SeriesNames
    private var stepCount = 0
    /// How many groups are delivered; nil while rows are still to be taken in.
    @exclusivity(unchecked) private var delivered: Int?

    init(
        _ child: Operator, _ operation: AggregateOperator, grouping: [String], isWithout: Bool,
        context: KernelContext
    ) {
        self.operation = operation
        self.grouping = grouping
        self.isWithout = isWithout
        self.context = context
        names = SeriesNames(child.query)
        super.init(child)
    }

    private init(_ other: GroupAggregation, over child: Operator) {
        operation = other.operation
        grouping = other.grouping
        isWithout = other.isWithout
        table = other.table
        context = other.context
        names = other.names
        stepCount = other.stepCount
        super.init(other, over: child)
        makeAccumulators()
    }

    override var canMove: Bool { child.canMove }

    override func move(_ query: QueryContext) -> Operator? {
        child.move(query).map { GroupAggregation(self, over: $0) }
    }

    override func open() throws(QueryError) {
        try child.prepare()
        names.labels = child.series.labels
        table = try GroupTable(child.series, grouping: grouping, isWithout: isWithout, query)
        series = try table.settled(of: child)
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try child.begin(tile)
        context.steps = stepRange(tile)
        stepCount = tile.count
        makeAccumulators()
        delivered = nil
    }

    private func makeAccumulators() {
        if accumulators.count == table.count {
            for index in accumulators.indices { accumulators[index].reset(stepCount: stepCount) }
        } else {
            accumulators = (0..<table.count).map { _ in
                GroupAccumulator(operation, stepCount: stepCount)
            }
        }
        order.begin(count: table.count)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if delivered == nil {
            let held = query.budget.samples
            while let index = try child.next(into: &row) {
                let group = table.group(of: index)
                if order.note(group, row) { try holdHistograms(of: row) }
                if !row.histograms.isEmpty { names.describe(index, query, &context) }
                accumulators[group].add(row, &context)
            }
            delivered = 0
            try query.budget.release(downTo: held, keeping: table.count * stepCount)
        }
        while let place = delivered, place < order.groups.count {
            delivered = place + 1
            let group = order.groups[place]
            row.reset(stepCount: stepCount)
            accumulators[group].finish(&context, into: &row)
            return group
        }
        query.take(&context)
        return nil
    }

    override func ownBytes(stepCount: Int) -> Int {
        table.count * stepCount * GroupAccumulator.bytesPerStep
    }

    override func tableBytes() -> Int { table.byteCount }
}
