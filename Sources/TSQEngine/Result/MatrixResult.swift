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
        return try layOut(found)
    }

    /// `anchored` and `smoothed`: the series gets values at the window's very ends.
    private func extend(
        _ columns: inout SampleColumns, _ windows: borrowing Windows
    ) throws(QueryError) {
        if windows.mode == .none { return }
        if columns.hasHistograms {
            throw .execution("anchored modifier is not supported with histograms")
        }
        let (times, values) = ExtendedWindow.points(
            columns.times, columns.values, fromMs: windows.startMs(0), toMs: windows.endMs(0),
            isSmoothed: windows.mode == .smoothed)
        columns.removeAll()
        columns.times = times
        columns.values = values
    }

    private func layOut(
        _ found: [(series: Int, columns: SampleColumns)]
    ) throws(QueryError) -> ResultSeries {
        var result = ResultSeries(symbols: query.symbols)
        let series = plan.input.series
        let labels: [[LabelPair]] = found.map { entry in
            series.dropsName(entry.series)
                ? query.withoutReserved(series.labels[entry.series])
                : Array(series.labels[entry.series])
        }
        let order = found.indices.sorted { query.isOrderedBefore(labels[$0][...], labels[$1][...]) }
        var last: Int?
        for number in order {
            let columns = found[number].columns
            // Names that went late may make series equal: their samples must not meet.
            if let last, query.options.delayedNameRemoval, labels[last] == labels[number] {
                try merge(columns, into: &result)
                continue
            }
            last = number
            result.times.append(contentsOf: columns.times)
            result.values.append(contentsOf: columns.values)
            result.histogramTimes.append(contentsOf: columns.histograms.times)
            for index in 0..<columns.histograms.count {
                result.histograms.append(columns.histograms.histogram(index))
            }
            result.closeSeries(labels[number])
        }
        return result
    }

    /// Puts the samples among those of the last series of `result`.
    ///
    /// - Source: Prometheus promql/engine.go `mergeSeriesWithSameLabelset`.
    private func merge(
        _ columns: SampleColumns, into result: inout ResultSeries
    ) throws(QueryError) {
        let last = result.count - 1
        let floats = result.points(last)
        var points = zip(result.times[floats], result.values[floats]).map { ($0, $1) }
        points += zip(columns.times, columns.values).map { ($0, $1) }
        points.sort { $0.0 < $1.0 }
        let stored = result.histogramPoints(last)
        var histograms = zip(result.histogramTimes[stored], result.histograms[stored]).map {
            ($0, $1)
        }
        for index in 0..<columns.histograms.count {
            histograms.append(
                (columns.histograms.times[index], columns.histograms.histogram(index)))
        }
        histograms.sort { $0.0 < $1.0 }
        let meet =
            zip(points, points.dropFirst()).contains { $0.0 == $1.0 }
            || zip(histograms, histograms.dropFirst()).contains { $0.0 == $1.0 }
        if meet { throw .sameLabelset }
        result.times.replaceSubrange(floats, with: points.map(\.0))
        result.values.replaceSubrange(floats, with: points.map(\.1))
        result.histogramTimes.replaceSubrange(stored, with: histograms.map(\.0))
        result.histograms.replaceSubrange(stored, with: histograms.map(\.1))
        result.pointEnds[last] = result.times.count
        result.histogramEnds[last] = result.histograms.count
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
        return value + (values[after] - value) * Double(timeMs - times[after - 1])
            / Double(times[after] - times[after - 1])
    }
}
