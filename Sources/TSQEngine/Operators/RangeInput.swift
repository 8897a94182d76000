import TSQBase
import TSQModel

/// Where a function of range vectors gets the samples of one series after the other.
protocol RangeInput: PlanPart {
    var series: OutputSeries { get }
    /// Whether all series are known to have the same name.
    var hasOneName: Bool { get }

    func prepare() throws(QueryError)

    /// Starts over for the windows of `tile`, whose ends are `endMs`.
    func begin(_ tile: Tile, _ windows: borrowing Windows) throws(QueryError)

    /// The samples of the next series that has any, without stale markers.
    func next(into columns: inout SampleColumns) throws(QueryError) -> Int?

    /// As those of `Operator`.
    var canFork: Bool { get }
    func fork(_ query: QueryContext) -> (any RangeInput)?
    func restrict(to range: Range<Int>)
}

/// A range selector.
final class SelectorRange: RangeInput {
    private let query: QueryContext
    private let matchers: [LabelMatcher]
    private let fromMs: TimestampMs
    private let toMs: TimestampMs
    private let wantsStatistics: Bool
    /// Selector and window as text, where the plan is to be explained.
    var title: String
    @exclusivity(unchecked) private var reader = SampleReader()
    private var tileFromMs: TimestampMs = 0
    private var tileToMs: TimestampMs = 0
    private(set) var series = OutputSeries()

    /// `windows` are those of all steps.
    init(
        _ query: QueryContext, matchers: [LabelMatcher], windows: borrowing Windows, count: Int,
        wantsStatistics: Bool = false
    ) {
        self.query = query
        self.wantsStatistics = wantsStatistics
        self.matchers = matchers
        (fromMs, toMs) = Self.bounds(windows, count)
        title = ""
    }

    private init(_ other: SelectorRange, _ query: QueryContext) {
        self.query = query
        matchers = other.matchers
        fromMs = other.fromMs
        toMs = other.toMs
        wantsStatistics = other.wantsStatistics
        title = other.title
        reader = other.reader.fork()
        tileFromMs = other.tileFromMs
        tileToMs = other.tileToMs
        series = other.series
    }

    var hasOneName: Bool {
        matchers.contains {
            $0.operation == .equal && $0.name == LabelName.metricName && !$0.value.isEmpty
        }
    }

    var canFork: Bool { true }

    func fork(_ query: QueryContext) -> (any RangeInput)? { SelectorRange(self, query) }

    func restrict(to range: Range<Int>) { reader.restrict(to: range) }

    private static func bounds(
        _ windows: borrowing Windows, _ count: Int
    ) -> (fromMs: TimestampMs, toMs: TimestampMs) {
        let before = windows.mode == .none ? 0 : windows.lookbackMs
        let after = windows.mode == .smoothed ? windows.lookbackMs : 0
        return (
            windows.firstEndMs.subtractingClamped(windows.rangeMs).subtractingClamped(before),
            windows.endMs(count - 1).addingClamped(after)
        )
    }

    func prepare() throws(QueryError) {
        let selection = try query.select(matchers, fromMs: fromMs, toMs: toMs)
        if query.looksUpAhead { selection.expectReads() }
        reader = SampleReader(
            selection, wantsStatistics: wantsStatistics, probe: query.newProbe())
        series = OutputSeries(distinct: selection.labels)
    }

    func begin(_ tile: Tile, _ windows: borrowing Windows) {
        (tileFromMs, tileToMs) = Self.bounds(windows, tile.count)
        reader.rewind()
    }

    func next(into columns: inout SampleColumns) throws(QueryError) -> Int? {
        guard
            let index = try reader.next(
                into: &columns, fromMs: tileFromMs, toMs: tileToMs, query)
        else { return nil }
        columns.removeStaleMarkers()
        return index
    }

    func bytesHeld(stepCount: Int) -> Int { 0 }

    func explain() -> [ExplainNode] {
        var node = ExplainNode(
            name: "select", detail: title, seriesCount: series.count,
            byteCount: reader.heldBytes)
        reader.report(to: &node)
        return [node]
    }
}

/// A subquery: its inner expression's values at steps of its own, aligned to multiples of the
/// resolution, are the samples.
final class SubqueryRange: RangeInput {
    private let query: QueryContext
    private let inner: Operator?
    private var row = StepRow(stepCount: 0)
    private var innerTile = Tile(0, 0)
    private var heldBytes: Int64 = 0
    /// A value and its tag in the row, time and value in the columns.
    private static let bytesPerStep: Int64 = 25
    var series: OutputSeries { inner?.series ?? OutputSeries() }

