import TSQBase
import TSQModel

// `anchored` and `smoothed`: instead of extrapolating, the value at the window's ends is that of the
// sample before (anchored) or interpolated between the neighbours (smoothed).
extension RangeFunctions {
    static func extendedChange(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows, _ kind: ChangeKind,
        _ notes: inout WindowNotes, _ row: inout StepRow
    ) {
        let histograms = unpackedHistograms(columns)
        var floats = ExtendedCursor()
        var others = ExtendedCursor()
        for step in 0..<windows.count {
            let floatWindow = floats.window(columns.times.span, windows, step)
            let histogramWindow = others.window(columns.histograms.times.span, windows, step)
            if !floatWindow.isEmpty && !histogramWindow.isEmpty {
                notes.insert(.mixed)
            } else if !floatWindow.isEmpty {
                let points = ExtendedFloats(
                    times: columns.times[floatWindow], values: columns.values[floatWindow])
                if let value = points.change(
                    windows.startMs(step), windows.endMs(step), windows.mode == .smoothed,
                    isCounter: kind.isCounter)
                {
                    row.setFloat(step, kind.isRate ? value / windows.rangeSeconds : value)
                }
            } else if !histogramWindow.isEmpty {
                let points = ExtendedHistograms(
                    times: columns.histograms.times[histogramWindow],
                    histograms: histograms[histogramWindow], kind: kind,
                    startMs: windows.startMs(step), endMs: windows.endMs(step),
                    isSmoothed: windows.mode == .smoothed)
                if var change = points.change(&notes) {
                    if kind.isRate { change.divide(by: windows.rangeSeconds) }
                    change.hint = .gauge
                    change.compact()
                    row.setHistogram(step, change)
                }
            }
        }
    }
}

/// Finds the samples that a window may look at beyond its ends; windows ascend.
struct ExtendedCursor {
    private var low = 0
    private var high = 0

    mutating func window(
        _ times: borrowing Span<TimestampMs>, _ windows: borrowing Windows, _ step: Int
    ) -> Range<Int> {
        let from = windows.startMs(step) &- windows.lookbackMs
        let isSmoothed = windows.mode == .smoothed
        let to = isSmoothed ? windows.endMs(step) &+ windows.lookbackMs : windows.endMs(step)
        while low < times.count && times[low] <= from { low += 1 }
        high = max(high, low)
        while high < times.count && times[high] <= to { high += 1 }
        return low..<high
    }
}

