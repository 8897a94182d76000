import TSQBase

/// What extrapolation needs to know of the windows over one column of times: the same for all series
/// that share it, so it is worked out once for them.
///
/// - Shape: one entry a window; windows of fewer than two samples have `sampled` and factor 0, and
///   begin and end with sample 0.
/// - Source: Prometheus promql/functions.go, extrapolatedRate, without start timestamps: where the
///   first and the last sample lie, and how far the change is extended to the window's ends.
final class WindowSpans: Sendable {
    /// Seconds from the first to the last sample.
    let sampled: [Double]
    /// Seconds by which the change is extended to the left, unless the counter is 0 before.
    let left: [Double]
    let right: [Double]
    /// What the change is multiplied by, unless the counter is 0 before; for rates by the second.
    let factors: [Double]
    /// `float` for windows of two samples or more.
    let tags: [UInt8]
    /// Each window's first and last sample.
    let firsts: [Int32]
    let lasts: [Int32]
    /// All samples of the windows lie before this one; 0: no window has two.
    let samplesEnd: Int
    /// Some window is extended to the left by more than it has been sampled over.
    let extendsFar: Bool

    init(_ times: Span<TimestampMs>, _ windows: borrowing Windows, isRate: Bool) {
        let count = windows.count
        let (starts, ends) = (windows.floatStarts.span, windows.floatEnds.span)
        precondition(starts.count == count && ends.count == count, "BUG: uneven windows")
        var sampled = [Double](repeating: 0, count: count)
        var (left, right, factors) = (sampled, sampled, sampled)
        var tags = [UInt8](repeating: StepRow.Tag.absent, count: count)
        var firsts = [Int32](repeating: 0, count: count)
        var lasts = firsts
        var (samplesEnd, extendsFar) = (0, false)
        let rangeSeconds = windows.rangeSeconds
        do {
            var sampled = sampled.mutableSpan
            var left = left.mutableSpan
            var right = right.mutableSpan
            var factors = factors.mutableSpan
            var tags = tags.mutableSpan
            var firsts = firsts.mutableSpan
            var lasts = lasts.mutableSpan
            for step in 0..<count {
                let (start, end) = (starts[unchecked: step], ends[unchecked: step])
                if end &- start < 2 { continue }
                let (firstMs, lastMs) = (times[start], times[end &- 1])
                let interval = Double(lastMs &- firstMs) / 1000
                let gap = interval / Double(end &- start &- 1)
                let threshold = gap * 1.1
                let toStart = Double(firstMs &- windows.startMs(step)) / 1000
                let toEnd = Double(windows.endMs(step) &- lastMs) / 1000
                let toLeft = toStart >= threshold ? gap / 2 : toStart
                let toRight = toEnd >= threshold ? gap / 2 : toEnd
                let factor = Self.factor(interval, toLeft, toRight)
                sampled[unchecked: step] = interval
                left[unchecked: step] = toLeft
                right[unchecked: step] = toRight
                factors[unchecked: step] = isRate ? factor / rangeSeconds : factor
                tags[unchecked: step] = StepRow.Tag.float
                firsts[unchecked: step] = Int32(clamping: start)
                lasts[unchecked: step] = Int32(clamping: end &- 1)
                samplesEnd = max(samplesEnd, end)
                if toLeft > interval { extendsFar = true }
            }
        }
        (self.sampled, self.left, self.right, self.factors) = (sampled, left, right, factors)
        (self.tags, self.firsts, self.lasts) = (tags, firsts, lasts)
        (self.samplesEnd, self.extendsFar) = (samplesEnd, extendsFar)
    }

    /// The factor of a window whose counter was 0 the `share` of what it is sampled over before its
    /// first sample.
    @inline(__always)
    func factor(_ step: Int, _ share: Double, _ rangeSeconds: Double, _ kind: ChangeKind) -> Double
    {
        let toZero = sampled[step] * share
        guard toZero < left[step] else { return factors[step] }
        let factor = Self.factor(sampled[step], toZero, right[step])
        return kind.isRate ? factor / rangeSeconds : factor
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
            let new = WindowSpans(times, windows, isRate: isRate)
            // A place is at most one behind all those given out before, and 0 is nobody's.
            while spans.count <= place { spans.append(new) }
            spans[place] = new
        }
        return place
    }
}
