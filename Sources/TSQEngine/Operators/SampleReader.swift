import TSQBase
import TSQModel

/// Reads the series of one selector, one after the other, into columns that are reused.
struct SampleReader {
    private let selection: (any SeriesSelection)?
    private(set) var index = 0
    private let count: Int
    var columns = SampleColumns()
    private let wantsStatistics: Bool

    /// - Parameter wantsStatistics: of histograms only count, sum and reset hint matter.
    init(_ selection: (any SeriesSelection)? = nil, wantsStatistics: Bool = false) {
        self.selection = selection
        self.wantsStatistics = wantsStatistics
        count = selection?.count ?? 0
    }

    mutating func rewind() { index = 0 }

    /// Moves to the next series that has samples with `fromMs < time <= toMs`.
    mutating func next(
        fromMs: TimestampMs, toMs: TimestampMs, _ query: QueryContext
    ) throws(QueryError) -> Int? {
        guard let selection else { return nil }
        while index < count {
            let series = index
            index += 1
            try query.budget.tick()
            do throws(SourceError) {
                try selection.read(series, fromMs: fromMs, toMs: toMs, into: &columns)
            } catch {
                throw QueryError(error)
            }
            if wantsStatistics && !columns.histograms.isEmpty {
                columns.histograms.reduceToStatistics()
            }
            query.statistics.samplesRead += Int64(columns.times.count + columns.histograms.count)
            if !columns.isEmpty { return series }
        }
        return nil
    }
}

extension SampleColumns {
    /// Takes the stale markers out: a range never shows them.
    mutating func removeStaleMarkers() {
        if Self.hasStaleMarker(values) {
            var kept = 0
            for index in 0..<values.count where !StaleMarker.isStale(values[index]) {
                values[kept] = values[index]
                times[kept] = times[index]
                if !startTimes.isEmpty { startTimes[kept] = startTimes[index] }
                kept += 1
            }
            values.removeLast(values.count - kept)
            times.removeLast(times.count - kept)
            if !startTimes.isEmpty { startTimes.removeLast(startTimes.count - kept) }
            timesID = 0
        }
        if !histograms.isEmpty && Self.hasStaleMarker(histograms.sums) {
            let all = histograms
            histograms.removeAll()
            for index in 0..<all.count where !StaleMarker.isStale(all.sums[index]) {
                histograms.append(
                    all.histogram(index), timeMs: all.times[index],
                    startTimeMs: all.startTimes.isEmpty ? 0 : all.startTimes[index])
            }
        }
    }
}

extension SampleColumns {
    /// Without a branch a value, so that it vectorises: markers are rare.
    private static func hasStaleMarker(_ values: [Double]) -> Bool {
        let values = values.span
        var found: UInt64 = 0
        for index in 0..<values.count {
            found |= values[index].bitPattern == StaleMarker.bits ? 1 : 0
        }
        return found != 0
    }
}

extension HistogramColumns {
    /// Keeps count, sum and hint of each histogram; an unknown hint is worked out from the one
    /// before, as long as the buckets are there.
    ///
    /// - Source: Prometheus promql/histogram_stats_iterator.go.
    mutating func reduceToStatistics() {
        let all = self
        removeAll()
        var previous: Histogram?
        for index in 0..<all.count {
            let full = all.histogram(index)
            var reduced = Histogram()
            reduced.schema = full.schema
            reduced.count = full.count
            reduced.sum = full.sum
            reduced.hint = full.hint
            if !full.isStaleMarker {
                if full.hint == .unknown, let previous {
                    reduced.hint = full.detectsReset(since: previous) ? .reset : .notReset
                }
                previous = full
            }
            append(
                reduced, timeMs: all.times[index],
                startTimeMs: all.startTimes.isEmpty ? 0 : all.startTimes[index])
        }
    }
}

extension Histogram {
    /// How many float samples it counts as in limits and statistics.
    ///
    /// - Source: Prometheus promql/value.go `HPoint.size`: bytes of the histogram over those of a
    ///   float point (16), with the fixed part of its Go structure.
    var sampleWeight: Int64 {
        let spans = (positiveSpans.count + negativeSpans.count) * 8
        let buckets = (positiveBuckets.count + negativeBuckets.count) * 8
        let bounds = customBounds.count * 8
        return Int64((168 + spans + buckets + bounds + 8) / 16)
    }
}