/// The first of `times[range]` for which `isTrue` of its time holds, else the last of the range:
/// sort.Search over all but the last.
private func search(
    _ times: ArraySlice<TimestampMs>, _ isTrue: (TimestampMs) -> Bool
) -> Int {
    var (low, high) = (times.startIndex, times.endIndex - 1)
    while low < high {
        let middle = low + (high - low) / 2
        if isTrue(times[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
}

/// - Source: Prometheus promql/functions.go, extendedRate.
private struct ExtendedFloats {
    let times: ArraySlice<TimestampMs>
    let values: ArraySlice<Double>

    /// The change from `startMs` to `endMs`, nil where there is no sample to tell it.
    func change(
        _ startMs: TimestampMs, _ endMs: TimestampMs, _ isSmoothed: Bool, isCounter: Bool
    ) -> Double? {
        var first = max(times.startIndex, search(times) { $0 > startMs } - 1)
        var last = isSmoothed ? search(times) { $0 >= endMs } : times.endIndex - 1
        if times[last] <= startMs { return nil }
        if isSmoothed && times[first] > endMs { return nil }
        let left =
            isSmoothed && times[first] < startMs
            ? interpolated(first, startMs, isCounter) : values[first]
        let right =
            isSmoothed && last > times.startIndex && times[last] > endMs
            ? interpolated(last - 1, endMs, isCounter) : values[last]
        var result = right - left
        if isCounter {
            if times[first] <= startMs { first += 1 }
            if times[last] >= endMs { last -= 1 }
            result += correction(left, right, first, last)
        }
        return result
    }

    private func interpolated(_ index: Int, _ timeMs: TimestampMs, _ isCounter: Bool) -> Double {
        var before = values[index]
        let after = values[index + 1]
        if isCounter && after < before { before = 0 }
        return before + (after - before) * Double(timeMs &- times[index])
            / Double(times[index + 1] &- times[index])
    }

    private func correction(
        _ left: Double, _ right: Double, _ first: Int, _ last: Int
    ) -> Double {
        var correction = 0.0
        var previous = left
        if first <= last {
            for index in first...last {
                if values[index] < previous { correction += previous }
                previous = values[index]
            }
        }
        if right < previous { correction += previous }
        return correction
    }
}

/// - Source: Prometheus promql/functions.go, extendedHistogramRate.
private struct ExtendedHistograms {
    let times: ArraySlice<TimestampMs>
    let histograms: ArraySlice<Histogram>
    let kind: ChangeKind
    let startMs: TimestampMs
    let endMs: TimestampMs
    let isSmoothed: Bool

    func change(_ notes: inout WindowNotes) -> Histogram? {
        let first = max(times.startIndex, search(times) { $0 > startMs } - 1)
        let last = isSmoothed ? search(times) { $0 >= endMs } : times.endIndex - 1
        if times[last] <= startMs { return nil }
        if isSmoothed && times[first] > endMs { return nil }
        guard isSound(first...last, &notes) else { return nil }
        guard
            let left = isSmoothed && times[first] < startMs
                ? interpolated(first, startMs, &notes) : histograms[first],
            let right = isSmoothed && last > times.startIndex && times[last] > endMs
                ? interpolated(last - 1, endMs, &notes) : histograms[last]
        else { return nil }
        if !kind.isCounter && (left.hint != .gauge || right.hint != .gauge) {
            notes.insert(.notGauge)
        }
        var result = right
        guard RangeFunctions.subtract(left, from: &result, &notes) else { return nil }
        guard kind.isCounter else { return result }
        return addCorrection(to: result, first, last, left, right, &notes)
    }

    private func isSound(_ range: ClosedRange<Int>, _ notes: inout WindowNotes) -> Bool {
        let isCustom = histograms[range.lowerBound].usesCustomBounds
        for index in range {
            if histograms[index].usesCustomBounds != isCustom {
                notes.insert(.mixedSchemas)
                return false
            }
            if kind.isCounter && histograms[index].hint == .gauge { notes.insert(.notCounter) }
        }
        return true
    }

    private func interpolated(
        _ index: Int, _ timeMs: TimestampMs, _ notes: inout WindowNotes
    ) -> Histogram? {
        let (before, after) = (histograms[index], histograms[index + 1])
        if timeMs == times[index] { return before }
        if timeMs == times[index + 1] { return after }
        let fraction =
            Double(timeMs &- times[index]) / Double(times[index + 1] &- times[index])
        return RangeFunctions.interpolate(
            before, after, fraction, isCounter: kind.isCounter, &notes)
    }

    private func addCorrection(
        to change: Histogram, _ firstIndex: Int, _ lastIndex: Int, _ left: Histogram,
        _ right: Histogram, _ notes: inout WindowNotes
    ) -> Histogram? {
        var first = firstIndex + 1
        var previous = left
        if isSmoothed && times[firstIndex] < startMs
            && histograms[firstIndex + 1].detectsReset(since: histograms[firstIndex])
        {
            // The interpolation on the left spans this reset: it is accounted for.
            previous = histograms[firstIndex + 1]
            first += 1
        }
        // The last sample is what `right` is or comes from: comparing it with itself would count
        // its hint twice.
        if first > lastIndex { return change }
        var correction: Histogram?
        func take(_ histogram: Histogram, _ notes: inout WindowNotes) -> Bool {
            guard var sum = correction else {
                correction = histogram
                return true
            }
            defer { correction = sum }
            return RangeFunctions.add(histogram, to: &sum, &notes)
        }
        for index in first..<lastIndex {
            if histograms[index].detectsReset(since: previous), !take(previous, &notes) {
                return nil
            }
            previous = histograms[index]
        }
        if right.detectsReset(since: previous), !take(previous, &notes) { return nil }
        var result = change
        if let correction, !RangeFunctions.add(correction, to: &result, &notes) { return nil }
        return result
    }
}
