import Synchronization
import TSQBase

/// The rows of consecutive series over one tile, worked out ahead of their turn.
final class LaneBatch: @unchecked Sendable {
    // Safe to send because: one thread fills it, then hands it over under the run's lock.
    var rows: [StepRow] = []
    var numbers: [Int32] = []
    /// Samples to hold for each row.
    var samples: [Int64] = []
    /// Samples held after the last row, by rows that went no further.
    var restSamples: Int64 = 0
    var count = 0
    var annotations = Annotations()
    var statistics = QueryStatistics()
    /// Samples held at most until the first row was there, by a chain that has filled nothing before.
    var peakSamples: Int64 = 0
    /// What ended the batch after its rows.
    var error: QueryError?
    /// Charged for the rows' histograms until the batch is done with.
    fileprivate(set) var heldBytes: Int64 = 0

    /// Takes all rows that `chain`, restricted to the batch's series, delivers. The counts and remarks
    /// that `query` gains go into the batch.
    func fill(_ chain: Operator, _ query: QueryContext, isStopped: () -> Bool) {
        count = 0
        numbers.removeAll(keepingCapacity: true)
        samples.removeAll(keepingCapacity: true)
        error = nil
        restSamples = 0
        do throws(QueryError) {
            while !isStopped() {
                if count == rows.count { rows.append(StepRow(stepCount: 0)) }
                let held = query.budget.samples
                guard let index = try chain.next(into: &rows[count]) else {
                    restSamples = query.budget.samples - held
                    if count == 0 { peakSamples = query.budget.peakSamples }
                    break
                }
                if count == 0 { peakSamples = query.budget.peakSamples }
                if !rows[count].histograms.isEmpty {
                    let bytes = Int64(rows[count].histogramByteCount)
                    try query.budget.memory.hold(bytes, for: query.text(of: chain))
                    heldBytes += bytes
                }
                numbers.append(Int32(truncatingIfNeeded: index))
                samples.append(query.budget.samples - held)
                count += 1
            }
        } catch {
            self.error = error
            if count == 0 { peakSamples = query.budget.peakSamples }
        }
        query.budget.forget(downTo: 0)
        annotations = query.annotations
        query.annotations = Annotations()
        statistics = query.statistics
        query.statistics = QueryStatistics()
    }
}

extension LaneBatch {
    /// Hands out row `position`: its series, and its samples held.
    func take(
        _ position: Int, into row: inout StepRow, _ query: QueryContext
    ) throws(QueryError) -> Int {
        swap(&rows[position], &row)
        try query.budget.hold(samples: samples[position])
        return Int(numbers[position])
    }

    /// Gives `query` what was remarked and counted, after the last row; throws what ended the batch.
    func settle(_ query: QueryContext) throws(QueryError) {
        query.annotations.merge(annotations)
        query.statistics.add(statistics)
        try query.budget.hold(samples: restSamples)
        if let error { throw error }
    }

    /// Gives back what its histograms were charged with.
    func release(_ memory: QueryMemory) {
        memory.release(heldBytes)
        heldBytes = 0
    }
}

/// A fork of the operators beneath lanes, with the context it counts in.
final class LaneChain: @unchecked Sendable {
    // Safe to send because: one thread at a time has it; it goes from one to the other under the run's
    // lock or with the closure that begins the work.
    let operation: Operator
    let query: QueryContext

    init(_ operation: Operator, _ query: QueryContext) {
        self.operation = operation
        self.query = query
    }
}

/// The batches of one tile: who works on which, and which are ready.
final class LaneRun: Sendable {
    enum Turn {
        /// All batches were taken.
        case done
        /// The next batch in order, worked out.
        case ready(LaneBatch)
        /// The next batch in order, which nobody has begun: the consumer's.
        case own(Range<Int>)
        /// The next batch is under way elsewhere: meanwhile this one can be worked out.
        case ahead(number: Int, Range<Int>)
    }

    private struct State {
        /// Batches that the consumer has taken.
        var taken = 0
        /// Batches that somebody works on or has worked on.
        var claimed = 0
        var ready: [Int: LaneBatch] = [:]
        var spare: [LaneBatch] = []
        var chains: [LaneChain] = []
        var helpers = 0
    }

    let batchCount: Int
    private let seriesCount: Int
    private let batchSeries: Int
    private let ahead: Int
    private let state = Gate(State())
    private let isStopped = Atomic<Bool>(false)

