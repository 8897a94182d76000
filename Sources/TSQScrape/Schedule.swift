import TSQBase

/// When a target is scraped: at `offset` within every interval, counted from 1970.
struct Schedule: Sendable {
    let intervalMs: Int64
    let offsetMs: Int64
    /// The newest time that was given out.
    private(set) var lastMs: TimestampMs?

    /// Go's timers and ours are late by fractions of a ms to some ms; a sample's time that is this
    /// little off is put on the schedule, so that times compress.
    /// - Source: Prometheus scrape.ScrapeTimestampTolerance, and at most 1 % of the interval.
    static let toleranceMsMax: Int64 = 2

    init(intervalMs: Int64, offsetHash: UInt64) {
        precondition(intervalMs > 0, "BUG: a scrape interval of \(intervalMs) ms")
        self.intervalMs = intervalMs
        offsetMs = Int64(offsetHash % UInt64(intervalMs))
    }

    /// The first scheduled time at or after `nowMs`.
    func next(atOrAfter nowMs: TimestampMs) -> TimestampMs {
        let phase = ((nowMs - offsetMs) % intervalMs + intervalMs) % intervalMs
        return phase == 0 ? nowMs : nowMs + intervalMs - phase
    }

    /// The time that a scrape which begins at `nowMs` gets: the scheduled one when it is close, and
    /// never one that is not after the last.
    mutating func timestamp(atMs nowMs: TimestampMs) -> TimestampMs {
        let tolerance = min(Self.toleranceMsMax, intervalMs / 100)
        let before = next(atOrAfter: nowMs - intervalMs + 1)
        var result = nowMs
        if nowMs - before <= tolerance {
            result = before
        } else if before + intervalMs - nowMs <= tolerance {
            result = before + intervalMs
        }
        // The clock stepped back: go on one interval after the last.
        if let lastMs, result <= lastMs { result = lastMs + intervalMs }
        lastMs = result
        return result
    }

    /// A new schedule goes on after the samples of the one before.
    mutating func resume(after lastMs: TimestampMs?) { self.lastMs = lastMs }
}
