import TSQBase
import TSQModel

/// An instant selector with `smoothed`: the value at the step itself, on the straight line between
/// the samples before and after it within the look-back; the last value where none comes after.
final class SmoothedLeaf: Operator {
    private let matchers: [LabelMatcher]
    private let times: SelectorTimes
    private let countsSamples: Bool
    private var reader = SampleReader()
    private var tile = Tile(0, 0)

    init(
        _ query: QueryContext, steps: StepRange, matchers: [LabelMatcher], times: SelectorTimes,
        countsSamples: Bool
    ) {
        self.matchers = matchers
        self.times = times
        self.countsSamples = countsSamples
        super.init(query, steps: steps)
    }

    override func prepare() throws(QueryError) {
        do throws(SourceError) {
            let selection = try query.source.select(
                SelectRequest(
                    matchers: matchers,
                    fromMs: times.firstMs.subtractingClamped(query.lookbackMs),
                    toMs: times.lastMs.addingClamped(query.lookbackMs)), symbols: query.symbols)
            reader = SampleReader(selection)
            series.labels = selection.labels
        } catch {
            throw QueryError(error)
        }
    }

    override func begin(_ tile: Tile) {
        self.tile = tile
        reader.rewind()
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        let fromMs = times.timeMs(tile.first).subtractingClamped(query.lookbackMs)
        let toMs = times.timeMs(tile.first + tile.count - 1).addingClamped(query.lookbackMs)
        guard let index = try reader.next(fromMs: fromMs, toMs: toMs, query) else { return nil }
        reader.columns.removeStaleMarkers()
        row.reset(stepCount: tile.count)
        for step in 0..<tile.count { fill(times.timeMs(tile.first + step), step, &row) }
        let points = row.pointCount
        try query.budget.hold(samples: points)
        if countsSamples { query.statistics.totalQueryableSamples += points }
        return index
    }

    private func fill(_ timeMs: TimestampMs, _ step: Int, _ row: inout StepRow) {
        let floats = Neighbours(reader.columns.times, timeMs, query.lookbackMs)
        let histograms = Neighbours(reader.columns.histograms.times, timeMs, query.lookbackMs)
        // The newest sample at or before the step tells the type.
        let floatMs = floats.before.map { reader.columns.times[$0] }
        let histogramMs = histograms.before.map { reader.columns.histograms.times[$0] }
        if let histogramMs, histogramMs > floatMs ?? .min {
            fillHistogram(timeMs, step, histograms, &row)
            return
        }
        guard let before = floats.before, let floatMs else { return }
        let value = reader.columns.values[before]
        guard floatMs != timeMs, let after = floats.after else {
            row.setFloat(step, value)
            return
        }
        let next = reader.columns.values[after]
        let length = Double(reader.columns.times[after] - floatMs)
        row.setFloat(step, value + (next - value) * Double(timeMs - floatMs) / length)
    }

    private func fillHistogram(
        _ timeMs: TimestampMs, _ step: Int, _ places: Neighbours, _ row: inout StepRow
    ) {
        guard let before = places.before else { return }
        let value = reader.columns.histograms.histogram(before)
        let beforeMs = reader.columns.histograms.times[before]
        guard beforeMs != timeMs, let after = places.after else {
            row.setHistogram(step, value)
            return
        }
        let next = reader.columns.histograms.histogram(after)
        let share =
            Double(timeMs - beforeMs) / Double(reader.columns.histograms.times[after] - beforeMs)
        if let result = SmoothedLeaf.between(value, next, share) { row.setHistogram(step, result) }
    }

    /// On the line from `a` to `b`, bucket by bucket.
    static func between(_ a: Histogram, _ b: Histogram, _ share: Double) -> Histogram? { a }

    /// The samples around a time within the look-back.
    private struct Neighbours {
        var before: Int?
        var after: Int?

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
