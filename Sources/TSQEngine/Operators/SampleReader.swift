import TSQBase
import TSQModel

/// Reads the series of one selector, one after the other, into the caller's columns.
struct SampleReader {
    private let selection: (any SeriesSelection)?
    private var index = 0
    private var end: Int
    private let count: Int
    private let wantsStatistics: Bool
    /// Charged for the columns: their largest size so far.
    private(set) var heldBytes: Int64 = 0
    /// Counts rows, samples and time where the plan is to be explained.
    private let probe: OperatorProbe?

    /// - Parameter wantsStatistics: of histograms only count, sum and reset hint matter.
    init(
        _ selection: (any SeriesSelection)? = nil, wantsStatistics: Bool = false,
        probe: OperatorProbe? = nil
    ) {
        self.selection = selection
        self.wantsStatistics = wantsStatistics
        self.probe = probe
        count = selection?.count ?? 0
        end = count
    }

    /// A reader of the same series for another thread.
    func fork() -> SampleReader {
        SampleReader(selection?.fork(), wantsStatistics: wantsStatistics, probe: probe?.fork())
    }

    mutating func rewind() { restrict(to: 0..<count) }

    /// Goes on with the series of `range`, and no others.
    mutating func restrict(to range: Range<Int>) {
        index = range.lowerBound
        end = range.upperBound
    }

    /// Samples read so far, where the plan is to be explained.
    var samplesRead: Int64? { probe?.samples }

    /// What was read, and how long it took.
    func report(to node: inout ExplainNode) { probe?.report(to: &node) }

    /// Charges the columns where they have grown.
    private mutating func hold(_ bytes: Int64, _ query: QueryContext) throws(QueryError) {
        let part = "the samples of a series"
        try query.budget.memory.hold(bytes - heldBytes, for: part)
        heldBytes = bytes
    }

    /// Moves to the next series that has samples with `fromMs < time <= toMs`, and replaces `columns`
    /// by them.
    ///
    /// - Parameter newestAtMs: of the samples up to here only the newest matters.
    mutating func next(
        into columns: inout SampleColumns, fromMs: TimestampMs, newestAtMs: TimestampMs? = nil,
        toMs: TimestampMs, _ query: QueryContext
    ) throws(QueryError) -> Int? {
        guard let selection else { return nil }
        while index < end {
            let series = index
            index += 1
            try query.budget.tick()
            do throws(SourceError) {
                if let probe {
                    let clock = SystemClock()
                    let startNs = clock.monotonicNs()
                    try selection.read(
                        series, fromMs: fromMs, newestAtMs: newestAtMs ?? fromMs, toMs: toMs,
                        into: &columns)
                    probe.add(timeNs: clock.monotonicNs() &- startNs)
                } else {
                    try selection.read(
                        series, fromMs: fromMs, newestAtMs: newestAtMs ?? fromMs, toMs: toMs,
                        into: &columns)
                }
            } catch {
                throw QueryError(error)
            }
            if wantsStatistics && columns.hasHistograms {
                columns.histograms.reduceToStatistics()
            }
            let samples = columns.times.count + columns.histograms.times.count
            if samples == 0 { continue }
            probe?.count(samples: Int64(samples))
            let bytes = Int64(columns.byteCount)
            if bytes > heldBytes { try hold(bytes, query) }
            return series
        }
        return nil
    }
}

extension SampleColumns {
    /// Read from the one column that tells: `histograms.isEmpty`, of another module, is called with a
    /// copy of all of them.
    @inline(__always)
    var hasHistograms: Bool { !histograms.times.isEmpty }

    /// What the samples take.
    var byteCount: Int {
        (times.count * 2 + startTimes.count) * 8 + (hasHistograms ? histograms.byteCount : 0)
    }

    /// Takes the stale markers out: a range never shows them.
    mutating func removeStaleMarkers() {
        if !areFinite { areFinite = FiniteScan.areFinite(values.span) }
        if !areFinite && values.contains(where: StaleMarker.isStale) {
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
        if hasHistograms && histograms.sums.contains(where: StaleMarker.isStale) {
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

extension HistogramColumns {
    /// What the samples take.
    var byteCount: Int {
        let spans = positiveSpans.count + negativeSpans.count
        let buckets = positiveBuckets.count + negativeBuckets.count + customBounds.count
        return count * 64 + (spans + buckets) * 8
    }

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
    /// What its spans, buckets and bounds take.
    var bucketByteCount: Int {
        let spans = positiveSpans.count + negativeSpans.count
        return (spans + positiveBuckets.count + negativeBuckets.count + customBounds.count) * 8
    }

    /// What it takes.
    var byteCount: Int { MemoryLayout<Histogram>.stride + bucketByteCount }

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
