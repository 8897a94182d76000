import TSQBase
import TSQModel

// Sums and means, of floats and of histograms.
extension RangeFunctions {
    static func sumOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        windows.checkBounds(columns)
        let values = columns.values.span
        CompensatedSums.all(values, windows, skipsFirst: false) { step, window, sum in
            row.setFloat(
                step,
                sum.sum.isFinite && sum.compensation.isFinite
                    ? sum.sum + sum.compensation : carefulSum(values, window))
        }
        overlayHistograms(columns, windows, &context, &row, histogramSum)
    }

    static func avgOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        windows.checkBounds(columns)
        let values = columns.values.span
        CompensatedSums.all(values, windows, skipsFirst: true) { step, window, sum in
            let count = Double(window.count)
            row.setFloat(
                step,
                sum.sum.isFinite && sum.compensation.isFinite
                    ? sum.sum / count + sum.compensation / count : carefulMean(values, window))
        }
        overlayHistograms(columns, windows, &context, &row, histogramMean)
    }

    private static func carefulSum(
        _ values: borrowing Span<Double>, _ window: Range<Int>
    ) -> Double {
        var sum = KahanSum()
        for index in window { sum.add(values[index]) }
        return sum.sum.isInfinite ? sum.sum : sum.sum + sum.compensation
    }

    /// The mean; from where the sum would overflow, an incremental one.
    private static func carefulMean(
        _ values: borrowing Span<Double>, _ window: Range<Int>
    ) -> Double {
        var mean = MeanAccumulator()
        for index in window { mean.add(values[index]) }
        return mean.value
    }

    /// Where windows hold histograms: theirs alone give a histogram, a mix with floats gives nothing
    /// and a warning.
    private static func overlayHistograms(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow,
        _ combine: (ArraySlice<Histogram>, inout WindowNotes) -> Histogram?
    ) {
        if windows.hasOnlyFloats { return }
        let histograms = unpackedHistograms(columns)
        var notes: WindowNotes = []
        for step in 0..<windows.count {
            let range = windows.histogramRange(step)
            if range.isEmpty { continue }
            if !windows.floatRange(step).isEmpty {
                notes.insert(.mixed)
                row.setAbsent(step)
            } else if let result = combine(histograms[range], &notes) {
                row.setHistogram(step, result)
            }
        }
        notes.tell(&context)
    }

    private static func histogramSum(
        _ histograms: ArraySlice<Histogram>, _ notes: inout WindowNotes
    ) -> Histogram? {
        var hints = HintTracker()
        var sum = HistogramSum(histograms[histograms.startIndex])
        hints.note(sum.histogram.hint)
        for histogram in histograms.dropFirst() {
            hints.note(histogram.hint)
            do {
                let report = try sum.add(histogram)
                if report.boundsReconciled { notes.insert(.reconciledAggregation) }
            } catch {
                notes.insert(.mixedSchemas)
                if hints.collide { notes.insert(.resetCollision) }
                return nil
            }
        }
        if hints.collide { notes.insert(.resetCollision) }
        return sum.total
    }

    private static func histogramMean(
        _ histograms: ArraySlice<Histogram>, _ notes: inout WindowNotes
    ) -> Histogram? {
        var hints = HintTracker()
        var mean = HistogramMean(histograms[histograms.startIndex])
        hints.note(histograms[histograms.startIndex].hint)
        for histogram in histograms.dropFirst() {
            hints.note(histogram.hint)
            do {
                let report = try mean.add(histogram)
                if report.boundsReconciled { notes.insert(.reconciledAggregation) }
            } catch {
                notes.insert(.mixedSchemas)
                if hints.collide { notes.insert(.resetCollision) }
                return nil
            }
        }
        if hints.collide { notes.insert(.resetCollision) }
        return mean.value
    }
}

/// Whether hints contradict each other: one reset, one not.
struct HintTracker {
    private var seenReset = false
    private var seenNotReset = false

    mutating func note(_ hint: CounterResetHint) {
        if hint == .reset { seenReset = true }
        if hint == .notReset { seenNotReset = true }
    }

    var collide: Bool { seenReset && seenNotReset }
}
