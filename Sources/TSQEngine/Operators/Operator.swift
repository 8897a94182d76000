import TSQModel

/// A run of consecutive steps that is worked on at once, as indices of an operator's steps.
struct Tile: Equatable {
    var first: Int
    var count: Int

    init(_ first: Int, _ count: Int) {
        self.first = first
        self.count = count
    }
}

/// The series that an operator may deliver.
///
/// - Shape: `dropsName` is empty (no series does) or of the labels' count: with delayed name removal,
///   the series whose name goes at the end.
struct OutputSeries {
    var labels = SeriesLabels()
    var dropsName: [Bool] = []

    var count: Int { labels.count }

    func dropsName(_ series: Int) -> Bool { !dropsName.isEmpty && dropsName[series] }

    mutating func append(_ pairs: some Sequence<LabelPair>, dropsName drops: Bool = false) {
        if drops || !dropsName.isEmpty {
            let missing = labels.count - dropsName.count
            dropsName += repeatElement(false, count: missing)
            dropsName.append(drops)
        }
        labels.append(pairs)
    }
}

/// A node of the plan as executed.
///
/// Two phases: `prepare()` gives all output series; then, for each tile in any order, `begin` and
/// `next` until nil deliver rows. A series comes at most once a tile; series without a value in the
/// tile may be left out, and a delivered row may be empty. The order in which rows come is the order
/// of an instant query's answer.
class Operator {
    let query: QueryContext
    /// The times at which it can be asked.
    let steps: StepRange
    /// Valid after `prepare()`.
    final var series = OutputSeries()

    init(_ query: QueryContext, steps: StepRange) {
        self.query = query
        self.steps = steps
    }

    /// A scalar whose value is known before anything is read.
    var constant: Double? { nil }

    func prepare() throws(QueryError) {}

    func begin(_ tile: Tile) throws(QueryError) {}

    /// Fills `row` (any contents, any size) with the next series' values over the tile.
    func next(into row: inout StepRow) throws(QueryError) -> Int? { nil }

    /// Bytes that this operator and those beneath it hold while a tile of `stepCount` steps is
    /// worked on. Valid after `prepare()`.
    func bytesHeld(stepCount: Int) -> Int { 0 }

    /// What a step of a materialised row costs.
    static let bytesPerStep = 9

    final func stepRange(_ tile: Tile) -> StepRange {
        StepRange(firstMs: steps.timeMs(tile.first), stepMs: steps.stepMs, count: tile.count)
    }
}

/// An operator that hands on its child's rows, changed or not, with the same series numbers.
class UnaryOperator: Operator {
    final let child: Operator

    init(_ child: Operator) {
        self.child = child
        super.init(child.query, steps: child.steps)
    }

    override func prepare() throws(QueryError) {
        try child.prepare()
        series = child.series
    }

    override func begin(_ tile: Tile) throws(QueryError) { try child.begin(tile) }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        try child.next(into: &row)
    }

    override func bytesHeld(stepCount: Int) -> Int { child.bytesHeld(stepCount: stepCount) }
}
