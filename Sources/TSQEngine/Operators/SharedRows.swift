import TSQModel
import TSQPromQL

/// The rows of one operator for several places of the query, each of which gets them as if it had an
/// operator of its own: in order, with the samples held and counted.
///
/// A tile is worked out by whichever place comes first; its rows are kept until all places had them.
/// Where that would take much of the budget, every place works out its own.
final class SharedRows {
    /// Rows of a full tile may take this part of what is left of the budget.
    private static let budgetShare: Int64 = 4

    let producer: Operator
    /// How many series an output has: number `i` of the producer's rows belongs to output
    /// `i / seriesCount`; nil: there is one output, which goes to all places.
    private let splits: Bool
    /// The place that is charged for the rows kept.
    private weak var keeper: SharedTap?
    /// Places that take rows.
    private(set) var tapCount = 0
    /// Where parts of the producer stand at the other places: what is remarked is remarked there, too.
    var copies: [[SourceRange: SourceRange]] = []
    private var isPrepared = false
    /// What it took to prepare the producer, for every place.
    private(set) var preparation: RecordedCosts?
    /// Rows go to several places, and they fit.
    private(set) var isShared = false
    private var round: SharedRound?
    private var scratch = StepRow(stepCount: 0)

    init(_ producer: Operator, splits: Bool) {
        self.producer = producer
        self.splits = splits
    }

    var seriesCount: Int { producer.series.count }

    /// Another place. `makeAlone` plans what gives the same rows where they are not shared.
    func tap(
        place: SourceRange?, _ makeAlone: @escaping () throws(QueryError) -> Operator,
        series: @escaping (OutputSeries) -> OutputSeries = { $0 }
    ) -> SharedTap {
        let tap = SharedTap(self, number: tapCount, makeAlone, series)
        if tapCount == 0 { keeper = tap }
        tap.place = place
        tapCount += 1
        return tap
    }

    func prepare() throws(QueryError) {
        if isPrepared { return }
        isPrepared = true
        let query = producer.query
        let (mark, remarks) = (query.startRecording(), query.takeRemarks())
        defer {
            query.giveBack(remarks, copies)
            preparation = query.stopRecording(mark)
        }
        try producer.prepare()
        let steps = min(producer.steps.count, query.options.tileStepsMax)
        let memory = query.budget.memory
        let share = (memory.bytesMax - memory.bytesInUse) / Self.budgetShare
        isShared = tapCount > 1 && Int64(bufferBytes(stepCount: steps)) <= share
    }

    func bufferBytes(stepCount: Int) -> Int {
        (tapCount - 1) * seriesCount * stepCount * Operator.bytesPerStep
    }

    /// The round of `tile` for a place whose last one was `last`.
    func join(_ tile: Tile, after last: SharedRound?) throws(QueryError) -> SharedRound {
        if let round, round !== last, round.tile == tile { return round }
        // A place that still reads the round before gets it in full.
        if let round, !round.isComplete, round.readers > 1 || round !== last {
            while produce(round) {}
        }
        let next = SharedRound(tile)
        round = next
        let query = producer.query
        let (mark, remarks) = (query.startRecording(), query.takeRemarks())
        do throws(QueryError) {
            try producer.begin(tile)
        } catch {
            next.fail(error)
        }
        query.giveBack(remarks, copies)
        next.open(query.stopRecording(mark))
        return next
    }

    /// Adds the next row to `round`; false where there is none.
    func produce(_ round: SharedRound) -> Bool {
        if round.isComplete { return false }
        let query = producer.query
        let (mark, remarks) = (query.startRecording(), query.takeRemarks())
        var index: Int?
        do throws(QueryError) {
            index = try producer.next(into: &scratch)
        } catch {
            round.fail(error)
        }
        query.giveBack(remarks, copies)
        let costs = query.stopRecording(mark)
        if index != nil && !scratch.histograms.isEmpty {
            do throws(QueryError) {
                try keeper?.holdHistograms(of: scratch)
            } catch {
                round.fail(error)
                return false
            }
        }
        round.add(index, &scratch, costs)
        return index != nil
    }

    /// The row number at place `tap`; nil where the row is another's.
    func number(_ index: Int, for tap: Int) -> Int? {
        if !splits { return index }
        let (output, series) = index.quotientAndRemainder(dividingBy: max(1, seriesCount))
        return output == tap ? series : nil
    }

    /// Whether one place can have the producer for itself.
    var canStandAlone: Bool { !splits || tapCount == 1 }

    /// How many places a row goes to.
    var deliveries: Int { splits ? 1 : tapCount }

