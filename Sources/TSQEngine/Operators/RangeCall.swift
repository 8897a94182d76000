import TSQBase
import TSQModel
import TSQPromQL

/// A function of a range vector that treats each series alone: `rate`, `max_over_time`, ….
final class RangeCall: Operator {
    private let input: any RangeInput
    private let kernel: RangeKernel
    private let keepsName: Bool
    private let countsSamples: Bool
    private var parameters: Parameters
    @exclusivity(unchecked) private var state: RangeState
    @exclusivity(unchecked) private var names: SeriesNames

    /// `windows` has the geometry; `times` where they end.
    init(
        _ query: QueryContext, steps: StepRange, input: any RangeInput,
        kernel: @escaping RangeKernel,
        times: SelectorTimes, windows: Windows, parameters: [Operator], context: KernelContext,
        keepsName: Bool, countsSamples: Bool
    ) {
        self.input = input
        self.kernel = kernel
        self.keepsName = keepsName
        self.countsSamples = countsSamples
        self.parameters = Parameters(parameters)
        state = RangeState(times: times, windows: windows, context: context)
        names = SeriesNames(query)
        super.init(query, steps: steps)
    }

    private init(_ other: RangeCall, _ input: any RangeInput, _ query: QueryContext) {
        self.input = input
        kernel = other.kernel
        keepsName = other.keepsName
        countsSamples = other.countsSamples
        parameters = Parameters(valuesOf: other.parameters)
        state = other.state
        state.forgetShared()
        names = other.names
        super.init(query, steps: other.steps)
        series = other.series
    }

    override var canFork: Bool { input.canFork }

    override func fork(_ query: QueryContext) -> Operator? {
        input.fork(query).map { RangeCall(self, $0, query) }
    }

    override func restrict(to range: Range<Int>) { input.restrict(to: range) }

    override func open() throws(QueryError) {
        try parameters.prepare()
        try input.prepare()
        names.labels = input.series.labels
        names.isOneName = input.hasOneName
        series = keepsName ? input.series : query.droppingName(input.series)
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try parameters.begin(tile)
        state.begin(tile, stepRange(tile), parameters.values)
        try input.begin(tile, state.windows)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        while true {
            guard let index = try input.next(into: &state.columns) else {
                query.take(&state.context)
                return nil
            }
            names.describe(index, query, &state.context)
            try state.apply(kernel, query, countsSamples: countsSamples, &row)
            let points = row.pointCount
            if points == 0 { continue }
            try query.budget.hold(samples: points)
            return index
        }
    }

    override var inputs: [any PlanPart] { parameters.operators + [input] }

    override func ownBytes(stepCount: Int) -> Int { stepCount * RangeState.bytesPerStep }

    override func tableBytes() -> Int {
        series.labels.sharesStorage(with: input.series.labels) ? 0 : series.byteCount
    }
}

extension StepRow {
    /// The samples of the row, histograms by weight.
    var pointCount: Int64 {
        var count: Int64 = 0
        if histograms.isEmpty {
            return Int64(floatCount)
        }
        for step in 0..<tags.count {
            if tags[step] == Tag.float {
                count += 1
            } else if tags[step] == Tag.histogram {
                count += histograms[step]?.sampleWeight ?? 0
            }
        }
        return count
    }
}

/// Gives kernels the name of the series at hand, turned into text only when it changes.
struct SeriesNames {
    /// Of the series that are described.
    var labels = SeriesLabels()
    /// All have the same name: the labels of one are enough.
    var isOneName = false
    private var symbol: SymbolID?
    private var typeSymbol: SymbolID?
    private let wantsType: Bool

    init(_ query: QueryContext) { wantsType = query.options.typeAndUnitLabels }

    mutating func describe(
        _ series: Int, _ query: QueryContext, _ context: inout KernelContext
    ) {
        if !isOneName || symbol == nil {
            let name = labels.value(series, of: query.nameSymbol)
            if name != symbol {
                symbol = name
                context.metricName = query.text(name)
            }
        }
        if !wantsType { return }
        let type = labels.value(series, of: query.typeSymbol)
        if type != typeSymbol || context.metricType == nil {
            typeSymbol = type
            context.metricType = query.text(type)
        }
    }
}

/// `absent_over_time`: 1 at the steps where no series has a sample in the window.
final class AbsentOverTime: Operator {
    private let call: Operator
    private let labels: [LabelPair]
    private var present: [Bool] = []
    private var isDone = true
    private var row = StepRow(stepCount: 0)

    /// `call` has a value wherever its window has samples (`present_over_time`), or is an instant
    /// vector (`absent`).
    init(_ call: Operator, labels: [LabelPair]) {
        self.call = call
        self.labels = labels
        super.init(call.query, steps: call.steps)
    }

    override func open() throws(QueryError) {
        try call.prepare()
        series.append(labels, dropsName: query.options.delayedNameRemoval)
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try call.begin(tile)
        present = [Bool](repeating: false, count: tile.count)
        isDone = false
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if isDone { return nil }
        isDone = true
        let held = query.budget.samples
        while try call.next(into: &self.row) != nil {
            for step in 0..<present.count where self.row.isPresent(step) { present[step] = true }
        }
        try query.budget.release(downTo: held, keeping: present.count)
        row.reset(stepCount: present.count)
        for step in 0..<present.count where !present[step] { row.setFloat(step, 1) }
        return 0
    }

    override var inputs: [any PlanPart] { [call] }
}
