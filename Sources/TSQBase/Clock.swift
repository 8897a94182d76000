#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where time comes from: the store and the scraper take a clock as a value, so that tests and the
/// simulator decide what time it is.
package protocol WallClock: Sendable {
    /// The wall clock. It may step back.
    func nowMs() -> TimestampMs
    /// A clock that never steps back, in nanoseconds from an arbitrary start.
    func monotonicNs() -> UInt64
}

/// The machine's clock.
package struct SystemClock: WallClock {
    package init() {}

    package func nowMs() -> TimestampMs {
        let time = Self.read(CLOCK_REALTIME)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    package func monotonicNs() -> UInt64 {
        let time = Self.read(CLOCK_MONOTONIC)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func read(_ id: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(id, &time)
        return time
    }
}
