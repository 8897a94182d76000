import TSQBase
import TSQModel
import TSQPromQL

/// The answer of an instant query whose expression is a range vector: the samples themselves.
struct MatrixResult {
    private let query: QueryContext
    private let plan: Planner.RangePlan

    init(_ query: QueryContext, _ plan: Planner.RangePlan) {
        self.query = query
        self.plan = plan
    }

    func collect() throws(QueryError) -> ResultSeries {
        try plan.input.prepare()
        var windows = plan.windows
        windows.resize(1)
        try plan.input.begin(Tile(0, 1), windows)
        var found: [(series: Int, columns: SampleColumns)] = []
        var columns = SampleColumns()
        while let index = try plan.input.next(into: &columns) {
            try extend(&columns, windows)
            if columns.isEmpty { continue }
            let count = Int64(columns.times.count + columns.histograms.count)
            query.statistics.totalQueryableSamples += count
            query.statistics.samplesRead += count
            try query.budget.hold(samples: count)
            try query.budget.memory.hold(Int64(columns.byteCount), for: "the result")
            found.append((index, columns))
            columns = SampleColumns()
        }
        return layOut(found)
    }

    /// `anchored` and `smoothed`: the series gets values at the window's very ends.
    private func extend(
        _ columns: inout SampleColumns, _ windows: borrowing Windows
    ) throws(QueryError) {
        if windows.mode == .none { return }
        if !columns.histograms.isEmpty {
            throw .execution("anchored modifier is not supported with histograms")
        }
        let (times, values) = ExtendedWindow.points(
            columns.times, columns.values, fromMs: windows.startMs(0), toMs: windows.endMs(0),
            isSmoothed: windows.mode == .smoothed)
        columns.removeAll()
        columns.times = times
        columns.values = values
    }

    private func layOut(_ found: [(series: Int, columns: SampleColumns)]) -> ResultSeries {
        var result = ResultSeries(symbols: query.symbols)
        let series = plan.input.series
        var labels: [[LabelPair]] = found.map { entry in
            series.dropsName(entry.series)
                ? query.withoutReserved(series.labels[entry.series])
                : Array(series.labels[entry.series])
        }
        let order = found.indices.sorted { query.isOrderedBefore(labels[$0][...], labels[$1][...]) }
        for number in order {
            let columns = found[number].columns
            result.times.append(contentsOf: columns.times)
            result.values.append(contentsOf: columns.values)
            result.histogramTimes.append(contentsOf: columns.histograms.times)
            for index in 0..<columns.histograms.count {
                result.histograms.append(columns.histograms.histogram(index))
            }
            result.closeSeries(labels[number])
            labels[number] = []
        }
        return result
    }
}

/// A window of `anchored` or `smoothed` as points: its ends with their values, and what lies between.
///
/// - Source: Prometheus promql/engine.go `extendFloats`: anchored takes the last value before the
///   start (else the first inside) and the last one up to the end; smoothed interpolates.
enum ExtendedWindow {
    static func points(
        _ times: [TimestampMs], _ values: [Double], fromMs: TimestampMs, toMs: TimestampMs,
        isSmoothed: Bool
    ) -> (times: [TimestampMs], values: [Double]) {
        guard let lastMs = times.last, lastMs > fromMs else { return ([], []) }
        let firstInside = times.firstIndex { $0 > fromMs } ?? times.count
        let firstAfter = times.firstIndex { $0 > toMs } ?? times.count
        let left = value(at: fromMs, times, values, isSmoothed) ?? values[firstInside]
        let right = value(at: toMs, times, values, isSmoothed) ?? left
        var resultTimes = [fromMs]
        var resultValues = [left]
        for index in firstInside..<max(firstInside, firstAfter) where times[index] < toMs {
            resultTimes.append(times[index])
            resultValues.append(values[index])
        }
        resultTimes.append(toMs)
        resultValues.append(right)
        return (resultTimes, resultValues)
    }

    private static func value(
        at timeMs: TimestampMs, _ times: [TimestampMs], _ values: [Double], _ isSmoothed: Bool
    ) -> Double? {
        let after = times.firstIndex { $0 > timeMs } ?? times.count
        if after == 0 { return nil }
        let value = values[after - 1]
        if !isSmoothed || after == times.count || times[after - 1] == timeMs { return value }
        let share =
            Double(timeMs - times[after - 1]) / Double(times[after] - times[after - 1])
        return value + (values[after] - value) * share
    }
}
