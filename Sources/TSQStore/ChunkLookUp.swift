import TSQBase

/// Where the blocks have the chunks of some consecutive series of a selection.
struct ChunkLookUp: Sendable {
    /// Which series.
    private(set) var window: Range<Int>
    /// Nil: the one series of the window has more chunks than may be kept.
    private(set) var places: ChunkPlaces?

    /// What is looked up: the series' refs, in the order of the selection, and the range of times.
    struct Request: Sendable {
        var refs: [UInt32]
        var fromMs: TimestampMs
        var toMs: TimestampMs
        var chunksMax = ChunkPlaces.chunksMax
    }

    /// Looks up the series from `start` on, as many as may be kept.
    init(_ request: Request, from start: Int, _ reader: inout SeriesReader) {
        var count = request.chunksMax / reader.chunksPerSeries(request.fromMs, request.toMs)
        // After the first time: these have more chunks than others.
        while true {
            count = min(max(1, count), request.refs.count - start)
            window = start..<(start + count)
            let wanted = Array(request.refs[window])
            places = reader.chunkPlaces(
                wanted, order: RefOrder.ascending(wanted),
                fromMs: request.fromMs, toMs: request.toMs, chunksMax: request.chunksMax)
            if places != nil || count == 1 { return }
            count /= 4
        }
    }
}

/// The first look-up of a selection, done by another thread while the query is prepared: it takes a
/// millisecond for some thousands of series.
final class ChunkLookUpAhead: Sendable {
    private struct State {
        var isClaimed = false
        var result: ChunkLookUp?
    }

    private let request: ChunkLookUp.Request
    private let reader: SeriesReader
    private let state = Gate(State())

    /// Fewer series are looked up before another thread is awake.
    private static let seriesMin = 256

    private init(_ request: ChunkLookUp.Request, _ reader: SeriesReader) {
        self.request = request
        self.reader = reader
    }

    /// Nil where it does not pay, or no thread is idle.
    static func begin(_ request: ChunkLookUp.Request, _ reader: SeriesReader) -> ChunkLookUpAhead? {
        if request.refs.count < seriesMin { return nil }
        let lookUp = ChunkLookUpAhead(request, reader)
        let isTaken = HelperPool.shared.tryRun { if lookUp.claim() { lookUp.work() } }
        return isTaken ? lookUp : nil
    }

    /// What was found; waits for it, or finds it where nobody has begun.
    func take() -> ChunkLookUp {
        if claim() { work() }
        return state.wait { $0.result }
    }

    private func claim() -> Bool {
        state.withLock { state in
            defer { state.isClaimed = true }
            return !state.isClaimed
        }
    }

    private func work() {
        var reader = reader
        let result = ChunkLookUp(request, from: 0, &reader)
        state.withLock { $0.result = result }
        state.signalAll()
    }
}
