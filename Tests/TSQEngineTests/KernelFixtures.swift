import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

/// Columns of floats `gapMs` apart from `firstMs` on.
func floatColumns(
    _ values: [Double], firstMs: TimestampMs = 0, gapMs: Int64 = 1000
) -> SampleColumns {
    var columns = SampleColumns()
    columns.values = values
    columns.times = values.indices.map { firstMs + Int64($0) * gapMs }
    return columns
}

/// Windows over `columns`, as the engine works them out: `(end − range, end]`.
func windows(
    _ columns: SampleColumns, firstEndMs: TimestampMs, stepMs: Int64 = 1000, count: Int,
    rangeMs: Int64, mode: Windows.Extension = .none, lookbackMs: Int64 = 300_000
) -> Windows {
    var windows = Windows()
    windows.firstEndMs = firstEndMs
    windows.stepMs = stepMs
    windows.rangeMs = rangeMs
    windows.mode = mode
    windows.lookbackMs = lookbackMs
    for step in 0..<count {
        let end = firstEndMs + Int64(step) * stepMs
        func bounds(_ times: [TimestampMs]) -> (Int, Int) {
            let start = times.firstIndex { $0 > end - rangeMs } ?? times.count
            return (
                min(start, times.firstIndex { $0 > end } ?? times.count),
                times.firstIndex { $0 > end } ?? times.count
            )
        }
        let (floats, histograms) = (bounds(columns.times), bounds(columns.histograms.times))
        windows.floatStarts.append(floats.0)
        windows.floatEnds.append(floats.1)
        windows.histogramStarts.append(histograms.0)
        windows.histogramEnds.append(histograms.1)
    }
    return windows
}

func kernelContext(
    count: Int = 1, parameters: [[Double]] = [], metricName: String = "m_total"
) -> KernelContext {
    var context = KernelContext(
        steps: StepRange(firstMs: 0, stepMs: 1000, count: count), range: SourceRange(0, 4),
        argumentRanges: [SourceRange(5, 9)], parameters: parameters)
    context.metricName = metricName
    return context
}

/// The values of one function over `columns`, nil where it gives none.
func evaluate(
    _ name: String, _ columns: SampleColumns, _ windows: Windows, _ context: inout KernelContext
) throws -> StepRow {
    var row = StepRow(stepCount: windows.count)
    if let kernel = RangeFunctions.kernel(named: name) {
        try kernel(columns, windows, &context, &row)
    }
    return row
}

extension StepRow {
    var floats: [Double?] {
        (0..<stepCount).map { tags[$0] == Tag.float ? values[$0] : nil }
    }
}

extension KernelContext {
    var texts: [String] { annotations.all.map(\.text).sorted() }
}

func simpleHistogram(_ buckets: [Double], sum: Double = 0, schema: Int32 = 0) -> Histogram {
    var histogram = Histogram()
    histogram.schema = schema
    histogram.count = buckets.reduce(0, +)
    histogram.sum = sum
    histogram.positiveSpans = [HistogramSpan(offset: 0, length: UInt32(buckets.count))]
    histogram.positiveBuckets = buckets
    return histogram
}
