import TSQBase

/// What extrapolation needs to know of the windows over one column of times: the same for all series
/// that share it, so it is worked out once for them.
///
/// - Shape: one entry a window; windows of fewer than two samples have `sampled` 0.
/// - Source: Prometheus promql/functions.go, extrapolatedRate, without start timestamps: where the
///   first and the last sample lie, and how far the change is extended to the window's ends.
struct WindowSpans {
    /// Seconds from the first to the last sample.
    private(set) var sampled: [Double] = []
    /// Seconds by which the change is extended to the left, unless the counter is 0 before.
    private(set) var left: [Double] = []
    private(set) var right: [Double] = []
    /// What the change is multiplied by, unless the counter is 0 before; for rates by the second.
    private(set) var factors: [Double] = []
    /// `float` for windows of two samples or more.
    private(set) var tags: [UInt8] = []

    mutating func fill(
        _ times: Span<TimestampMs>, _ windows: borrowing Windows, isRate: Bool
    ) {
        let count = windows.count
        sampled.removeAll(keepingCapacity: true)
        left.removeAll(keepingCapacity: true)
        right.removeAll(keepingCapacity: true)
        factors.removeAll(keepingCapacity: true)
        tags.removeAll(keepingCapacity: true)
        let rangeSeconds = windows.rangeSeconds
        for step in 0..<count {
            let (start, end) = (windows.floatStarts[step], windows.floatEnds[step])
            if end - start < 2 {
                sampled.append(0)
                left.append(0)
                right.append(0)
                factors.append(0)
                tags.append(StepRow.Tag.absent)
                continue
            }
            let (firstMs, lastMs) = (times[start], times[end - 1])
            let interval = Double(lastMs &- firstMs) / 1000
            let gap = interval / Double(end - start - 1)
            let threshold = gap * 1.1
            let toStart = Double(firstMs &- windows.startMs(step)) / 1000
            let toEnd = Double(windows.endMs(step) &- lastMs) / 1000
            sampled.append(interval)
            left.append(toStart >= threshold ? gap / 2 : toStart)
            right.append(toEnd >= threshold ? gap / 2 : toEnd)
            let factor = Self.factor(interval, left[step], right[step])
            factors.append(isRate ? factor / rangeSeconds : factor)
            tags.append(StepRow.Tag.float)
        }
    }

    @inline(__always)
    static func factor(_ sampled: Double, _ left: Double, _ right: Double) -> Double {
        sampled == 0 ? 1 : (sampled + left + right) / sampled
    }
}

/// The spans of the time columns met last.
package struct WindowSpansCache: Sendable {
    private struct Key: Equatable {
        var firstEndMs: TimestampMs
        var stepMs: Int64
        var rangeMs: Int64
        var count: Int
        var isRate: Bool
    }

    private var key: Key?
    private var places = TimesPlaces()
    private(set) var spans: [WindowSpans] = []

    package init() {}

    /// Where in `spans` those of `windows` over `times` are; equal `timesID` other than 0 mean equal
    /// times.
    mutating func find(
        _ times: Span<TimestampMs>, timesID: UInt64, _ windows: borrowing Windows, isRate: Bool
    ) -> Int {
        let wanted = Key(
            firstEndMs: windows.firstEndMs, stepMs: windows.stepMs, rangeMs: windows.rangeMs,
            count: windows.count, isRate: isRate)
        if wanted != key {
            key = wanted
            places.begin(stepCount: windows.count)
        }
        let (place, isKnown) = places.find(timesID)
        if !isKnown {
            while spans.count <= place { spans.append(WindowSpans()) }
            spans[place].fill(times, windows, isRate: isRate)
        }
        return place
    }
}
