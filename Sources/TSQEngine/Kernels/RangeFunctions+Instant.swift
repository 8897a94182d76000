import TSQBase
import TSQModel

// irate and idelta: the change between a window's last two samples.
extension RangeFunctions {
    static func irate(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        instantChange(columns, windows, &context, &row, isRate: true)
    }

    static func idelta(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        instantChange(columns, windows, &context, &row, isRate: false)
    }

    private static func instantChange(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow, isRate: Bool
    ) {
        windows.checkBounds(columns)
        var notes: WindowNotes = []
        for step in 0..<windows.count {
            let (floats, histograms) = (windows.floatRange(step), windows.histogramRange(step))
            if floats.count + histograms.count < 2 { continue }
            if histograms.isEmpty {
                floatStep(
                    columns, floats.upperBound - 1, isRate, context.useStartTimestamps, step,
                    &row)
            } else {
                let points = lastTwo(columns, floats, histograms)
                if points.last.isHistogram != points.previous.isHistogram {
                    if points.last.timeMs != points.previous.timeMs { notes.insert(.mixed) }
                } else if points.last.isHistogram {
                    histogramStep(
                        columns, points.last.index, isRate, context.useStartTimestamps, step,
                        &notes, &row)
                } else {
                    floatStep(
                        columns, points.last.index, isRate, context.useStartTimestamps, step,
                        &row)
                }
            }
        }
        notes.tell(&context)
    }

    private struct Point {
        var timeMs: TimestampMs
        var index: Int
        var isHistogram: Bool
    }

    /// The two newest samples of either kind.
    private static func lastTwo(
        _ columns: borrowing SampleColumns, _ floats: Range<Int>, _ histograms: Range<Int>
    ) -> (previous: Point, last: Point) {
        var points: [Point] = []
        for index in floats.suffix(2) {
            points.append(Point(timeMs: columns.times[index], index: index, isHistogram: false))
        }
        for index in histograms.suffix(2) {
            let timeMs = columns.histograms.times[index]
            points.append(Point(timeMs: timeMs, index: index, isHistogram: true))
        }
        points.sort { $0.timeMs < $1.timeMs }
        return (points[points.count - 2], points[points.count - 1])
    }

    private static func floatStep(
        _ columns: borrowing SampleColumns, _ last: Int, _ isRate: Bool, _ useStarts: Bool,
        _ step: Int, _ row: inout StepRow
    ) {
        let interval = columns.times[last] &- columns.times[last - 1]
        if interval == 0 { return }
        let (before, after) = (columns.values[last - 1], columns.values[last])
        let isReset =
            useStarts && !columns.startTimes.isEmpty
            && StartTimes.isReset(
                previousStart: columns.startTimes[last - 1], previous: columns.times[last - 1],
                start: columns.startTimes[last], time: columns.times[last])
        let change = isRate && (after < before || isReset) ? after : after - before
        row.setFloat(step, isRate ? change / (Double(interval) / 1000) : change)
    }

    private static func histogramStep(
        _ columns: borrowing SampleColumns, _ last: Int, _ isRate: Bool, _ useStarts: Bool,
        _ step: Int, _ notes: inout WindowNotes, _ row: inout StepRow
    ) {
        let times = columns.histograms.times
        let starts = columns.histograms.startTimes
        let interval = times[last] &- times[last - 1]
        if interval == 0 { return }
        let before = columns.histograms.histogram(last - 1)
        var result = columns.histograms.histogram(last)
        if isRate && (before.hint == .gauge || result.hint == .gauge) {
            notes.insert(.notCounter)
        }
        if !isRate && (before.hint != .gauge || result.hint != .gauge) {
            notes.insert(.notGauge)
        }
        let isReset =
            isRate
            && (useStarts && !starts.isEmpty
                && StartTimes.isReset(
                    previousStart: starts[last - 1], previous: times[last - 1],
                    start: starts[last], time: times[last])
                || result.detectsReset(since: before))
        if !isReset {
            guard subtract(before, from: &result, &notes) else { return }
        }
        result.hint = .gauge
        result.compact()
        if isRate { result.divide(by: Double(interval) / 1000) }
        row.setHistogram(step, result)
    }
}
