import TSQBase
import TSQModel

/// What a step of the torture writes: rows of series that come and go, late samples, histograms.
/// All of it follows from the step's number, so that nobody has to note what was written.
enum TortureLoad {
    static let seriesCount = 50
    static let startMs: TimestampMs = 1_600_000_000_000

    private static func hasSample(_ series: Int, _ step: Int64) -> Bool {
        series % 10 != 9 || step / 7 % 2 != 0
    }

    private static func labels(_ name: String, _ series: Int, _ step: Int64) -> LabelSet {
        LabelSet([
            Label(LabelName.metricName, name), Label("i", "\(series)"),
            Label("era", "\(step / 500)"),
        ])
    }

    private static func value(_ series: Int, _ step: Int64) -> Double {
        Double(step * 1000 + Int64(series)) + Double(series % 4) / 4
    }

    /// Samples of a step that are written one by one: every one older than the one before.
    private static func late(_ step: Int64) -> [(series: Int, timeMs: TimestampMs)] {
        step % 3 == 0 ? (0..<4).map { ($0, startMs - step * 1000 - Int64($0)) } : []
    }

    private static func histogram(_ step: Int64) -> Histogram? {
        if step % 5 != 0 { return nil }
        var result = Histogram()
        result.schema = 3
        result.count = Double(step)
        result.sum = Double(step) / 8
        result.positiveSpans = [HistogramSpan(offset: 0, length: 2)]
        result.positiveBuckets = [Double(step % 97), Double(step % 89)]
        return result
    }

    /// The batches of a step, to be committed in this order.
    static func batches(
        _ step: Int64, _ group: WriteGroup, _ resolve: (LabelSet) throws -> SeriesRef
    ) rethrows -> [WriteBatch] {
        let time = startMs + step * 1000
        var row = WriteBatch(origin: .scrape, group: group)
        row.rowTimeMs = time
        for series in 0..<seriesCount where hasSample(series, step) {
            row.rowRefs.append(try resolve(labels("m", series, step)))
            row.rowValues.append(value(series, step))
        }
        if let histogram = histogram(step) {
            row.histogramRefs = [try resolve(labels("h", 0, step))]
            row.histograms.append(histogram, timeMs: time, startTimeMs: startMs)
        }
        var loose = WriteBatch(origin: .backfill(overwrite: false))
        for sample in late(step) {
            loose.refs.append(try resolve(labels("late", sample.series, step)))
            loose.times.append(sample.timeMs)
            loose.values.append(value(sample.series, step))
        }
        return loose.refs.isEmpty ? [row] : [row, loose]
    }

    /// How many samples the steps before `end` have, and how many of them are not in `found`.
    static func count(
        _ found: [LabelSet: SampleColumns], upTo end: Int64
    ) -> (expected: Int, missing: Int) {
        var floats: [LabelSet: [TimestampMs: UInt64]] = [:]
        for (labels, columns) in found {
            floats[labels] = Dictionary(
                zip(columns.times, columns.values.map(\.bitPattern)),
                uniquingKeysWith: { first, _ in first })
        }
        var (expected, missing) = (0, 0)
        func check(_ labels: LabelSet, _ timeMs: TimestampMs, _ value: Double) {
            expected += 1
            if floats[labels]?[timeMs] != value.bitPattern { missing += 1 }
        }
        for step in 0..<end {
            let time = startMs + step * 1000
            for series in 0..<seriesCount where hasSample(series, step) {
                check(labels("m", series, step), time, value(series, step))
            }
            for sample in late(step) {
                check(
                    labels("late", sample.series, step), sample.timeMs, value(sample.series, step))
            }
        }
        let histograms = countHistograms(found, upTo: end)
        return (expected + histograms.expected, missing + histograms.missing)
    }

    private static func countHistograms(
        _ found: [LabelSet: SampleColumns], upTo end: Int64
    ) -> (expected: Int, missing: Int) {
        var (expected, right) = (0, 0)
        for step in 0..<end where histogram(step) != nil { expected += 1 }
        for columns in found.values {
            for index in 0..<columns.histograms.count {
                let step = (columns.histograms.times[index] - startMs) / 1000
                if step < end, columns.histograms.histogram(index) == histogram(step) { right += 1 }
            }
        }
        return (expected, expected - right)
    }
}
