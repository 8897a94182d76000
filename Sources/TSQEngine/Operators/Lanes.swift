import TSQBase

/// Has other threads work out part of its child's rows, where each series stands alone and the work is
/// large enough.
///
/// The series are cut into consecutive batches. Helpers work on batches ahead of the consumer, on
/// forks of the child; the consumer takes the batches in order and works itself on what nobody has
/// begun. Rows, remarks, counts and errors come as from one thread, so nothing depends on how many
/// there are. Helpers come from a pool that all queries share, and only when one is idle.
final class Lanes: UnaryOperator {
    /// A batch's rows stay in the second-level cache.
    private static let batchBytesMax = 256 << 10
    private static let batchSeriesMax = 128
    /// At least so many batches, so that there is something to share.
    private static let batchesMin = 8
    /// Batches that may be ready or under way before the consumer takes them.
    private static let aheadMax = 16

    /// So many series are worth help before it is known what a batch takes.
    private static let surelyLargeMin = 1024

    private var run: LaneRun?
    private var tileSteps = 0
    private var current: LaneBatch?
    private var position = 0
    /// The batch at hand is worked out here, row by row.
    private var isInline = false
    private let clock = SystemClock()
    private var batchStartNs: UInt64 = 0
    /// What a batch worked out here took; 0: not known yet.
    private var batchNs: UInt64 = 0
    private var charged: Int64 = 0
    private(set) var helpedBatches = 0
    private var batchCount = 0

    private var seriesPerBatch: Int {
        let byBytes = Self.batchBytesMax / (max(1, tileSteps) * Self.bytesPerStep)
        let bySeries = child.laneSeriesCount / Self.batchesMin
        return max(1, min(byBytes, bySeries, Self.batchSeriesMax))
    }

    deinit { run?.stop() }

    override func start(_ tile: Tile) throws(QueryError) {
        finish()
        run = nil
        try super.start(tile)
        tileSteps = tile.count
        let count = child.laneSeriesCount
        if count < 2 || query.options.threads < 2 || !child.canFork { return }
        let bytes = Int64(Self.aheadMax * seriesPerBatch * tile.count * Self.bytesPerStep)
        if !query.budget.memory.tryHold(bytes) { return }
        charged = bytes
        let run = LaneRun(seriesCount: count, batchSeries: seriesPerBatch, ahead: Self.aheadMax)
        self.run = run
        batchCount += run.batchCount
    }

    /// Forgets the batches; `run` stays, to say that nothing more comes.
    private func finish() {
        run?.stop()
        current = nil
        isInline = false
        query.budget.memory.release(charged)
        charged = 0
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        guard let run else { return try child.next(into: &row) }
        while true {
            if isInline {
                if let index = try child.next(into: &row) { return index }
                isInline = false
                batchNs = max(1, clock.monotonicNs() &- batchStartNs)
            }
            if let index = try takeRow(&row) { return index }
            recruit(run)
            // Twice the time of a batch, and longer than a wake-up.
            let patienceNs = max(query.options.helpedNsMin * 3, batchNs * 2)
            switch run.advance(patienceNs: patienceNs, mayRepeat: !query.wantsExplain) {
            case .done:
                finish()
                return nil
            case .ready(let batch):
                current = batch
                position = 0
                helpedBatches += 1
            case .own(let series):
                child.restrict(to: series)
                batchStartNs = clock.monotonicNs()
                isInline = true
            case .ahead(let number, let series):
                run.fill(number, child, query, series)
            }
        }
    }

    /// The next row of a batch that is ready.
    private func takeRow(_ row: inout StepRow) throws(QueryError) -> Int? {
        guard let batch = current else { return nil }
        if position < batch.count {
            position += 1
            return try batch.take(position - 1, into: &row, query)
        }
        current = nil
        batch.release(query.budget.memory)
        try batch.settle(query)
        run?.recycle(batch)
        return nil
    }

    /// Asks for help where what is left is worth it.
    private func recruit(_ run: LaneRun) {
        let leastNs = query.options.helpedNsMin
        if batchNs == 0 && leastNs > 0 && child.laneSeriesCount < Self.surelyLargeMin { return }
        while run.helperCount < query.options.threads - 1 {
            let left = run.unclaimedCount
            if left < 2 || batchNs > 0 && UInt64(left) * batchNs < leastNs { return }
            // A fork costs more than a look.
            if !HelperPool.shared.isIdle { return }
            guard let chain = run.chain(child, query) else { return }
            if !run.help(chain) { return }
        }
    }

    /// Whoever works out the whole does so on one thread.
    override var canMove: Bool { child.canMove }

    override func move(_ query: QueryContext) -> Operator? { child.move(query) }

    override func explain() -> [ExplainNode] {
        let nodes = super.explain()
        if batchCount == 0 { return nodes }
        return [
            ExplainNode(
                name: "lanes", detail: "\(helpedBatches) of \(batchCount) batches by helpers",
                seriesCount: series.count, children: nodes)
        ]
    }
}

extension QueryStatistics {
    /// Adds the counts of another thread.
    mutating func add(_ other: QueryStatistics) {
        totalQueryableSamples += other.totalQueryableSamples
        samplesRead += other.samplesRead
    }
}
