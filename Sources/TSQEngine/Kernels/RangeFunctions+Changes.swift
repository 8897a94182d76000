import TSQBase
import TSQModel

// resets and changes: how often neighbouring samples differ.
extension RangeFunctions {
    static func resets(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        var events = CounterEvents()
        if context.useStartTimestamps && !columns.startTimes.isEmpty {
            events.findResets(columns.values.span, columns.times.span, columns.startTimes.span)
        } else {
            events.findResets(columns.values.span)
        }
        count(columns, windows, &row, &events) { previous, histograms, index in
            HistogramWindow(
                histograms: histograms[...], times: columns.histograms.times[...],
                starts: context.useStartTimestamps ? columns.histograms.startTimes[...] : []
            )
            .isReset(at: index, since: previous)
        }
    }

    static func changes(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        var events = CounterEvents()
        events.findChanges(columns.values.span)
        count(columns, windows, &row, &events) { previous, histograms, index in
            !histograms[index].hasSameData(as: previous)
        }
    }

    /// - Parameter events: where a float differs from the float before it.
    /// - Parameter differs: whether histogram `index` differs from the one before it.
    private static func count(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows, _ row: inout StepRow,
        _ events: inout CounterEvents, _ differs: (Histogram, [Histogram], Int) -> Bool
    ) {
        windows.checkBounds(columns)
        let histograms = unpackedHistograms(columns)
        // Whether histogram i differs from histogram i − 1, worked out once.
        var histogramDiffers = [Bool](repeating: false, count: histograms.count)
        for index in histograms.indices.dropFirst() {
            histogramDiffers[index] = differs(histograms[index - 1], histograms, index)
        }
        let isAnchored = windows.mode == .anchored
        var (floatCursor, histogramCursor) = (ExtendedCursor(), ExtendedCursor())
        for step in 0..<windows.count {
            var floats = windows.floatRange(step)
            var others = windows.histogramRange(step)
            if isAnchored {
                let anchored = anchor(
                    columns, floatCursor.window(columns.times.span, windows, step),
                    histogramCursor.window(columns.histograms.times.span, windows, step),
                    windows.startMs(step))
                guard let anchored else { continue }
                (floats, others) = anchored
            }
            if floats.isEmpty && others.isEmpty { continue }
            if others.isEmpty {
                row.setFloat(step, Double(events.within(floats).count))
            } else {
                row.setFloat(
                    step,
                    Double(mixedCount(columns, floats, others, &events, histogramDiffers)))
            }
        }
    }

    /// A window that begins with the newest sample at or before its start, of either kind; nil where
    /// no sample lies after the start.
    ///
    /// - Source: Prometheus promql/functions.go, pickFirstSampleIndices.
    private static func anchor(
        _ columns: borrowing SampleColumns, _ floats: Range<Int>, _ histograms: Range<Int>,
        _ startMs: TimestampMs
    ) -> (floats: Range<Int>, histograms: Range<Int>)? {
        let firstFloat = floats.first { columns.times[$0] > startMs } ?? floats.upperBound
        let firstHistogram =
            histograms.first { columns.histograms.times[$0] > startMs } ?? histograms.upperBound
        if firstFloat == floats.upperBound && firstHistogram == histograms.upperBound {
            return nil
        }
        let hasFloat = firstFloat > floats.lowerBound
        let hasHistogram = firstHistogram > histograms.lowerBound
        let floatWins =
            hasFloat
            && (!hasHistogram
                || columns.times[firstFloat - 1] >= columns.histograms.times[firstHistogram - 1])
        let histogramWins = hasHistogram && !floatWins
        return (
            (floatWins ? firstFloat - 1 : firstFloat)..<floats.upperBound,
            (histogramWins ? firstHistogram - 1 : firstHistogram)..<histograms.upperBound
        )
    }

    /// A change of kind is a difference too.
    private static func mixedCount(
        _ columns: borrowing SampleColumns, _ floats: Range<Int>, _ histograms: Range<Int>,
        _ events: inout CounterEvents, _ histogramDiffers: [Bool]
    ) -> Int {
        let floatEvents = events.within(floats)
        var nextEvent = floatEvents.lowerBound
        var (float, histogram) = (floats.lowerBound, histograms.lowerBound)
        var previousIsHistogram: Bool?
        var total = 0
        while float < floats.upperBound || histogram < histograms.upperBound {
            let takesFloat =
                histogram >= histograms.upperBound
                || (float < floats.upperBound
                    && columns.times[float] < columns.histograms.times[histogram])
            if takesFloat {
                var differs = false
                while nextEvent < floatEvents.upperBound
                    && events.positions[nextEvent] <= float
                {
                    differs = events.positions[nextEvent] == float
                    nextEvent += 1
                }
                if let previousIsHistogram, previousIsHistogram || differs { total += 1 }
                float += 1
            } else {
                if let previousIsHistogram, !previousIsHistogram || histogramDiffers[histogram] {
                    total += 1
                }
                histogram += 1
            }
            previousIsHistogram = !takesFloat
        }
        return total
    }
}

extension CounterEvents {
    /// Values that differ from the one before; NaN equals NaN.
    mutating func findChanges(_ values: borrowing Span<Double>) {
        guard values.count > 1 else { return }
        for index in 1..<values.count {
            let (before, after) = (values[unchecked: index - 1], values[unchecked: index])
            if after != before && !(after.isNaN && before.isNaN) { append(index) }
        }
    }
}