    /// `inner` nil: no step of the resolution falls into any window.
    init(_ query: QueryContext, inner: Operator?) {
        self.query = query
        self.inner = inner
    }

    var hasOneName: Bool { false }

    var canFork: Bool { inner?.canFork ?? false }

    func fork(_ query: QueryContext) -> (any RangeInput)? {
        guard let inner, let copy = inner.fork(query) else { return nil }
        let fork = SubqueryRange(query, inner: copy)
        fork.innerTile = innerTile
        return fork
    }

    func restrict(to range: Range<Int>) { inner?.restrict(to: range) }

    /// `[range:resolution]`, where the plan is to be explained.
    var title = ""

    /// The inner steps for windows from `firstEndMs` to `lastEndMs`; nil where there is none.
    ///
    /// - Source: Prometheus promql/engine.go: the first multiple of the step after the first
    ///   window's start (Go's division truncates towards zero) up to the last window's end.
    static func steps(
        firstEndMs: TimestampMs, lastEndMs: TimestampMs, rangeMs: Int64, stepMs: Int64
    ) -> StepRange? {
        let afterMs = firstEndMs.subtractingClamped(rangeMs)
        var firstMs = stepMs * (afterMs / stepMs)
        if firstMs <= afterMs { firstMs = firstMs.addingClamped(stepMs) }
        // The second at the end of time, where there is no next multiple.
        if firstMs > lastEndMs || firstMs <= afterMs { return nil }
        // Between the ends of time there are more milliseconds than an Int64 can tell.
        let steps = lastEndMs.subtractingClamped(firstMs) / stepMs
        return StepRange(firstMs: firstMs, stepMs: stepMs, count: Int(min(steps, .max - 1)) + 1)
    }

    func prepare() throws(QueryError) { try inner?.prepare() }

    func begin(_ tile: Tile, _ windows: borrowing Windows) throws(QueryError) {
        guard let inner else { return }
        let steps = inner.steps
        // From where the tile before ended, too: steps in no window are evaluated for their remarks.
        let backMs = tile.first == 0 ? windows.rangeMs : max(windows.rangeMs, windows.stepMs)
        let afterMs = windows.firstEndMs.subtractingClamped(backMs)
        let lastMs = windows.endMs(tile.count - 1)
        // The number of inner steps up to and with `timeMs`.
        func stepsUp(to timeMs: TimestampMs) -> Int {
            if timeMs < steps.firstMs { return 0 }
            let number = timeMs.subtractingClamped(steps.firstMs) / steps.stepMs
            return number >= steps.count ? steps.count : Int(number) + 1
        }
        let first = stepsUp(to: afterMs)
        innerTile = Tile(first, max(0, stepsUp(to: lastMs) - first))
        let bytes = Int64(innerTile.count) * Self.bytesPerStep
        query.budget.memory.release(heldBytes)
        heldBytes = 0
        try query.budget.memory.hold(bytes, for: "a subquery of \(innerTile.count) steps")
        heldBytes = bytes
        if innerTile.count > 0 { try inner.begin(innerTile) }
    }

    func next(into columns: inout SampleColumns) throws(QueryError) -> Int? {
        guard let inner, innerTile.count > 0 else { return nil }
        while true {
            guard let index = try inner.next(into: &row) else { return nil }
            try query.budget.tick()
            columns.removeAll()
            for step in 0..<row.stepCount {
                let timeMs = inner.steps.timeMs(innerTile.first + step)
                if row.tags[step] == StepRow.Tag.float {
                    columns.times.append(timeMs)
                    columns.values.append(row.values[step])
                } else if row.tags[step] == StepRow.Tag.histogram, var value = row.histograms[step]
                {
                    // A reset may lie between the steps, or be seen more than once: the hints
                    // mean nothing here.
                    if value.hint != .gauge { value.hint = .unknown }
                    columns.histograms.append(value, timeMs: timeMs)
                }
            }
            columns.removeStaleMarkers()
            if !columns.isEmpty { return index }
        }
    }

    func bytesHeld(stepCount: Int) -> Int {
        guard let inner else { return 0 }
        return inner.bytesHeld(stepCount: inner.steps.count)
    }

    func explain() -> [ExplainNode] {
        guard let inner else { return [ExplainNode(name: "subquery", detail: title)] }
        return [
            ExplainNode(
                name: "subquery", detail: title, seriesCount: inner.series.count,
                byteCount: heldBytes, children: inner.explain())
        ]
    }
}
