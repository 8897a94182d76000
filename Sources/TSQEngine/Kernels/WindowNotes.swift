import TSQBase
import TSQModel
import TSQPromQL

/// What a kernel noticed in the windows of one series: collected as bits, told once.
struct WindowNotes: OptionSet {
    var rawValue: UInt16

    static let mixed = WindowNotes(rawValue: 1 << 0)
    static let histogramsIgnored = WindowNotes(rawValue: 1 << 1)
    static let notCounter = WindowNotes(rawValue: 1 << 2)
    static let notGauge = WindowNotes(rawValue: 1 << 3)
    static let mixedSchemas = WindowNotes(rawValue: 1 << 4)
    static let reconciledAddition = WindowNotes(rawValue: 1 << 5)
    static let reconciledSubtraction = WindowNotes(rawValue: 1 << 6)
    static let reconciledAggregation = WindowNotes(rawValue: 1 << 7)
    static let resetCollision = WindowNotes(rawValue: 1 << 8)
    static let startOverlap = WindowNotes(rawValue: 1 << 9)

    func tell(_ context: inout KernelContext) {
        tell(
            &context.annotations, metric: context.metricName,
            context.argumentRanges.first ?? context.range)
    }

    func tell(_ annotations: inout Annotations, metric name: String, _ range: SourceRange) {
        guard !isEmpty else { return }
        func warn(_ note: WindowNotes, _ text: @autoclosure () -> String) {
            if contains(note) { annotations.warn(text(), range) }
        }
        func inform(_ note: WindowNotes, _ text: @autoclosure () -> String) {
            if contains(note) { annotations.inform(text(), range) }
        }
        warn(.mixed, PromQLTexts.mixedFloatsHistograms(name))
        warn(.notCounter, PromQLTexts.notCounter(name))
        warn(.notGauge, PromQLTexts.notGauge(name))
        warn(.mixedSchemas, PromQLTexts.mixedSchemas(name))
        warn(.resetCollision, PromQLTexts.resetCollision(.aggregation))
        warn(.startOverlap, PromQLTexts.startTimeOverlap(name))
        inform(.histogramsIgnored, PromQLTexts.histogramsIgnoredInRange(name))
        inform(.reconciledAddition, PromQLTexts.boundsReconciled(.addition))
        inform(.reconciledSubtraction, PromQLTexts.boundsReconciled(.subtraction))
        inform(.reconciledAggregation, PromQLTexts.boundsReconciled(.aggregation))
    }
}

extension Windows {
    @inline(__always)
    func floatRange(_ step: Int) -> Range<Int> { floatStarts[step]..<floatEnds[step] }
    @inline(__always)
    func histogramRange(_ step: Int) -> Range<Int> {
        histogramStarts[step]..<histogramEnds[step]
    }

    /// Whether no window has a histogram.
    var hasOnlyFloats: Bool {
        guard let last = histogramEnds.last else { return true }
        return last == 0 || (histogramStarts.first == last)
    }

    /// Rules out, once, that a loop over these windows leaves the columns.
    func checkBounds(_ columns: borrowing SampleColumns) {
        precondition(
            floatStarts.count == floatEnds.count
                && (histogramStarts.isEmpty || histogramStarts.count == count)
                && histogramStarts.count == histogramEnds.count
                && columns.times.count == columns.values.count,
            "BUG: windows and columns differ in shape")
        let (starts, ends, limit) = (floatStarts.span, floatEnds.span, columns.values.count)
        // Without a branch a window: what is negative sets the sign.
        var signs = 0
        for step in 0..<starts.count {
            let (start, end) = (starts[unchecked: step], ends[unchecked: step])
            signs |= start | (end &- start) | (limit &- end)
        }
        if ends.count > 1 {
            for step in 1..<ends.count {
                signs |= ends[unchecked: step] &- ends[unchecked: step &- 1]
            }
        }
        precondition(signs >= 0, "BUG: a window lies outside its columns")
    }

    /// The range in seconds, as Go's Duration.Seconds gives it.
    var rangeSeconds: Double {
        Double(rangeMs / 1000) + Double((rangeMs % 1000) * 1_000_000) / 1e9
    }
}

/// The histograms of a series as values, unpacked once for all windows.
func unpackedHistograms(_ columns: borrowing SampleColumns) -> [Histogram] {
    (0..<columns.histograms.count).map { columns.histograms.histogram($0) }
}
