import TSQBase
import TSQModel
import TSQPromQL

/// An instant selector with `smoothed`: the value at the step itself, on the straight line between
/// the samples before and after it within the look-back; the last value where none comes after.
final class SmoothedLeaf: Operator {
    private let matchers: [LabelMatcher]
    private let times: SelectorTimes
    private let range: SourceRange
    private let countsSamples: Bool
    private var name = ""
    private var reader = SampleReader()
    private var columns = SampleColumns()
    private var tile = Tile(0, 0)

    init(
        _ query: QueryContext, steps: StepRange, matchers: [LabelMatcher], times: SelectorTimes,
        range: SourceRange, countsSamples: Bool
    ) {
        self.matchers = matchers
        self.times = times
        self.range = range
        self.countsSamples = countsSamples
        super.init(query, steps: steps)
    }

    private init(_ other: SmoothedLeaf, _ query: QueryContext) {
        matchers = other.matchers
        times = other.times
        range = other.range
        countsSamples = other.countsSamples
        reader = other.reader.fork()
        tile = other.tile
        super.init(query, steps: other.steps)
        series = other.series
    }

    override var canFork: Bool { true }

    override func fork(_ query: QueryContext) -> Operator? { SmoothedLeaf(self, query) }

    override func restrict(to range: Range<Int>) { reader.restrict(to: range) }

    override var samplesRead: Int64? { reader.samplesRead }

    override func open() throws(QueryError) {
        let selection = try query.select(
            matchers, fromMs: times.firstMs.subtractingClamped(query.lookbackMs),
            toMs: times.lastMs.addingClamped(query.lookbackMs))
        reader = SampleReader(selection, probe: query.newProbe())
        series = OutputSeries(distinct: selection.labels)
    }

    override func start(_ tile: Tile) {
        self.tile = tile
        reader.rewind()
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        let fromMs = times.timeMs(tile.first).subtractingClamped(query.lookbackMs)
        let toMs = times.timeMs(tile.first + tile.count - 1).addingClamped(query.lookbackMs)
        guard let index = try reader.next(into: &columns, fromMs: fromMs, toMs: toMs, query) else {
            return nil
        }
        columns.removeStaleMarkers()
        name = query.text(series.labels.value(index, of: query.nameSymbol))
        row.reset(stepCount: tile.count)
        for step in 0..<tile.count { fill(times.timeMs(tile.first + step), step, &row) }
        let points = row.pointCount
        try query.budget.hold(samples: points)
        query.statistics.samplesRead += points
        if countsSamples { query.statistics.totalQueryableSamples += points }
        return index
    }

    private func fill(_ timeMs: TimestampMs, _ step: Int, _ row: inout StepRow) {
        let floats = Neighbours(columns.times, timeMs, query.lookbackMs)
        let histograms = Neighbours(columns.histograms.times, timeMs, query.lookbackMs)
        if !floats.isEmpty && !histograms.isEmpty {
            query.annotations.warn(PromQLTexts.mixedFloatsHistograms(name), range)
            return
        }
        if !histograms.isEmpty {
            fillHistogram(timeMs, step, histograms, &row)
            return
        }
        guard let before = floats.before else { return }
        let value = columns.values[before]
        let beforeMs = columns.times[before]
        guard beforeMs != timeMs, let after = floats.after else {
            row.setFloat(step, value)
            return
        }
        let next = columns.values[after]
        let length = Double(columns.times[after] - beforeMs)
        row.setFloat(step, value + (next - value) * Double(timeMs - beforeMs) / length)
    }

    private func fillHistogram(
        _ timeMs: TimestampMs, _ step: Int, _ places: Neighbours, _ row: inout StepRow
    ) {
        guard let before = places.before else { return }
        let value = columns.histograms.histogram(before)
        let beforeMs = columns.histograms.times[before]
        guard beforeMs != timeMs, let after = places.after else {
            row.setHistogram(step, value)
            return
        }
        let next = columns.histograms.histogram(after)
        let share =
            Double(timeMs - beforeMs) / Double(columns.histograms.times[after] - beforeMs)
        var notes: WindowNotes = []
        if value.usesCustomBounds != next.usesCustomBounds {
            notes.insert(.mixedSchemas)
        } else if let result = RangeFunctions.interpolate(
            value, next, share, isCounter: value.hint != .gauge && next.hint != .gauge, &notes)
        {
            row.setHistogram(step, result)
        }
        notes.tell(&query.annotations, metric: name, range)
    }

    /// The samples around a time within the look-back.
    private struct Neighbours {
        var before: Int?
        var after: Int?
        var isEmpty: Bool { before == nil && after == nil }

        init(_ times: [TimestampMs], _ timeMs: TimestampMs, _ lookbackMs: Int64) {
            var (low, high) = (0, times.count)
            while low < high {
                let middle = (low + high) / 2
                if times[middle] > timeMs { high = middle } else { low = middle + 1 }
            }
            if low > 0 && times[low - 1] > timeMs.subtractingClamped(lookbackMs) {
                before = low - 1
            }
            if low < times.count && times[low] <= timeMs.addingClamped(lookbackMs) { after = low }
        }
    }
}
