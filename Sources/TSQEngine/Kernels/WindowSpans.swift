import TSQBase

/// What extrapolation needs to know of the windows over the time columns met last: the same for all
/// series that share a column, so it is worked out once for them.
///
/// - Shape: for each place a table of one entry a window, one place after the other in few arrays, so
///   that a new column of times allocates nothing and a series counts no references. Windows of fewer
///   than two samples have `sampled` and factor 0, and begin and end with sample 0.
/// - Source: Prometheus promql/functions.go, extrapolatedRate, without start timestamps: where the
///   first and the last sample lie, and how far the change is extended to the window's ends.
package struct WindowSpansCache: Sendable {
    private struct Key: Equatable {
        var firstEndMs: TimestampMs
        var stepMs: Int64
        var rangeMs: Int64
        var count: Int
        var isRate: Bool
    }

    /// Of all windows of a place.
    struct Bounds {
        /// All samples of the windows lie before this one; 0: no window has two.
        var samplesEnd = 0
        /// No window is extended to the left by more than so many times what it has been sampled over.
        var leftShareMax = 0.0
    }

    private var key: Key?
    private var places = TimesPlaces()
    private var count = 0
    private var bounds: [Bounds] = []
    /// What the change is multiplied by, unless the counter is 0 before; for rates by the second.
    private var factors: [Double] = []
    /// For each place each window's first sample, then each one's last.
    private var samples: [Int32] = []
    /// `float` for windows of two samples or more.
    private var tags: [UInt8] = []

    package init() {}

    /// Where what `spans` gives of `windows` over `times` is; equal `timesID` other than 0 mean equal
    /// times.
    mutating func find(
        _ times: Span<TimestampMs>, timesID: UInt64, _ windows: borrowing Windows, isRate: Bool
    ) -> Int {
        let wanted = Key(
            firstEndMs: windows.firstEndMs, stepMs: windows.stepMs, rangeMs: windows.rangeMs,
            count: windows.count, isRate: isRate)
        if wanted != key {
            key = wanted
            count = windows.count
            places.begin(stepCount: count)
            bounds.removeAll(keepingCapacity: true)
            factors.removeAll(keepingCapacity: true)
            samples.removeAll(keepingCapacity: true)
            tags.removeAll(keepingCapacity: true)
        }
        let (place, isKnown) = places.find(timesID)
        if !isKnown {
            makeRoom(place)
            bounds[place] = Self.fill(
                place, times, windows, isRate: isRate, &factors, &samples, &tags)
        }
        return place
    }

    /// Places that room is made for at once, four times as many each time, no more than there can be.
    private static let firstPlaces = 16

    private mutating func makeRoom(_ place: Int) {
        if place < bounds.count { return }
        let places = min(self.places.placeEndMax, max(Self.firstPlaces, place * 4))
        bounds.append(contentsOf: repeatElement(Bounds(), count: places - bounds.count))
        extend(&factors, to: places * count, 0)
        extend(&samples, to: places * count * 2, 0)
        extend(&tags, to: places * count, StepRow.Tag.absent)
    }

    private func extend<Number>(_ numbers: inout [Number], to count: Int, _ filler: Number) {
        let missing = count - numbers.count
        numbers.append(addingCapacity: missing) { (room: inout OutputSpan<Number>) in
            room.append(repeating: filler, count: missing)
        }
    }

    private static func fill(
        _ place: Int, _ times: Span<TimestampMs>, _ windows: borrowing Windows, isRate: Bool,
        _ factors: inout [Double], _ samples: inout [Int32], _ tags: inout [UInt8]
    ) -> Bounds {
        let count = windows.count
        let (starts, ends) = (windows.floatStarts.span, windows.floatEnds.span)
        precondition(starts.count == count && ends.count == count, "BUG: uneven windows")
        let rangeSeconds = windows.rangeSeconds
        var found = Bounds()
        let first = place * count
        var factors = factors.mutableSpan
        var samples = samples.mutableSpan
        var tags = tags.mutableSpan
        precondition(
            first + count <= factors.count && (first + count) * 2 <= samples.count
                && first + count <= tags.count, "BUG: no room for the windows of a place")
        for step in 0..<count {
            let place = first &* 2 &+ step
            let (start, end) = (starts[unchecked: step], ends[unchecked: step])
            let isSampled = end &- start >= 2
            var factor = 0.0
            if isSampled {
                let extent = WindowExtent(times, start, end &- 1, windows, step)
                factor = extent.factor(left: extent.left)
                if isRate { factor /= rangeSeconds }
                found.samplesEnd = max(found.samplesEnd, end)
                if extent.left > found.leftShareMax * extent.sampled {
                    found.leftShareMax = extent.left / extent.sampled
                }
            }
            factors[unchecked: first &+ step] = factor
            samples[unchecked: place] = isSampled ? Int32(clamping: start) : 0
            samples[unchecked: place &+ count] = isSampled ? Int32(clamping: end &- 1) : 0
            tags[unchecked: first &+ step] = isSampled ? StepRow.Tag.float : StepRow.Tag.absent
        }
        return found
    }

    /// The table of a place that `find` answered.
    @_lifetime(borrow self)
    func spans(_ place: Int) -> WindowSpans {
        let first = place * count
        let samples = samples.span.extracting(first * 2..<(first + count) * 2)
        return WindowSpans(
            factors: factors.span.extracting(first..<first + count),
            tags: tags.span.extracting(first..<first + count),
            firsts: samples.extracting(0..<count), lasts: samples.extracting(count..<2 * count),
            bounds[place])
    }
}

/// Where the samples of a window lie in it, in seconds.
struct WindowExtent {
    /// From the first to the last sample.
    let sampled: Double
    /// By how much the change is extended to the left, unless the counter is 0 before.
    let left: Double
    let right: Double

    /// - Parameters:
    ///   - first: the window's first sample, of at least two.
    ///   - last: its last.
    @inline(__always)
    init(
        _ times: Span<TimestampMs>, _ first: Int, _ last: Int, _ windows: borrowing Windows,
        _ step: Int
    ) {
        let (firstMs, lastMs) = (times[first], times[last])
        sampled = Double(lastMs &- firstMs) / 1000
        let gap = sampled / Double(last &- first)
        let threshold = gap * 1.1
        let toStart = Double(firstMs &- windows.startMs(step)) / 1000
        let toEnd = Double(windows.endMs(step) &- lastMs) / 1000
        left = toStart >= threshold ? gap / 2 : toStart
        right = toEnd >= threshold ? gap / 2 : toEnd
    }

    /// What the change is multiplied by when it is extended by `left` to the left.
    @inline(__always)
    func factor(left: Double) -> Double {
        sampled == 0 ? 1 : (sampled + left + right) / sampled
    }
}

/// The table of one place.
struct WindowSpans: ~Escapable {
    let factors: Span<Double>
    let tags: Span<UInt8>
    let firsts: Span<Int32>
    let lasts: Span<Int32>
    let bounds: WindowSpansCache.Bounds

    @_lifetime(copy factors, copy tags, copy firsts, copy lasts)
    fileprivate init(
        factors: Span<Double>, tags: Span<UInt8>, firsts: Span<Int32>, lasts: Span<Int32>,
        _ bounds: WindowSpansCache.Bounds
    ) {
        self.factors = factors
        self.tags = tags
        self.firsts = firsts
        self.lasts = lasts
        self.bounds = bounds
    }

    /// More than what rounding can do to the comparison.
    private static let roundingMargin = 1 + 1e-9

    /// No window is extended to the left by more than so many times what it has been sampled over.
    var leftShareEnd: Double { bounds.leftShareMax * Self.roundingMargin }
}
