import TSQBase
import TSQModel

/// The windows of a function of range vectors over the series at hand, and its call.
struct RangeState {
    /// Four bounds a window, a row.
    static let bytesPerStep = 41
    /// Samples in windows between two looks at deadline and cancellation: a kernel takes 0.5 to 20 ns
    /// for each.
    private static let sliceSamplesMax: Int64 = 2_000_000

    let times: SelectorTimes
    /// The samples of the series at hand. Kept here: a struct's own parts are passed on without a copy
    /// (25 arrays to retain), those of a class are not.
    var columns = SampleColumns()
    private(set) var windows: Windows
    var context: KernelContext
    /// What the bounds of the float windows were worked out from.
    private var timesID: UInt64 = 0
    /// Floats in the windows of all steps.
    private var floatSamples: Int64 = 0
    /// Of them those that the step before did not have.
    private var newFloats: Int64 = 0
    private var isFirstTile = true
    /// The histogram windows may be other than empty.
    private var hadHistograms = true
    private var slice = StepRow(stepCount: 0)

    init(times: SelectorTimes, windows: Windows, context: KernelContext) {
        self.times = times
        self.windows = windows
        self.context = context
    }

    mutating func begin(_ tile: Tile, _ steps: StepRange, _ parameters: [[Double]]) {
        isFirstTile = tile.first == 0
        windows.firstEndMs = times.timeMs(tile.first)
        windows.stepMs = times.stepMs
        windows.resize(tile.count)
        context.steps = steps
        context.parameters = parameters
        timesID = 0
        hadHistograms = true
    }

    /// Fills `row` with the values of `kernel` over the windows of `columns`, and counts the samples in
    /// them.
    mutating func apply(
        _ kernel: RangeKernel, _ query: QueryContext, countsSamples: Bool, _ row: inout StepRow
    ) throws(QueryError) {
        if columns.timesID == 0 || columns.timesID != timesID {
            windows.bound(floats: columns.times)
            timesID = columns.timesID
            floatSamples = windows.floatSampleCount
            newFloats = windows.newFloatCount(columns.times, isFirstTile: isFirstTile)
        }
        if !columns.histograms.isEmpty || hadHistograms {
            windows.bound(histograms: columns.histograms.times)
            hadHistograms = !columns.histograms.isEmpty
        }
        row.reset(stepCount: windows.count)
        let most = Int64(columns.times.count + columns.histograms.count) * Int64(windows.count)
        if most <= Self.sliceSamplesMax {
            try kernel(columns, windows, &context, &row)
        } else {
            try applyInSlices(kernel, query, &row)
        }
        count(&query.statistics, countsSamples: countsSamples)
    }

    /// Some windows at a time, so that a query that is no longer wanted ends between them.
    private mutating func applyInSlices(
        _ kernel: RangeKernel, _ query: QueryContext, _ row: inout StepRow
    ) throws(QueryError) {
        var first = 0
        while first < windows.count {
            var end = first
            var samples: Int64 = 0
            while end < windows.count && (end == first || samples < Self.sliceSamplesMax) {
                samples += Int64(windows.sampleCount(end))
                end += 1
            }
            if first == 0 && end == windows.count {
                return try kernel(columns, windows, &context, &row)
            }
            var part = context
            part.steps.firstMs = context.steps.timeMs(first)
            part.steps.count = end - first
            part.parameters = context.parameters.map { Array($0[first..<end]) }
            slice.reset(stepCount: end - first)
            try kernel(columns, windows.slice(first..<end), &part, &slice)
            context.annotations = part.annotations
            for step in first..<end { row.copy(slice, from: step - first, to: step) }
            first = end
            try query.budget.check()
        }
    }

    /// Counts the samples in the windows of all steps, histograms by weight.
    private func count(_ statistics: inout QueryStatistics, countsSamples: Bool) {
        if countsSamples { statistics.totalQueryableSamples += floatSamples }
        statistics.samplesRead += newFloats
        if columns.histograms.isEmpty { return }
        var seen = isFirstTile ? 0 : windows.countBeforeFirst(columns.histograms.times)
        for step in 0..<windows.count {
            for index in windows.histogramStarts[step]..<windows.histogramEnds[step] {
                let weight = columns.histograms.histogram(index).sampleWeight
                if countsSamples { statistics.totalQueryableSamples += weight }
                if index >= seen { statistics.samplesRead += weight }
            }
            seen = max(seen, windows.histogramEnds[step])
        }
    }
}

extension Windows {
    mutating func resize(_ count: Int) {
        if floatStarts.count == count { return }
        floatStarts = [Int](repeating: 0, count: count)
        floatEnds = floatStarts
        histogramStarts = floatStarts
        histogramEnds = floatStarts
    }

    mutating func bound(floats times: [TimestampMs]) {
        Self.bound(times, firstEndMs, stepMs, rangeMs, &floatStarts, &floatEnds)
    }

    mutating func bound(histograms times: [TimestampMs]) {
        Self.bound(times, firstEndMs, stepMs, rangeMs, &histogramStarts, &histogramEnds)
    }

    /// Two cursors over ascending times.
    private static func bound(
        _ times: [TimestampMs], _ firstEndMs: TimestampMs, _ stepMs: Int64, _ rangeMs: Int64,
        _ starts: inout [Int], _ ends: inout [Int]
    ) {
        let count = times.count
        var start = 0
        var end = 0
        for step in 0..<starts.count {
            let endMs = firstEndMs &+ Int64(step) &* stepMs
            // A window's start may lie before the beginning of time.
            let startMs = endMs.subtractingClamped(rangeMs)
            while end < count && times[end] <= endMs { end += 1 }
            while start < end && times[start] <= startMs { start += 1 }
            starts[step] = start
            ends[step] = end
        }
    }

    var floatSampleCount: Int64 {
        let (starts, ends) = (floatStarts.span, floatEnds.span)
        precondition(starts.count == ends.count, "BUG: windows of uneven bounds")
        var count = 0
        for step in 0..<starts.count {
            count &+= ends[unchecked: step] &- starts[unchecked: step]
        }
        return Int64(count)
    }

    /// How many of `times` a step before the first one would have had behind it.
    func countBeforeFirst(_ times: [TimestampMs]) -> Int {
        let endMs = firstEndMs.subtractingClamped(stepMs)
        return times.prefix { $0 <= endMs }.count
    }

    func newFloatCount(_ times: [TimestampMs], isFirstTile: Bool) -> Int64 {
        var seen = isFirstTile ? 0 : countBeforeFirst(times)
        let (starts, ends) = (floatStarts.span, floatEnds.span)
        var count = 0
        for step in 0..<starts.count {
            let end = ends[unchecked: step]
            count &+= end &- min(end, max(starts[unchecked: step], seen))
            seen = max(seen, end)
        }
        return Int64(count)
    }

    func sampleCount(_ step: Int) -> Int {
        floatEnds[step] - floatStarts[step] + histogramEnds[step] - histogramStarts[step]
    }

    /// The windows of some steps.
    func slice(_ steps: Range<Int>) -> Windows {
        var part = self
        part.firstEndMs = endMs(steps.lowerBound)
        part.floatStarts = Array(floatStarts[steps])
        part.floatEnds = Array(floatEnds[steps])
        part.histogramStarts = Array(histogramStarts[steps])
        part.histogramEnds = Array(histogramEnds[steps])
        return part
    }
}
