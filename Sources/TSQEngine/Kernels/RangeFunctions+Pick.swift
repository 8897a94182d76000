import TSQBase
import TSQModel

// Functions that pick a sample or count them: nothing is added up.
extension RangeFunctions {
    static func countOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        for step in 0..<windows.count {
            let count = windows.floatRange(step).count + windows.histogramRange(step).count
            if count > 0 { row.setFloat(step, Double(count)) }
        }
    }

    static func presentOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        for step in 0..<windows.count
        where !windows.floatRange(step).isEmpty || !windows.histogramRange(step).isEmpty {
            row.setFloat(step, 1)
        }
    }

    static func firstOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        for step in 0..<windows.count {
            let (floats, histograms) = (windows.floatRange(step), windows.histogramRange(step))
            if let first = floats.first,
                histograms.isEmpty
                    || columns.times[first] < columns.histograms.times[histograms.lowerBound]
            {
                row.setFloat(step, columns.values[first])
            } else if let first = histograms.first {
                row.setHistogram(step, columns.histograms.histogram(first))
            }
        }
    }

    static func lastOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        for step in 0..<windows.count {
            let (floats, histograms) = (windows.floatRange(step), windows.histogramRange(step))
            if let last = floats.last,
                histograms.isEmpty
                    || columns.histograms.times[histograms.upperBound - 1] < columns.times[last]
            {
                row.setFloat(step, columns.values[last])
            } else if let last = histograms.last {
                row.setHistogram(step, columns.histograms.histogram(last))
            }
        }
    }

    static func tsOfFirstOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        for step in 0..<windows.count {
            var first = TimestampMs.max
            if let index = windows.floatRange(step).first { first = columns.times[index] }
            if let index = windows.histogramRange(step).first {
                first = min(first, columns.histograms.times[index])
            }
            if first != .max { row.setFloat(step, Double(first) / 1000) }
        }
    }

    static func tsOfLastOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        for step in 0..<windows.count {
            var last = TimestampMs.min
            if let index = windows.floatRange(step).last { last = columns.times[index] }
            if let index = windows.histogramRange(step).last {
                last = max(last, columns.histograms.times[index])
            }
            // The other kind's time counts as 0 where there is none.
            let isMixed =
                !windows.floatRange(step).isEmpty
                && !windows.histogramRange(step).isEmpty
            if last != .min { row.setFloat(step, Double(isMixed ? last : max(last, 0)) / 1000) }
        }
    }
}