    init(seriesCount: Int, batchSeries: Int, ahead: Int) {
        self.seriesCount = seriesCount
        self.batchSeries = batchSeries
        self.ahead = ahead
        batchCount = (seriesCount + batchSeries - 1) / batchSeries
    }

    private func series(_ batch: Int) -> Range<Int> {
        batch * batchSeries..<min(seriesCount, (batch + 1) * batchSeries)
    }

    var helperCount: Int { state.withLock { $0.helpers } }
    var unclaimedCount: Int { state.withLock { batchCount - $0.claimed } }

    /// Helpers stop at the next row.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// What the consumer does next; waits where everything it could do is under way elsewhere.
    ///
    /// - Parameters:
    ///   - patienceNs: a helper that takes longer has lost its processor: the consumer works out the
    ///     batch itself, and the helper's is thrown away.
    ///   - mayRepeat: batches may be worked out twice.
    func advance(patienceNs: UInt64, mayRepeat: Bool) -> Turn {
        while true {
            if let turn = state.wait(atMostNs: patienceNs, until: nextTurn) { return turn }
            if !mayRepeat { continue }
            return state.withLock { state in
                if let batch = state.ready.removeValue(forKey: state.taken) {
                    state.taken += 1
                    return .ready(batch)
                }
                state.taken += 1
                return .own(series(state.taken - 1))
            }
        }
    }

    private func nextTurn(_ state: inout State) -> Turn? {
        if state.taken == batchCount { return .done }
        if let batch = state.ready.removeValue(forKey: state.taken) {
            state.taken += 1
            return .ready(batch)
        }
        if state.claimed == state.taken {
            state.claimed += 1
            state.taken += 1
            return .own(series(state.claimed - 1))
        }
        guard let number = claim(&state) else { return nil }
        return .ahead(number: number, series(number))
    }

    private func claim(_ state: inout State) -> Int? {
        if isStopped.load(ordering: .relaxed) || state.claimed == batchCount { return nil }
        if state.claimed >= state.taken + ahead { return nil }
        state.claimed += 1
        return state.claimed - 1
    }

    /// Works out batch `number` ahead of its turn, on the consumer's own operators.
    func fill(_ number: Int, _ operation: Operator, _ query: QueryContext, _ series: Range<Int>) {
        let batch = emptyBatch()
        let annotations = query.annotations
        let mark = query.startRecording()
        query.annotations = Annotations()
        operation.restrict(to: series)
        batch.fill(operation, query) { false }
        _ = query.stopRecording(mark)
        query.annotations = annotations
        state.withLock { $0.ready[number] = batch }
    }

    private func emptyBatch() -> LaneBatch { state.withLock { $0.spare.popLast() } ?? LaneBatch() }

    func recycle(_ batch: LaneBatch) { state.withLock { $0.spare.append(batch) } }

    /// A fork that no helper uses now; nil where there can be none.
    func chain(_ operation: Operator, _ query: QueryContext) -> LaneChain? {
        if let chain = state.withLock({ $0.chains.popLast() }) { return chain }
        let context = QueryContext(forkOf: query)
        return operation.fork(context).map { LaneChain($0, context) }
    }

    /// Has a helper work on batches with `chain`; false where none is idle.
    func help(_ chain: LaneChain) -> Bool {
        state.withLock { $0.helpers += 1 }
        if HelperPool.shared.tryRun({ self.work(chain) }) { return true }
        state.withLock {
            $0.helpers -= 1
            $0.chains.append(chain)
        }
        return false
    }

    /// A helper's part: until no batch is left, or there are enough ahead of the consumer.
    private func work(_ chain: LaneChain) {
        while true {
            let next = state.withLock { state -> (number: Int, batch: LaneBatch)? in
                guard let number = claim(&state) else {
                    state.helpers -= 1
                    state.chains.append(chain)
                    return nil
                }
                return (number, state.spare.popLast() ?? LaneBatch())
            }
            guard let (number, batch) = next else { return }
            chain.operation.restrict(to: series(number))
            batch.fill(chain.operation, chain.query) { self.isStopped.load(ordering: .relaxed) }
            state.withLock { state in
                if number >= state.taken {
                    state.ready[number] = batch
                } else {
                    batch.release(chain.query.budget.memory)
                    state.spare.append(batch)
                }
            }
            state.signal()
        }
    }
}
