import TSQBase
import TSQIO

/// A clock that stands still until a test moves it.
package final class SimClock: WallClock {
    private let time: Guarded<TimestampMs>

    package init(nowMs: TimestampMs) { time = Guarded(nowMs) }

    package func nowMs() -> TimestampMs { time.withLock { $0 } }
    package func monotonicNs() -> UInt64 {
        UInt64(clamping: time.withLock { $0 }) &* 1_000_000
    }
    /// Moves the clock, also back.
    package func advance(byMs ms: Int64) { time.withLock { $0 += ms } }
    package func set(_ nowMs: TimestampMs) { time.withLock { $0 = nowMs } }
}
