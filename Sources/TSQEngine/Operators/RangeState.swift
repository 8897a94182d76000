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
    /// Those of a series alone; the geometry of all.
    private(set) var windows: Windows
    var context: KernelContext
    private var places = TimesPlaces()
    /// The windows of series that share their times.
    private var shared: [SharedWindows] = []
    private var isFirstTile = true
    private var slice = StepRow(stepCount: 0)

    /// The windows of floats, and how many there are in those of all steps. While they are applied
    /// their bounds are swapped with those of `windows`: so a series counts no reference.
    private struct SharedWindows {
        var starts: [Int] = []
        var ends: [Int] = []
        var floatSamples: Int64 = 0
        /// Of them those that the step before did not have.
        var newFloats: Int64 = 0
    }

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
        places.begin(stepCount: tile.count)
    }

    /// Forgets what was worked out, for another thread: counting references to the same arrays, both
    /// would fight over them.
    mutating func forgetShared() {
        columns = SampleColumns()
        places.begin(stepCount: windows.count)
        shared = []
        context.spans = WindowSpansCache()
    }

    /// Fills `row` with the values of `kernel` over the windows of `columns`, and counts the samples in
    /// them.
    mutating func apply(
        _ kernel: RangeKernel, _ query: QueryContext, countsSamples: Bool, _ row: inout StepRow
    ) throws(QueryError) {
        row.reset(stepCount: windows.count)
        if columns.hasHistograms {
            return try applyAlone(kernel, query, countsSamples: countsSamples, &row)
        }
        // Those of the series before.
        if windows.hasHistograms { windows.clear() }
        let (place, isKnown) = places.find(columns.timesID)
        // A place is at most one behind all those given out before, and 0 is nobody's.
        while shared.count <= place { shared.append(SharedWindows()) }
        let stepCount = windows.count
        swapBounds(place)
        defer { swapBounds(place) }
        if !isKnown {
            windows.bound(floats: columns.times, count: stepCount)
            shared[place].floatSamples = windows.floatSampleCount
            shared[place].newFloats = windows.newFloatCount(
                columns.times, isFirstTile: isFirstTile)
        }
        if Int64(columns.times.count) * Int64(stepCount) <= Self.sliceSamplesMax {
            try kernel(columns, windows, &context, &row)
        } else {
            // Beside what the call changes of this state.
            let all = windows
            try applyInSlices(kernel, query, all, &row)
        }
        if countsSamples {
            query.statistics.totalQueryableSamples += shared[place].floatSamples
        }
        query.statistics.samplesRead += shared[place].newFloats
    }

    private mutating func swapBounds(_ place: Int) {
        swap(&windows.floatStarts, &shared[place].starts)
        swap(&windows.floatEnds, &shared[place].ends)
    }

    /// With histograms among the samples.
    private mutating func applyAlone(
        _ kernel: RangeKernel, _ query: QueryContext, countsSamples: Bool, _ row: inout StepRow
    ) throws(QueryError) {
        windows.bound(floats: columns.times)
        windows.bound(histograms: columns.histograms.times)
        let most = Int64(columns.times.count + columns.histograms.count) * Int64(windows.count)
        if most <= Self.sliceSamplesMax {
            try kernel(columns, windows, &context, &row)
        } else {
            try applyInSlices(kernel, query, windows, &row)
        }
        count(&query.statistics, countsSamples: countsSamples)
    }

    /// Some windows at a time, so that a query that is no longer wanted ends between them.
    private mutating func applyInSlices(
        _ kernel: RangeKernel, _ query: QueryContext, _ windows: Windows, _ row: inout StepRow
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
        if countsSamples { statistics.totalQueryableSamples += windows.floatSampleCount }
        statistics.samplesRead += windows.newFloatCount(columns.times, isFirstTile: isFirstTile)
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
    /// Whether they are laid over histograms.
    var hasHistograms: Bool { histogramEnds.last ?? 0 > 0 }

    /// Lays them over no samples.
    mutating func clear() {
        let count = count
        resize(0)
        resize(count)
    }

    mutating func resize(_ count: Int) {
        if floatStarts.count == count { return }
        floatStarts = [Int](repeating: 0, count: count)
        floatEnds = floatStarts
        histogramStarts = floatStarts
        histogramEnds = floatStarts
    }

    /// As `bound(floats:)`, with room for the bounds of `count` windows.
    mutating func bound(floats times: [TimestampMs], count: Int) {
        if floatStarts.count != count {
            floatStarts = [Int](filledWith: 0, count: count)
            floatEnds = [Int](filledWith: 0, count: count)
        }
        bound(floats: times)
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
        let times = times.span
        let count = times.count
        var starts = starts.mutableSpan
        var ends = ends.mutableSpan
        precondition(starts.count == ends.count, "BUG: windows of uneven bounds")
        var start = 0
        var end = 0
        for step in 0..<starts.count {
            let endMs = firstEndMs &+ Int64(step) &* stepMs
            // A window's start may lie before the beginning of time.
            let startMs = endMs.subtractingClamped(rangeMs)
            while end < count && times[unchecked: end] <= endMs { end &+= 1 }
            while start < end && times[unchecked: start] <= startMs { start &+= 1 }
            starts[unchecked: step] = start
            ends[unchecked: step] = end
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
