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

    mutating func fill(_ times: Span<TimestampMs>, _ windows: borrowing Windows) {
        let count = windows.count
        sampled.removeAll(keepingCapacity: true)
        left.removeAll(keepingCapacity: true)
        right.removeAll(keepingCapacity: true)
        for step in 0..<count {
            let (start, end) = (windows.floatStarts[step], windows.floatEnds[step])
            if end - start < 2 {
                sampled.append(0)
                left.append(0)
                right.append(0)
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
        }
    }
}

/// The spans of the time columns met last.
package struct WindowSpansCache: Sendable {
    private struct Key: Equatable {
        var firstEndMs: TimestampMs
        var stepMs: Int64
        var rangeMs: Int64
        var count: Int
    }

    private var key: Key?
    private var ids: [UInt64] = []
    private var spans: [WindowSpans] = []
    private var unshared = WindowSpans()

    /// Columns kept at most, and windows over all of them (24 bytes each).
    private static let columnsMax = 64
    private static let windowsMax = 16_384

    package init() {}

    /// The spans of `windows` over `times`; equal `timesID` other than 0 mean equal times.
    mutating func find(
        _ times: Span<TimestampMs>, timesID: UInt64, _ windows: borrowing Windows
    ) -> WindowSpans {
        if timesID == 0 {
            unshared.fill(times, windows)
            return unshared
        }
        let wanted = Key(
            firstEndMs: windows.firstEndMs, stepMs: windows.stepMs, rangeMs: windows.rangeMs,
            count: windows.count)
        if wanted != key {
            key = wanted
            let count = max(1, min(Self.columnsMax, Self.windowsMax / max(1, windows.count)))
            ids = [UInt64](repeating: 0, count: count)
            spans = [WindowSpans](repeating: WindowSpans(), count: count)
        }
        let place = Int(truncatingIfNeeded: timesID % UInt64(ids.count))
        if ids[place] != timesID {
            spans[place].fill(times, windows)
            ids[place] = timesID
        }
        return spans[place]
    }
}
