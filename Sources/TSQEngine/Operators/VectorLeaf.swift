import TSQBase
import TSQModel

/// An instant selector: the newest sample in `(t − lookback, t]` of each series, unless it is a
/// stale marker.
final class VectorLeaf: Operator {
    enum Answer {
        case value
        /// `timestamp(selector)`: when the sample was taken, in seconds.
        case time
        /// `start_timestamp(selector)`: its start time, in seconds; 0 where it has none.
        case startTime
        /// For `info()`: when the sample was taken, in ms.
        case timeMs
    }

    private let request: [LabelMatcher]
    private let times: SelectorTimes
    private let answer: Answer
    private let countsSamples: Bool
    private let wantsStatistics: Bool
    /// Samples beyond are not there; nil: all are.
    private let limits: ClosedRange<TimestampMs>?
    /// The labels that whoever takes the rows looks at, the name aside; nil: all.
    private let labelNames: [String]?
    @exclusivity(unchecked) private var reader = SampleReader()
    @exclusivity(unchecked) private var columns = SampleColumns()
    @exclusivity(unchecked) private var cursor = LookbackCursor()
    private var tile = Tile(0, 0)

    init(
        _ query: QueryContext, steps: StepRange, matchers: [LabelMatcher], times: SelectorTimes,
        answer: Answer, countsSamples: Bool, wantsStatistics: Bool = false,
        limits: ClosedRange<TimestampMs>? = nil, labelNames: [String]? = nil
    ) {
        self.limits = limits
        self.labelNames = labelNames
        request = matchers
        self.times = times
        self.answer = answer
        self.countsSamples = countsSamples
        self.wantsStatistics = wantsStatistics
        super.init(query, steps: steps)
    }

    private init(_ other: VectorLeaf, _ query: QueryContext) {
        limits = other.limits
        labelNames = other.labelNames
        request = other.request
        times = other.times
        answer = other.answer
        countsSamples = other.countsSamples
        wantsStatistics = other.wantsStatistics
        reader = other.reader.fork()
        cursor = other.cursor
        cursor.forget()
        tile = other.tile
        super.init(query, steps: other.steps)
        series = other.series
    }

    override var canFork: Bool { true }

    override func fork(_ query: QueryContext) -> Operator? { VectorLeaf(self, query) }

    override func restrict(to range: Range<Int>) { reader.restrict(to: range) }

    override var samplesRead: Int64? { reader.samplesRead }

    override func open() throws(QueryError) {
        let lookbackMs = query.lookbackMs
        let selection = try query.select(
            request, fromMs: times.firstMs.subtractingClamped(lookbackMs), toMs: times.lastMs,
            labelNames: labelNames)
        // At one step the newest samples do, mostly.
        if times.firstMs != times.lastMs && query.looksUpAhead { selection.expectReads() }
        reader = SampleReader(
            selection, wantsStatistics: wantsStatistics, probe: query.newProbe())
        series = OutputSeries(distinct: selection.labels)
    }

    override func start(_ tile: Tile) {
        self.tile = tile
        reader.rewind()
        cursor.begin(
            firstMs: times.timeMs(tile.first), stepMs: times.stepMs, count: tile.count,
            lookbackMs: query.lookbackMs)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        var newestAtMs = times.timeMs(tile.first)
        var fromMs = newestAtMs.subtractingClamped(query.lookbackMs)
        var toMs = times.timeMs(tile.first + tile.count - 1)
        if let limits {
            fromMs = max(fromMs, limits.lowerBound.subtractingClamped(1))
            toMs = min(toMs, limits.upperBound)
            newestAtMs = min(newestAtMs, toMs)
            if fromMs >= toMs { return nil }
        }
        while true {
            guard
                let index = try reader.next(
                    into: &columns, fromMs: fromMs, newestAtMs: max(newestAtMs, fromMs), toMs: toMs,
                    query)
            else { return nil }
            row.reset(stepCount: tile.count)
            let count = Self.fill(&row, &columns, &cursor, answer)
            if count == 0 { continue }
            try query.budget.hold(samples: count)
            query.statistics.samplesRead += count
            if countsSamples { query.statistics.totalQueryableSamples += count }
            return index
        }
    }

