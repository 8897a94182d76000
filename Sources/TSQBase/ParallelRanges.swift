import Synchronization

/// Works on consecutive parts of a range with the help of idle threads.
package enum ParallelRanges {
    private struct State<R> {
        var results: [R?]
        var missing: Int
    }

    /// Cuts `0..<count` into parts of at least `partMin`, at most one for each thread, and gives what
    /// `body` makes of each, in order. Which thread works on which part does not matter: the parts are
    /// the same however many threads help, and the caller never waits for a thread that is busy
    /// elsewhere.
    ///
    /// - Complexity: a hand-over takes 10 to 50 µs; `partMin` should be worth more than that.
    package static func map<R: Sendable>(
        count: Int, partMin: Int, pool: HelperPool = .shared,
        _ body: @escaping @Sendable (Range<Int>) -> R
    ) -> [R] {
        let partCount = max(1, min(pool.threadCount + 1, count / max(1, partMin)))
        if partCount == 1 { return [body(0..<count)] }
        let state = Gate(
            State<R>(results: [R?](repeating: nil, count: partCount), missing: partCount))
        let claimed = Shared(Atomic<Int>(0))
        let work: @Sendable () -> Void = {
            while true {
                let part = claimed.value.wrappingAdd(1, ordering: .relaxed).oldValue
                if part >= partCount { return }
                let result = body(count * part / partCount..<count * (part + 1) / partCount)
                state.withLock { state in
                    state.results[part] = result
                    state.missing -= 1
                }
                state.signal()
            }
        }
        for _ in 1..<partCount where !pool.tryRun(work) { break }
        work()
        return state.wait { $0.missing == 0 ? $0.results.compactMap(\.self) : nil }
    }

    /// Something that cannot be copied, for closures on several threads.
    private final class Shared<Value: ~Copyable & Sendable>: Sendable {
        let value: Value

        init(_ value: consuming Value) { self.value = value }
    }
}
