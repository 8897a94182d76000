import TSQModel
import TSQPromQL

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
    /// Known to have no two series with the same labels.
    var isDistinct = false

    init() {}

    /// Series with labels that all differ: those of a selection.
    init(distinct labels: SeriesLabels) {
        self.labels = labels
        isDistinct = true
    }

    var count: Int { labels.count }

    var byteCount: Int { labels.byteCount + dropsName.count }

    func dropsName(_ series: Int) -> Bool { !dropsName.isEmpty && dropsName[series] }

    mutating func append(_ pairs: [LabelPair], dropsName drops: Bool = false) {
        noteAppended(drops)
        labels.append(pairs)
    }

    mutating func append(_ pairs: ArraySlice<LabelPair>, dropsName drops: Bool = false) {
        noteAppended(drops)
        labels.append(pairs)
    }

    private mutating func noteAppended(_ drops: Bool) {
        isDistinct = false
        if !drops && dropsName.isEmpty { return }
        let missing = labels.count - dropsName.count
        dropsName += repeatElement(false, count: missing)
        dropsName.append(drops)
    }
}

/// A part of a plan: an operator, or where a function of range vectors gets its samples.
protocol PlanPart: AnyObject {
    /// The nodes that tell of this part: one, or those of its inputs where it is nothing of its own.
    func explain() -> [ExplainNode]

    /// Bytes that this part and those beneath it hold while a tile of `stepCount` steps is worked
    /// on. Valid after `prepare()`.
    func bytesHeld(stepCount: Int) -> Int
}

/// A node of the plan as executed.
///
/// Two phases: `prepare()` gives all output series; then, for each tile in any order, `begin` and
/// `next` until nil deliver rows. A series comes at most once a tile; series without a value in the
/// tile may be left out, and a delivered row may be empty. The order in which rows come is the order
/// of an instant query's answer.
///
/// What an operator holds is charged to the query: its tables when it is prepared, its rows when a
/// tile begins.
class Operator: PlanPart {
    let query: QueryContext
    /// The times at which it can be asked.
    let steps: StepRange
    /// Valid after `prepare()`.
    final var series = OutputSeries()
    /// Where the text has what it works out, for errors; nil for parts without a text of their own.
    final var place: SourceRange?
    private var isPrepared = false
    private var charge = MemoryCharge()
    private var tableCharge = MemoryCharge()

    init(_ query: QueryContext, steps: StepRange) {
        self.query = query
        self.steps = steps
    }

    /// A scalar whose value is known before anything is read.
    var constant: Double? { nil }

    /// The parts that this one takes its rows from.
    var inputs: [any PlanPart] { [] }

    /// Opens the inputs and names the output series.
    final func prepare() throws(QueryError) {
        if isPrepared { return }
        isPrepared = true
        try open()
        try tableCharge.set(tableBytes(), query, self)
        try query.chargeSymbols(self)
    }

    /// Starts over for `tile`.
    final func begin(_ tile: Tile) throws(QueryError) {
        try charge.set(ownBytes(stepCount: tile.count), query, self)
        try start(tile)
    }

    /// What `prepare` does.
    func open() throws(QueryError) {}

    /// What `begin` does.
    func start(_ tile: Tile) throws(QueryError) {}

    /// Fills `row` (any contents, any size) with the next series' values over the tile.
    func next(into row: inout StepRow) throws(QueryError) -> Int? { nil }

    // MARK: Lanes

    /// Whether each series' rows depend on that series alone, and the operator can be forked. Before
    /// `prepare()` the answer may be true where it is false after.
    var canFork: Bool { false }

    /// How many series `restrict` tells apart.
    var laneSeriesCount: Int { series.count }

    /// A copy for another thread in the midst of a tile that has begun, with a reader, remarks and
    /// counts of its own (those of `query`); nil where series do not stand alone. Only `restrict` and
    /// `next` are called on it.
    func fork(_ query: QueryContext) -> Operator? { nil }

    /// Starts over within a tile that has begun: the rows of the series in `range` only. For
    /// operators that can be forked.
    func restrict(to range: Range<Int>) {}

    // MARK: Work beside

    /// Whether all rows may be worked out by another thread as a whole (`move`): more operators can
    /// than can be forked. Before `prepare()` the answer may be true where it is false after.
    var canMove: Bool { canFork }

    /// As `fork`, and it delivers all rows: nothing is restricted.
    func move(_ query: QueryContext) -> Operator? { fork(query) }

    /// Series that are read to work out the rows: what a row costs depends on them.
    var readSeriesCount: Int { series.count }

    // MARK: Memory

    /// Bytes of this operator alone while a tile of `stepCount` steps is worked on.
    func ownBytes(stepCount: Int) -> Int { 0 }

    /// Gives back what it and those beneath it are charged with: for copies that have done their work.
    final func discharge() {
        query.budget.memory.release(charge.bytes)
        charge = MemoryCharge()
        for input in inputs { (input as? Operator)?.discharge() }
    }

    /// Charges `bytes` more until the next tile begins.
    final func holdMore(_ bytes: Int) throws(QueryError) {
        if bytes > 0 { try charge.grow(by: bytes, query, self) }
    }

    /// Charges the histograms of a row that is kept until the next tile begins; its floats are among
    /// `ownBytes`.
    @inline(__always)
    final func holdHistograms(of row: borrowing StepRow) throws(QueryError) {
        if !row.histograms.isEmpty { try holdMore(row.histogramByteCount) }
    }

    /// Bytes of its tables, labels included where they are not an input's.
    func tableBytes() -> Int {
        let isShared = inputs.contains { input in
            guard let input = input as? Operator else { return false }
            return input.series.labels.sharesStorage(with: series.labels)
        }
        return isShared ? 0 : series.byteCount
    }

    func bytesHeld(stepCount: Int) -> Int {
        inputs.reduce(ownBytes(stepCount: stepCount)) { $0 + $1.bytesHeld(stepCount: stepCount) }
    }

    /// What a step of a materialised row costs.
    static let bytesPerStep = 9

    /// Samples that it has read itself, where the plan is to be explained.
    var samplesRead: Int64? { nil }

    func explain() -> [ExplainNode] { inputs.flatMap { $0.explain() } }

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

    /// A copy over a fork of the child: what `fork` makes.
    init(_ other: UnaryOperator, over child: Operator) {
        self.child = child
        super.init(child.query, steps: other.steps)
        series = other.series
    }

    override var inputs: [any PlanPart] { [child] }

    override func open() throws(QueryError) {
        try child.prepare()
        series = child.series
    }

    override func start(_ tile: Tile) throws(QueryError) { try child.begin(tile) }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        try child.next(into: &row)
    }

    override func restrict(to range: Range<Int>) { child.restrict(to: range) }

    /// Whether a copy can stand over a copy of the child: each row depends on the child's row alone.
    var canCopy: Bool { false }

    /// A copy over a fork of the child, or over what was moved.
    func copy(over child: Operator) -> Operator { child }

    override var canFork: Bool { canCopy && child.canFork }
    override var canMove: Bool { canCopy && child.canMove }
    override var readSeriesCount: Int { child.readSeriesCount }

    override func fork(_ query: QueryContext) -> Operator? {
        canCopy ? child.fork(query).map { copy(over: $0) } : nil
    }

    override func move(_ query: QueryContext) -> Operator? {
        canCopy ? child.move(query).map { copy(over: $0) } : nil
    }
}
