import TSQBase

/// The look-ups of a selection and its forks, which go through the same series: each is done once. Who
/// would have to wait for one looks up what follows.
final class ChunkLookUps: Sendable {
    private struct Claim {
        var series: Range<Int>
        var newestAtMs: TimestampMs
    }

    private struct State {
        /// Those found last.
        var found: [ChunkLookUp] = []
        /// What somebody is looking up.
        var claims: [Claim] = []

        func isClaimed(_ series: Int, _ newestAtMs: TimestampMs) -> Range<Int>? {
            claims.first { $0.series.contains(series) && $0.newestAtMs <= newestAtMs }?.series
        }

        func find(_ series: Int, _ newestAtMs: TimestampMs) -> ChunkLookUp? {
            found.first { $0.serves(series, newestAtMs: newestAtMs) }
        }
    }

    private enum Step {
        case found(ChunkLookUp)
        case work(Claim)
    }

    let request: ChunkLookUp.Request
    private let state = Gate(State())

    /// One that is being read and the one that follows.
    private static let foundMax = 2
    /// Fewer series are looked up before another thread is awake.
    private static let seriesMin = 256

    init(_ request: ChunkLookUp.Request) { self.request = request }

    /// Has a helper look up the first series while the query is prepared: it takes a millisecond for
    /// some thousands of them. Nothing where it does not pay, or no thread is idle.
    func begin(_ reader: SeriesReader) {
        if request.refs.count < Self.seriesMin { return }
        let newestAtMs = request.fromMs
        let count = request.seriesCount(reader, newestAtMs: newestAtMs)
        _ = HelperPool.shared.tryRun { [self] in
            let claim = state.withLock { state -> Claim? in
                if state.isClaimed(0, newestAtMs) != nil || state.find(0, newestAtMs) != nil {
                    return nil
                }
                return self.claim(from: 0, count, newestAtMs, &state)
            }
            if let claim { work(claim, reader) }
        }
    }

    /// What serves reads of `series` that want of the samples up to `newestAtMs` only the newest.
    func find(
        _ series: Int, newestAtMs: TimestampMs, _ reader: SeriesReader
    ) -> ChunkLookUp {
        let count = request.seriesCount(reader, newestAtMs: newestAtMs)
        var mayGoAhead = true
        while true {
            let step = state.wait { state -> Step? in
                if let found = state.find(series, newestAtMs) { return .found(found) }
                guard let claimed = state.isClaimed(series, newestAtMs) else {
                    return .work(claim(from: series, count, newestAtMs, &state))
                }
                let next = claimed.upperBound
                if !mayGoAhead || next >= request.refs.count
                    || state.isClaimed(next, newestAtMs) != nil
                    || state.find(next, newestAtMs) != nil
                {
                    return nil
                }
                mayGoAhead = false
                return .work(claim(from: next, count, newestAtMs, &state))
            }
            switch step {
            case .found(let found): return found
            case .work(let claim): work(claim, reader)
            }
        }
    }

    private func claim(
        from start: Int, _ count: Int, _ newestAtMs: TimestampMs, _ state: inout State
    ) -> Claim {
        let claim = Claim(
            series: start..<min(start + count, request.refs.count), newestAtMs: newestAtMs)
        state.claims.append(claim)
        return claim
    }

    private func work(_ claim: Claim, _ reader: SeriesReader) {
        let found = ChunkLookUp(
            request, from: claim.series.lowerBound, count: claim.series.count,
            newestAtMs: claim.newestAtMs, reader)
        state.withLock { state in
            state.claims.removeAll {
                $0.series == claim.series && $0.newestAtMs == claim.newestAtMs
            }
            if state.found.count >= Self.foundMax { state.found.removeFirst() }
            state.found.append(found)
        }
        state.signalAll()
    }
}
