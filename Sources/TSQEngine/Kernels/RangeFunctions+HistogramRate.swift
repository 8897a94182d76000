import TSQBase
import TSQModel

// The same family for native histograms.
extension RangeFunctions {
    static func histogramChange(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows, _ kind: ChangeKind,
        _ useStarts: Bool, _ notes: inout WindowNotes, _ row: inout StepRow
    ) {
        let histograms = unpackedHistograms(columns)
        let starts = useStarts ? columns.histograms.startTimes : []
        for step in 0..<windows.count {
            let window = windows.histogramRange(step)
            if window.isEmpty || !windows.floatRange(step).isEmpty { continue }
            let points = HistogramWindow(
                histograms: histograms[window], times: columns.histograms.times[window],
                starts: starts.isEmpty ? [] : starts[window])
            let first = histograms[window.lowerBound]
            var change: Histogram?
            if window.count > 1 {
                guard let raw = rawChange(points, kind, &notes) else { continue }
                change = raw
            }
            let span = SampledSpan(
                firstMs: columns.histograms.times[window.lowerBound],
                lastMs: columns.histograms.times[window.upperBound - 1], count: window.count,
                startMs: kind.isCounter ? points.starts.first ?? 0 : 0,
                windowStartMs: windows.startMs(step), windowEndMs: windows.endMs(step))
            if span.beginsInWindow {
                guard var sum = change else {
                    change = first
                    finish(&row, step, first, span, kind, windows.rangeSeconds, first.count)
                    continue
                }
                guard add(first, to: &sum, &notes) else { continue }
                change = sum
            }
            if let change {
                finish(&row, step, change, span, kind, windows.rangeSeconds, first.count)
            }
        }
    }

    private static func finish(
        _ row: inout StepRow, _ step: Int, _ change: Histogram, _ span: SampledSpan,
        _ kind: ChangeKind, _ rangeSeconds: Double, _ firstCount: Double
    ) {
        var factor = span.factor(
            isCounter: kind.isCounter, first: firstCount, change: change.count)
        if kind.isRate { factor /= rangeSeconds }
        var result = change
        result.multiply(by: factor)
        row.setHistogram(step, result)
    }

    /// Adds with what Prometheus says about it; false where the schemas do not go together.
    static func add(
        _ other: Histogram, to sum: inout Histogram, _ notes: inout WindowNotes
    ) -> Bool {
        do {
            if try sum.add(other).boundsReconciled { notes.insert(.reconciledAddition) }
            return true
        } catch {
            notes.insert(.mixedSchemas)
            return false
        }
    }

    static func subtract(
        _ other: Histogram, from sum: inout Histogram, _ notes: inout WindowNotes
    ) -> Bool {
        do {
            if try sum.subtract(other).boundsReconciled { notes.insert(.reconciledSubtraction) }
            return true
        } catch {
            notes.insert(.mixedSchemas)
            return false
        }
    }

    /// What lies at `fraction` of the line from `before` to `after`, bucket by bucket; a counter that
    /// was reset starts from 0. nil where the schemas do not go together.
    static func interpolate(
        _ before: Histogram, _ after: Histogram, _ fraction: Double, isCounter: Bool,
        _ notes: inout WindowNotes
    ) -> Histogram? {
        var result = after
        if isCounter && after.detectsReset(since: before) {
            result.multiply(by: fraction)
            return result
        }
        guard subtract(before, from: &result, &notes) else { return nil }
        result.multiply(by: fraction)
        return add(before, to: &result, &notes) ? result : nil
    }

    /// Last minus first plus what resets took away, not yet extrapolated; nil where schemas mix.
    ///
    /// - Source: Prometheus promql/functions.go, histogramRate.
    private static func rawChange(
        _ points: HistogramWindow, _ kind: ChangeKind, _ all: inout WindowNotes
    ) -> Histogram? {
        // Of this window alone: some failures are told without what was noted before.
        var notes: WindowNotes = []
        defer { all.formUnion(notes) }
        let histograms = points.histograms
        let (start, end) = (histograms.startIndex, histograms.endIndex)
        var previous = histograms[start]
        let last = histograms[end - 1]
        if kind.isCounter && (previous.hint == .gauge || last.hint == .gauge) {
            notes.insert(.notCounter)
        }
        if kind.isCounter && points.isReset(at: start + 1, since: previous) {
            // Nothing of the first sample matters, its layout neither.
            let second = histograms[start + 1]
            previous = Histogram()
            previous.schema = second.schema
            previous.customBounds = second.customBounds
        }
        let isCustom = previous.usesCustomBounds
        if last.usesCustomBounds != isCustom {
            notes.insert(.mixedSchemas)
            return nil
        }
        var schema = min(last.schema, previous.schema)
        if kind.isCounter {
            for histogram in histograms[(start + 1)..<(end - 1)] {
                if histogram.hint == .gauge { notes.insert(.notCounter) }
                schema = min(schema, histogram.schema)
                if histogram.usesCustomBounds != isCustom {
                    notes = .mixedSchemas
                    return nil
                }
            }
        }
        var result = isCustom ? last : last.reduced(toSchema: schema)
        guard subtract(previous, from: &result, &notes) else {
            notes = .mixedSchemas
            return nil
        }
        if kind.isCounter {
            for index in (start + 1)..<end {
                if points.overlaps(at: index) { notes.insert(.startOverlap) }
                if points.isReset(at: index, since: previous) {
                    guard add(previous, to: &result, &notes) else {
                        notes = .mixedSchemas
                        return nil
                    }
                }
                previous = histograms[index]
            }
        } else if histograms[start].hint != .gauge || last.hint != .gauge {
            notes.insert(.notGauge)
        }
        result.hint = .gauge
        result.compact()
        return result
    }
}

/// The histograms of one window with their times.
struct HistogramWindow {
    /// All three share their indexes; `starts` may be empty.
    let histograms: ArraySlice<Histogram>
    let times: ArraySlice<TimestampMs>
    let starts: ArraySlice<TimestampMs>

    /// Whether the counter was reset before sample `index`, by start times or by its counts.
    func isReset(at index: Int, since previous: Histogram) -> Bool {
        if !starts.isEmpty
            && StartTimes.isReset(
                previousStart: starts[index - 1], previous: times[index - 1],
                start: starts[index], time: times[index])
        {
            return true
        }
        return histograms[index].detectsReset(since: previous)
    }

    func overlaps(at index: Int) -> Bool {
        !starts.isEmpty
            && StartTimes.overlaps(
                previousStart: starts[index - 1], previous: times[index - 1],
                start: starts[index])
    }
}