    /// What was counted goes to every place, or once where each place has rows of its own.
    func countsFor(_ round: SharedRound) -> QueryStatistics {
        if splits && round.wasCounted { return QueryStatistics() }
        round.wasCounted = true
        return round.statistics
    }
}

/// The rows of one tile, as far as they have been worked out.
final class SharedRound {
    let tile: Tile
    var readers = 0
    private var rows = RowStore()
    private(set) var numbers: [Int] = []
    private(set) var costs: [SampleHold] = []
    private var delivered: [UInt16] = []
    private(set) var opening = SampleHold()
    private(set) var closing = SampleHold()
    private(set) var statistics = QueryStatistics()
    private(set) var isComplete = false
    private(set) var error: QueryError?
    var wasCounted = false

    init(_ tile: Tile) { self.tile = tile }

    func fail(_ error: QueryError) {
        self.error = error
        isComplete = true
    }

    func open(_ costs: RecordedCosts) {
        opening = costs.samples
        statistics.add(costs.statistics)
    }

    func add(_ index: Int?, _ row: inout StepRow, _ costs: RecordedCosts) {
        statistics.add(costs.statistics)
        guard let index else {
            closing = costs.samples
            isComplete = true
            return
        }
        _ = rows.append(&row)
        numbers.append(index)
        self.costs.append(costs.samples)
        delivered.append(0)
    }

    /// Gives row `place` to one more of `deliveries` places: the last one gets its buffers.
    func take(_ place: Int, _ deliveries: Int, into row: inout StepRow) {
        delivered[place] += 1
        if Int(delivered[place]) == deliveries {
            rows.take(place, into: &row)
            rows[place] = StepRow(stepCount: 0)
        } else {
            row.assign(rows[place])
        }
    }
}

/// One of the places that share rows.
final class SharedTap: Operator {
    private let shared: SharedRows
    private let number: Int
    private let makeAlone: () throws(QueryError) -> Operator
    private let outputSeries: (OutputSeries) -> OutputSeries
    /// Where nothing is shared.
    private var own: Operator?
    private var round: SharedRound?
    private var position = 0
    private var isDone = true

    init(
        _ shared: SharedRows, number: Int, _ makeAlone: @escaping () throws(QueryError) -> Operator,
        _ outputSeries: @escaping (OutputSeries) -> OutputSeries
    ) {
        self.shared = shared
        self.number = number
        self.makeAlone = makeAlone
        self.outputSeries = outputSeries
        super.init(shared.producer.query, steps: shared.producer.steps)
    }

    override func open() throws(QueryError) {
        try shared.prepare()
        let usesProducer = shared.isShared || number == 0 && shared.canStandAlone
        if !usesProducer {
            let alone = try makeAlone()
            try alone.prepare()
            own = alone
            series = alone.series
            return
        }
        if let costs = shared.preparation {
            try query.budget.replay(costs.samples)
            query.statistics.add(costs.statistics)
        }
        series = outputSeries(shared.producer.series)
        if !shared.isShared { own = shared.producer }
    }

    override func start(_ tile: Tile) throws(QueryError) {
        if let own { return try own.begin(tile) }
        round?.readers -= 1
        let next = try shared.join(tile, after: round)
        next.readers += 1
        round = next
        position = 0
        isDone = false
        try query.budget.replay(next.opening)
        if let error = next.error, next.numbers.isEmpty { throw error }
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if let own { return try own.next(into: &row) }
        guard let round, !isDone else { return nil }
        while true {
            if position == round.numbers.count && !shared.produce(round) {
                isDone = true
                if let error = round.error { throw error }
                try query.budget.replay(round.closing)
                query.statistics.add(shared.countsFor(round))
                return nil
            }
            let place = position
            position += 1
            guard let index = shared.number(round.numbers[place], for: number) else { continue }
            try query.budget.replay(round.costs[place])
            round.take(place, shared.deliveries, into: &row)
            return index
        }
    }

    override var inputs: [any PlanPart] {
        if let own { return [own] }
        return number == 0 ? [shared.producer] : []
    }

    override func ownBytes(stepCount: Int) -> Int {
        own == nil && number == 0 ? shared.bufferBytes(stepCount: stepCount) : 0
    }

    override func explain() -> [ExplainNode] {
        if own != nil { return super.explain() }
        return [
            ExplainNode(
                name: "shared", detail: place.map { QueryContext.shortened(query.text, $0) } ?? "",
                seriesCount: series.count, children: inputs.flatMap { $0.explain() })
        ]
    }
}
