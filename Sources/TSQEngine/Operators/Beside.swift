import TSQBase

/// Has another thread work out all rows of its child while the query's own thread works out something
/// else: the other side of an operation between two aggregations. Both need what they read for
/// themselves, so nothing is done twice, as it would be where both threads share each side (`Lanes`).
///
/// Rows, remarks, counts and errors come as from one thread. Only where a helper is idle.
final class Beside: UnaryOperator {
    /// To read so many series takes some times as long as another thread needs to wake up.
    private static let readSeriesMin = 128
    /// A tile that may hold more is not begun before the tiles are planned.
    private static let aheadBytesMax: Int64 = 16 << 20
    /// Nor one that may hold more than this part of what the query has left.
    private static let aheadShare: Int64 = 4

    private var work: HelpedWork<LaneBatch>?
    private var batch: LaneBatch?
    private var position = 0
    private var charged: Int64 = 0
    private var startedNs: UInt64 = 0
    private let clock = SystemClock()
    /// What was begun before it was asked for.
    private var aheadTile: Tile?
    private var tileCount = 0
    private var helpedCount = 0

    deinit { work?.abandon() }

    override var canMove: Bool { child.canMove }

    override func move(_ query: QueryContext) -> Operator? { child.move(query) }

    /// Whether a helper would be asked now. Valid after `prepare()`.
    private var wantsHelp: Bool {
        let isLarge = query.options.helpedNsMin == 0 || child.readSeriesCount >= Self.readSeriesMin
        // A copy costs more than a look.
        return query.options.threads > 1 && isLarge && child.canMove && HelperPool.shared.isIdle
    }

    /// Begins what is likely to be the first tile, all steps, so that a helper works on it while the
    /// query's thread prepares the other side. To be called once this one is prepared.
    func startAhead() throws(QueryError) {
        if steps.count > query.options.tileStepsMax || !wantsHelp { return }
        let memory = query.budget.memory
        let available = min(
            Self.aheadBytesMax, (memory.bytesMax - memory.bytesInUse) / Self.aheadShare)
        if bytesHeld(stepCount: steps.count) > available { return }
        let tile = Tile(0, steps.count)
        try begin(tile)
        if work != nil { aheadTile = tile }
    }

    override func start(_ tile: Tile) throws(QueryError) {
        if tile == aheadTile {
            aheadTile = nil
            return
        }
        finish()
        try child.begin(tile)
        tileCount += 1
        if !wantsHelp { return }
        let bytes =
            child.bytesHeld(stepCount: tile.count)
            + series.count * tile.count * Self.bytesPerStep
        if !query.budget.memory.tryHold(Int64(bytes)) { return }
        charged = Int64(bytes)
        let abandonment = QueryCancellation()
        let context = QueryContext(forkOf: query, abandonment: abandonment)
        if let moved = child.move(context) {
            startedNs = clock.monotonicNs()
            work = Self.begin(LaneChain(moved, context), abandonment)
        }
        if work == nil { finish() }
    }

    private static func begin(
        _ chain: LaneChain, _ abandonment: QueryCancellation
    ) -> HelpedWork<LaneBatch>? {
        HelpedWork.begin(abandonment) {
            let batch = LaneBatch()
            batch.fill(chain.operation, chain.query) { abandonment.isCancelled }
            chain.operation.discharge()
            if abandonment.isCancelled { batch.release(chain.query.budget.memory) }
            return batch
        }
    }

    private func finish() {
        work?.abandon()
        work = nil
        batch?.release(query.budget.memory)
        batch = nil
        position = 0
        aheadTile = nil
        query.budget.memory.release(charged)
        charged = 0
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        guard let work else { return try child.next(into: &row) }
        if batch == nil {
            // What has been done here meanwhile took as long as what is waited for.
            let elapsedNs = clock.monotonicNs() &- startedNs
            let patienceNs = max(query.options.helpedNsMin * 3, elapsedNs * 2)
            batch = work.take(patienceNs: patienceNs, mayRepeat: !query.wantsExplain)
            guard batch != nil else {
                finish()
                return try child.next(into: &row)
            }
            helpedCount += 1
        }
        guard let batch else { return nil }
        if position == 0 { try holdPeak(of: batch) }
        if position < batch.count {
            position += 1
            return try batch.take(position - 1, into: &row, query)
        }
        if position == batch.count {
            position += 1
            try batch.settle(query)
        }
        return nil
    }

    /// Before the first row more samples may have been held than it goes on to hold.
    private func holdPeak(of batch: LaneBatch) throws(QueryError) {
        try query.budget.replay(SampleHold(peak: batch.peakSamples, kept: 0))
    }

    override func explain() -> [ExplainNode] {
        let nodes = super.explain()
        if helpedCount == 0 { return nodes }
        return [
            ExplainNode(
                name: "beside", detail: "\(helpedCount) of \(tileCount) tiles by a helper",
                seriesCount: series.count, children: nodes)
        ]
    }
}
