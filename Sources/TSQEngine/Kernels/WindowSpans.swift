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
    /// For each place the four columns of `Part`.
    private var numbers: [Double] = []
    /// For each place each window's first sample, then each one's last.
    private var samples: [Int32] = []
    /// `float` for windows of two samples or more.
    private var tags: [UInt8] = []

    private enum Part {
        /// Seconds from the first to the last sample.
        static let sampled = 0
        /// Seconds by which the change is extended to the left, unless the counter is 0 before.
        static let left = 1
        static let right = 2
        /// What the change is multiplied by, unless the counter is 0 before; for rates by the second.
        static let factors = 3
        static let count = 4
    }

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
            numbers.removeAll(keepingCapacity: true)
            samples.removeAll(keepingCapacity: true)
            tags.removeAll(keepingCapacity: true)
        }
        let (place, isKnown) = places.find(timesID)
        if !isKnown {
            makeRoom(place)
            bounds[place] = Self.fill(
                place, times, windows, isRate: isRate, &numbers, &samples, &tags)
        }
        return place
    }

    /// Places that room is made for at once, four times as many each time, no more than there can be.
    private static let firstPlaces = 16

    private mutating func makeRoom(_ place: Int) {
        if place < bounds.count { return }
        let places = min(self.places.placeEndMax, max(Self.firstPlaces, place * 4))
        bounds.append(contentsOf: repeatElement(Bounds(), count: places - bounds.count))
        extend(&numbers, to: places * count * Part.count, 0)
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
        _ numbers: inout [Double], _ samples: inout [Int32], _ tags: inout [UInt8]
    ) -> Bounds {
        let count = windows.count
        let (starts, ends) = (windows.floatStarts.span, windows.floatEnds.span)
        precondition(starts.count == count && ends.count == count, "BUG: uneven windows")
        let rangeSeconds = windows.rangeSeconds
        var found = Bounds()
        let first = place * count
        var numbers = numbers.mutableSpan
        var samples = samples.mutableSpan
        var tags = tags.mutableSpan
        precondition(
            (first + count) * Part.count <= numbers.count && (first + count) * 2 <= samples.count
                && first + count <= tags.count, "BUG: no room for the windows of a place")
        for step in 0..<count {
            let place = first &* 2 &+ step
            let (start, end) = (starts[unchecked: step], ends[unchecked: step])
            let isSampled = end &- start >= 2
            var (interval, toLeft, toRight, factor) = (0.0, 0.0, 0.0, 0.0)
            if isSampled {
                let (firstMs, lastMs) = (times[start], times[end &- 1])
                interval = Double(lastMs &- firstMs) / 1000
                let gap = interval / Double(end &- start &- 1)
                let threshold = gap * 1.1
                let toStart = Double(firstMs &- windows.startMs(step)) / 1000
                let toEnd = Double(windows.endMs(step) &- lastMs) / 1000
                toLeft = toStart >= threshold ? gap / 2 : toStart
                toRight = toEnd >= threshold ? gap / 2 : toEnd
                factor = WindowSpans.factor(interval, toLeft, toRight)
                if isRate { factor /= rangeSeconds }
                found.samplesEnd = max(found.samplesEnd, end)
                if toLeft > found.leftShareMax * interval {
                    found.leftShareMax = toLeft / interval
                }
            }
            numbers[unchecked: (first &* Part.count) &+ Part.sampled &* count &+ step] = interval
            numbers[unchecked: (first &* Part.count) &+ Part.left &* count &+ step] = toLeft
            numbers[unchecked: (first &* Part.count) &+ Part.right &* count &+ step] = toRight
            numbers[unchecked: (first &* Part.count) &+ Part.factors &* count &+ step] = factor
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
        let numbers = numbers.span.extracting(first * Part.count..<(first + count) * Part.count)
        let samples = samples.span.extracting(first * 2..<(first + count) * 2)
        return WindowSpans(
            numbers.extracting(Part.sampled * count..<(Part.sampled + 1) * count),
            left: numbers.extracting(Part.left * count..<(Part.left + 1) * count),
            right: numbers.extracting(Part.right * count..<(Part.right + 1) * count),
            factors: numbers.extracting(Part.factors * count..<(Part.factors + 1) * count),
            tags: tags.span.extracting(first..<first + count),
            firsts: samples.extracting(0..<count), lasts: samples.extracting(count..<2 * count),
            bounds[place])
    }
}

/// The table of one place.
struct WindowSpans: ~Escapable {
    let sampled: Span<Double>
    let left: Span<Double>
    let right: Span<Double>
    let factors: Span<Double>
    let tags: Span<UInt8>
    let firsts: Span<Int32>
    let lasts: Span<Int32>
    let bounds: WindowSpansCache.Bounds

    @_lifetime(
        copy sampled, copy left, copy right, copy factors, copy tags, copy firsts, copy lasts)
    fileprivate init(
        _ sampled: Span<Double>, left: Span<Double>, right: Span<Double>, factors: Span<Double>,
        tags: Span<UInt8>, firsts: Span<Int32>, lasts: Span<Int32>,
        _ bounds: WindowSpansCache.Bounds
    ) {
        self.sampled = sampled
        self.left = left
        self.right = right
        self.factors = factors
        self.tags = tags
        self.firsts = firsts
        self.lasts = lasts
        self.bounds = bounds
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
