import TSQBase
import TSQModel

/// Collects the rows of the outermost operator, tile after tile, and lays them out as the answer.
struct ResultBuilder {
    /// Points of one series in one tile: ranges of the flat arrays.
    private struct Segment {
        var series: Int
        var points: Range<Int>
        var histograms: Range<Int>
    }

    /// Points that room is made for in advance.
    private static let pointsReserved = 1 << 20

    private let query: QueryContext
    private var segments: [Segment] = []
    private var times: [TimestampMs] = []
    private var values: [Double] = []
    private var histogramTimes: [TimestampMs] = []
    private var histograms: [Histogram] = []
    private var histogramBytes: Int64 = 0
    private var chargedBytes: Int64 = 0
    /// The times of the tile's steps.
    private var stepTimes: [TimestampMs] = []

    init(_ query: QueryContext) { self.query = query }

    /// Takes all rows of `operation`.
    mutating func collect(_ operation: Operator) throws(QueryError) {
        var row = StepRow(stepCount: 0)
        for tile in TilePlan(operation).tiles {
            if segments.isEmpty {
                // Untouched room costs nothing; growing copies all that is there.
                let count = min(operation.series.count * tile.count, Self.pointsReserved)
                times.reserveCapacity(count)
                values.reserveCapacity(count)
            }
            try query.budget.check()
            try operation.begin(tile)
            while let series = try operation.next(into: &row) {
                append(row, series, operation.stepRange(tile))
                try charge()
            }
        }
    }

    private mutating func append(_ row: borrowing StepRow, _ series: Int, _ steps: StepRange) {
        let firstPoint = values.count
        let firstHistogram = histograms.count
        if row.isFull {
            if stepTimes.first != steps.firstMs || stepTimes.count != steps.count {
                stepTimes = (0..<steps.count).map { steps.timeMs($0) }
            }
            times.append(contentsOf: stepTimes)
            values.append(contentsOf: row.values)
        } else if row.histograms.isEmpty {
            for step in 0..<steps.count where row.tags[step] != StepRow.Tag.absent {
                times.append(steps.timeMs(step))
                values.append(row.values[step])
            }
        } else {
            for step in 0..<steps.count {
                if row.tags[step] == StepRow.Tag.float {
                    times.append(steps.timeMs(step))
                    values.append(row.values[step])
                } else if row.tags[step] == StepRow.Tag.histogram,
                    let histogram = row.histograms[step]
                {
                    histogramTimes.append(steps.timeMs(step))
                    histograms.append(histogram)
                    histogramBytes += Int64(histogram.byteCount + 8)
                }
            }
        }
        if values.count == firstPoint && histograms.count == firstHistogram { return }
        segments.append(
            Segment(
                series: series, points: firstPoint..<values.count,
                histograms: firstHistogram..<histograms.count))
    }

    private mutating func charge() throws(QueryError) {
        let bytes = Int64((times.capacity + values.capacity) * 8) + histogramBytes
        if bytes - chargedBytes < 1 << 20 { return }
        try query.budget.memory.hold(bytes - chargedBytes, for: "the result")
        chargedBytes = bytes
    }

    /// An instant vector: rows in the order in which they came.
    consuming func vector(_ series: OutputSeries) -> ResultSeries { asCollected(series) }

    /// The flat arrays as they are: each segment is a series.
    private consuming func asCollected(_ series: OutputSeries) -> ResultSeries {
        var result = ResultSeries(symbols: query.symbols)
        result.labels.reserve(series: segments.count, pairs: segments.count * 4)
        for segment in segments {
            result.labels.append(series.labels[segment.series])
            result.pointEnds.append(segment.points.upperBound)
            result.histogramEnds.append(segment.histograms.upperBound)
        }
        result.times = times
        result.values = values
        result.histogramTimes = histogramTimes
        result.histograms = histograms
        return result
    }

    /// A matrix: series sorted by labels, the tiles of each put together.
    consuming func matrix(_ series: OutputSeries) throws(QueryError) -> ResultSeries {
        if isInOrder(series) { return asCollected(series) }
        // The points are copied: for a moment they are there twice.
        try query.budget.memory.hold(Int64(values.count * 16), for: "the result")
        var result = ResultSeries(symbols: query.symbols)
        var segmentsOf = [[Int32]](repeating: [], count: series.count)
        for (number, segment) in segments.enumerated() {
            segmentsOf[segment.series].append(Int32(number))
        }
        var order = (0..<series.count).filter { !segmentsOf[$0].isEmpty }
        let query = query
        let isSorted = zip(order, order.dropFirst()).allSatisfy {
            !query.isOrderedBefore(series.labels[$1], series.labels[$0])
        }
        if !isSorted {
            let watch = SortWatch(query.budget)
            order.sort {
                watch.isOver() ? false : query.isOrderedBefore(series.labels[$0], series.labels[$1])
            }
            try query.budget.check()
        }
        result.times.reserveCapacity(times.count)
        result.values.reserveCapacity(values.count)
        for number in order {
            for segment in segmentsOf[number] { append(segments[Int(segment)], to: &result) }
            result.closeSeries(series.labels[number])
        }
        return result
    }

    /// One segment a series, and they came sorted: nothing is to be moved.
    private func isInOrder(_ series: OutputSeries) -> Bool {
        for index in segments.indices.dropFirst() {
            let before = series.labels[segments[index - 1].series]
            if !query.isOrderedBefore(before, series.labels[segments[index].series]) {
                return false
            }
        }
        return true
    }

    private func append(_ segment: Segment, to result: inout ResultSeries) {
        result.times.append(contentsOf: times[segment.points])
        result.values.append(contentsOf: values[segment.points])
        result.histogramTimes.append(contentsOf: histogramTimes[segment.histograms])
        result.histograms.append(contentsOf: histograms[segment.histograms])
    }

    /// The first float: a scalar's value.
    var firstValue: Double { values.first ?? .nan }
}