    /// The number of samples taken, histograms by weight.
    private static func fill(
        _ row: inout StepRow, _ columns: inout SampleColumns, _ cursor: inout LookbackCursor,
        _ answer: Answer
    ) -> Int64 {
        if columns.hasHistograms { return fillMixed(&row, columns, cursor, answer) }
        let place = cursor.find(columns.times, timesID: columns.timesID)
        if answer == .value {
            let newest = cursor.newest[place]
            if columns.areFinite && newest.isEverywhere {
                return copyValues(&row, columns.values, newest)
            }
            return fillValues(&row.values, &row.tags, columns.values, newest.indices)
        }
        var taken: Int64 = 0
        for step in 0..<row.stepCount {
            let index = Int(cursor.newest[place].indices[step])
            if index < 0 { continue }
            let value = columns.values[index]
            if StaleMarker.isStale(value) { continue }
            switch answer {
            case .value: row.values[step] = value
            case .time: row.values[step] = Double(columns.times[index]) / 1000
            case .timeMs: row.values[step] = Double(columns.times[index])
            case .startTime:
                row.values[step] =
                    columns.startTimes.isEmpty ? 0 : Double(columns.startTimes[index]) / 1000
            }
            row.tags[step] = StepRow.Tag.float
            taken += 1
        }
        return taken
    }

    /// There is a sample at every step, and none is a stale marker.
    private static func copyValues(
        _ row: inout StepRow, _ values: [Double], _ newest: NewestSamples
    ) -> Int64 {
        let (values, indices) = (values.span, newest.indices)
        let places = indices.span
        let count = places.count
        precondition(
            newest.end <= values.count && row.stepCount == count, "BUG: samples of other times")
        var rowValues = row.values.mutableSpan
        for step in 0..<count {
            rowValues[unchecked: step] = values[unchecked: Int(places[unchecked: step])]
        }
        var tags = row.tags.mutableSpan
        precondition(tags.count == count, "BUG: a row of another tile")
        for step in 0..<count { tags[unchecked: step] = StepRow.Tag.float }
        return Int64(count)
    }

    /// The commonest answer, of floats only. That there is a value at every step and none is a stale
    /// marker (a NaN) is seen without a branch for each.
    private static func fillValues(
        _ rowValues: inout [Double], _ rowTags: inout [UInt8], _ values: [Double],
        _ newest: [Int32]
    ) -> Int64 {
        let (values, newest) = (values.span, newest.span)
        let count = newest.count
        var tags = rowTags.mutableSpan
        var rowValues = rowValues.mutableSpan
        precondition(
            tags.count == count && rowValues.count == count, "BUG: a row of another tile")
        if values.isEmpty { return 0 }
        let last = Int32(truncatingIfNeeded: values.count - 1)
        var missing: Int32 = 0
        var finite = FiniteScan()
        for step in 0..<count {
            let index = newest[unchecked: step]
            missing |= index | (last &- index)
            let value = values[unchecked: Int(max(0, min(index, last)))]
            rowValues[unchecked: step] = value
            finite.add(value)
        }
        if missing >= 0 && finite.isFinite {
            for step in 0..<count { tags[unchecked: step] = StepRow.Tag.float }
            return Int64(count)
        }
        var taken: Int64 = 0
        for step in 0..<count {
            let index = Int(newest[step])
            if index < 0 || StaleMarker.isStale(values[index]) { continue }
            tags[step] = StepRow.Tag.float
            taken += 1
        }
        return taken
    }

