import TSQBase

/// A part of a query's work that a helper does, or whoever wants it where no helper has begun.
final class HelpedWork<Value: Sendable>: Sendable {
    private struct State {
        /// Somebody does the work, or has.
        var isClaimed = false
        var value: Value?
    }

    private let state = Gate(State())
    private let abandonment: QueryCancellation

    private init(_ abandonment: QueryCancellation) { self.abandonment = abandonment }

    /// nil where no helper is idle.
    ///
    /// - Parameters:
    ///   - abandonment: set when nobody wants the value any more.
    ///   - body: does the work, on the helper's thread.
    static func begin(
        _ abandonment: QueryCancellation, _ body: @escaping @Sendable () -> Value
    ) -> HelpedWork? {
        let work = HelpedWork(abandonment)
        let isTaken = HelperPool.shared.tryRun {
            if !work.claim() { return }
            let value = body()
            work.state.withLock { $0.value = value }
            work.state.signal()
        }
        return isTaken ? work : nil
    }

    func abandon() { abandonment.cancel() }

    private func claim() -> Bool {
        state.withLock { state in
            defer { state.isClaimed = true }
            return !state.isClaimed
        }
    }

    /// What the helper made; nil where whoever asks is to do the work: nobody has begun, or the helper
    /// takes so long that it has lost its processor.
    ///
    /// - Parameter mayRepeat: the work may be done twice.
    func take(patienceNs: UInt64, mayRepeat: Bool) -> Value? {
        if claim() { return nil }
        while true {
            if let value = state.wait(atMostNs: patienceNs, until: { $0.value }) { return value }
            if mayRepeat { return nil }
        }
    }
}
