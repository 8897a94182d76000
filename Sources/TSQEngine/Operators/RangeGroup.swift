import TSQBase
import TSQModel

/// Several functions over windows of one selector, which is read once, as far back as the widest
/// window reaches.
///
/// Row `output × series + index` is that of function `output`. A function sees of a series what it
/// would have read itself.
final class RangeGroup: Operator {
    /// A function with its windows.
    struct Member {
        let kernel: RangeKernel
        var state: RangeState
        var parameters: Parameters
        var names: SeriesNames
        var countsSamples: Bool
        /// What it would read itself for the tile.
        var fromMs: TimestampMs = 0
        var toMs: TimestampMs = 0
    }

    private let matchers: [LabelMatcher]
    private let times: SelectorTimes
    private let wantsStatistics: Bool
    private let title: String
    @exclusivity(unchecked) private var members: [Member] = []
    @exclusivity(unchecked) private var reader = SampleReader()
    @exclusivity(unchecked) private var columns = SampleColumns()
    /// The series at hand and the next function to apply to it.
    @exclusivity(unchecked) private var index = 0
    @exclusivity(unchecked) private var cursor = 0
    private var tile = Tile(0, 0)

    init(
        _ query: QueryContext, steps: StepRange, matchers: [LabelMatcher], times: SelectorTimes,
        wantsStatistics: Bool, title: String
    ) {
        self.matchers = matchers
        self.times = times
        self.wantsStatistics = wantsStatistics
        self.title = title
        super.init(query, steps: steps)
    }

    private init(_ other: RangeGroup, _ query: QueryContext) {
        matchers = other.matchers
        times = other.times
        wantsStatistics = other.wantsStatistics
        title = other.title
        members = other.members
        for index in members.indices {
            members[index].parameters = Parameters(valuesOf: members[index].parameters)
            members[index].state.forgetShared()
        }
        reader = other.reader.fork()
        cursor = members.count
        tile = other.tile
        super.init(query, steps: other.steps)
        series = other.series
    }

    func add(_ member: Member) {
        members.append(member)
        cursor = members.count
    }

    private var widestMs: Int64 { members.map(\.state.windows.rangeMs).max() ?? 0 }

    override func open() throws(QueryError) {
        for index in members.indices { try members[index].parameters.prepare() }
        let selection = try query.select(
            matchers, fromMs: times.firstMs.subtractingClamped(widestMs), toMs: times.lastMs)
        if query.looksUpAhead { selection.expectReads() }
        reader = SampleReader(
            selection, wantsStatistics: wantsStatistics, probe: query.newProbe())
        series = OutputSeries(distinct: selection.labels)
        for index in members.indices { members[index].names.labels = selection.labels }
    }

    override func start(_ tile: Tile) throws(QueryError) {
        self.tile = tile
        reader.rewind()
        cursor = members.count
        for index in members.indices {
            try members[index].parameters.begin(tile)
            members[index].state.begin(
                tile, stepRange(tile), members[index].parameters.values)
            let windows = members[index].state.windows
            members[index].fromMs = windows.firstEndMs.subtractingClamped(windows.rangeMs)
            members[index].toMs = windows.endMs(tile.count - 1)
        }
    }

    override var canFork: Bool { true }

    override func fork(_ query: QueryContext) -> Operator? { RangeGroup(self, query) }

    override func restrict(to range: Range<Int>) {
        cursor = members.count
        reader.restrict(to: range)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        while true {
            while cursor < members.count {
                let output = cursor
                cursor += 1
                if try apply(output, &row) { return output * series.count + index }
            }
            guard try read() else {
                for index in members.indices { query.take(&members[index].state.context) }
                return nil
            }
            cursor = 0
        }
    }

    /// Reads the next series.
    private func read() throws(QueryError) -> Bool {
        let toMs = times.timeMs(tile.first + tile.count - 1)
        let fromMs = times.timeMs(tile.first).subtractingClamped(widestMs)
        guard let next = try reader.next(into: &columns, fromMs: fromMs, toMs: toMs, query) else {
            return false
        }
        columns.removeStaleMarkers()
        index = next
        return true
    }

    private static func count(_ times: [TimestampMs], _ member: borrowing Member) -> Int {
        place(after: member.toMs, times) - place(after: member.fromMs, times)
    }

    /// How many of the ascending `times` are not after `timeMs`.
    private static func place(after timeMs: TimestampMs, _ times: [TimestampMs]) -> Int {
        var (low, high) = (0, times.count)
        while low < high {
            let middle = (low + high) / 2
            if times[middle] > timeMs { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Whether function `output` has values for the series at hand.
    private func apply(_ output: Int, _ row: inout StepRow) throws(QueryError) -> Bool {
        let counted =
            Self.count(columns.times, members[output])
            + Self.count(columns.histograms.times, members[output])
        if counted == 0 { return false }
        var names = members[output].names
        names.describe(index, query, &members[output].state.context)
        members[output].names = names
        let kernel = members[output].kernel
        let countsSamples = members[output].countsSamples
        swap(&columns, &members[output].state.columns)
        defer { swap(&columns, &members[output].state.columns) }
        try members[output].state.apply(kernel, query, countsSamples: countsSamples, &row)
        let points = row.pointCount
        if points == 0 { return false }
        try query.budget.hold(samples: points)
        return true
    }

    override var inputs: [any PlanPart] { members.flatMap { $0.parameters.operators } }

    override func ownBytes(stepCount: Int) -> Int {
        members.count * stepCount * RangeState.bytesPerStep
    }

    override func explain() -> [ExplainNode] {
        var node = ExplainNode(
            name: "select", detail: title, seriesCount: series.count, byteCount: reader.heldBytes,
            children: inputs.flatMap { $0.explain() })
        reader.report(to: &node)
        return [node]
    }
}
