import Metrics
import Synchronization

/// A counter series: whole and fractional increments are kept apart, so that the frequent whole ones
/// are one atomic addition.
final class CounterSeries: CounterHandler, FloatingPointCounterHandler {
    private let whole = Atomic<Int64>(0)
    private let fractional = Atomic<UInt64>(0)

    var value: Double {
        Double(whole.load(ordering: .relaxed))
            + Double(bitPattern: fractional.load(ordering: .relaxed))
    }

    /// Counters never go down: negative amounts are ignored.
    func increment(by amount: Int64) {
        if amount > 0 { whole.wrappingAdd(amount, ordering: .relaxed) }
    }

    func increment(by amount: Double) {
        if amount > 0 { fractional.addDouble(amount) }
    }

    /// Sets the whole part; a smaller total than before is ignored.
    func raise(to total: Int64) {
        var current = whole.load(ordering: .relaxed)
        while current < total {
            let (exchanged, original) = whole.compareExchange(
                expected: current, desired: total, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }

    func reset() {
        whole.store(0, ordering: .relaxed)
        fractional.store(0, ordering: .relaxed)
    }
}

/// A gauge series, made by meters and by recorders that do not aggregate.
final class GaugeSeries: MeterHandler, RecorderHandler {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    func increment(by amount: Double) { bits.addDouble(amount) }
    func decrement(by amount: Double) { bits.addDouble(-amount) }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
}

/// A histogram series with fixed bounds, made by timers (values in seconds) and by recorders that
/// aggregate (values as they are).
final class HistogramSeries: TimerHandler, RecorderHandler {
    struct State {
        /// One more than bounds: the last is +Inf. Not cumulative.
        var counts: [UInt64]
        var sum: Double = 0
    }

    let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: [UInt64](repeating: 0, count: bounds.count + 1)))
    }

    var snapshot: State { state.withLock { $0 } }

    func recordNanoseconds(_ durationNs: Int64) { observe(Double(durationNs) / 1e9) }
    func record(_ value: Int64) { observe(Double(value)) }
    func record(_ value: Double) { observe(value) }

    private func observe(_ value: Double) {
        // A bucket holds what is at most its bound; NaN is in none but +Inf.
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[index] += 1
            $0.sum += value
        }
    }
}

extension Atomic<UInt64> {
    /// Adds to the `Double` whose bits this holds.
    borrowing func addDouble(_ amount: Double) {
        var current = load(ordering: .relaxed)
        while true {
            let next = (Double(bitPattern: current) + amount).bitPattern
            let (exchanged, original) = compareExchange(
                expected: current, desired: next, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }
}