    /// Floats and histograms in one series: the newer one counts.
    private static func fillMixed(
        _ row: inout StepRow, _ columns: borrowing SampleColumns, _ cursor: LookbackCursor,
        _ answer: Answer
    ) -> Int64 {
        var floats = cursor
        var histograms = cursor
        let floatPlace = floats.find(columns.times, timesID: 0)
        let histogramPlace = histograms.find(columns.histograms.times, timesID: 0)
        var taken: Int64 = 0
        for step in 0..<row.stepCount {
            let float = Int(floats.newest[floatPlace].indices[step])
            let place = Int(histograms.newest[histogramPlace].indices[step])
            let histogramMs = place < 0 ? Int64.min : columns.histograms.times[place]
            if float >= 0 && (place < 0 || columns.times[float] > histogramMs) {
                let value = columns.values[float]
                if StaleMarker.isStale(value) { continue }
                let timeMs = columns.times[float]
                let startMs = columns.startTimes.isEmpty ? 0 : columns.startTimes[float]
                row.setFloat(step, number(answer, timeMs, startMs) ?? value)
                taken += 1
            } else if place >= 0 {
                if StaleMarker.isStale(columns.histograms.sums[place]) { continue }
                let starts = columns.histograms.startTimes.isEmpty
                let startMs = starts ? 0 : columns.histograms.startTimes[place]
                // An info metric must not be a histogram: `info()` refuses it.
                if answer != .timeMs, let number = number(answer, histogramMs, startMs) {
                    row.setFloat(step, number)
                    taken += 1
                } else {
                    let histogram = columns.histograms.histogram(place)
                    taken += histogram.sampleWeight
                    row.setHistogram(step, histogram)
                }
            }
        }
        return taken
    }

    private static func number(
        _ answer: Answer, _ timeMs: TimestampMs, _ startMs: TimestampMs
    ) -> Double? {
        switch answer {
        case .value: nil
        case .time: Double(timeMs) / 1000
        case .timeMs: Double(timeMs)
        case .startTime: Double(startMs) / 1000
        }
    }
}

/// The newest sample at each of some steps.
struct NewestSamples {
    /// Index into the times, −1 for none.
    fileprivate(set) var indices: [Int32] = []
    /// No step is without one.
    fileprivate(set) var isEverywhere = false
    /// All indices are below.
    fileprivate(set) var end = 0

    fileprivate mutating func findBounds() {
        isEverywhere = (indices.min() ?? -1) >= 0
        end = Int(indices.max() ?? -1) + 1
    }
}

/// Finds, for every step of a tile, the newest of ascending times that the look-back allows.
struct LookbackCursor {
    private var firstMs: TimestampMs = 0
    private var stepMs: Int64 = 0
    private var lookbackMs: Int64 = 0
    private var stepCount = 0
    private var places = TimesPlaces()
    /// One entry a place.
    private(set) var newest: [NewestSamples] = []

    mutating func begin(firstMs: TimestampMs, stepMs: Int64, count: Int, lookbackMs: Int64) {
        self.firstMs = firstMs
        self.stepMs = stepMs
        self.lookbackMs = lookbackMs
        stepCount = count
        forget()
    }

    /// Forgets what was found, for another thread: counting references to the same arrays, both would
    /// fight over them.
    mutating func forget() {
        places.begin(stepCount: stepCount)
        newest = []
    }

    /// Where in `newest` the answer for `times` is; they end at or before the last step. Equal
    /// `timesID` other than 0 mean equal times.
    mutating func find(_ times: [TimestampMs], timesID: UInt64) -> Int {
        let (place, isKnown) = places.find(timesID)
        if !isKnown {
            while newest.count <= place { newest.append(NewestSamples()) }
            fill(&newest[place].indices, times)
            newest[place].findBounds()
        }
        return place
    }

    private func fill(_ newest: inout [Int32], _ times: [TimestampMs]) {
        if newest.count != stepCount { newest = [Int32](filledWith: -1, count: stepCount) }
        let count = times.count
        if stepCount == 1 {
            newest[0] =
                count > 0 && times[count - 1] > firstMs &- lookbackMs ? Int32(count - 1) : -1
            return
        }
        var next = 0
        for step in 0..<stepCount {
            let timeMs = firstMs &+ Int64(step) &* stepMs
            while next < count && times[next] <= timeMs { next += 1 }
            newest[step] =
                next > 0 && times[next - 1] > timeMs &- lookbackMs ? Int32(next - 1) : -1
        }
    }
}
