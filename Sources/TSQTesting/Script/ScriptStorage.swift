import TSQBase
import TSQModel

/// The series that a script has loaded.
struct ScriptStorage {
    private enum Value {
        case float(Double)
        case histogram(Histogram)
    }

    private struct Sample {
        var value: Value
        var startTimeMs: TimestampMs
    }

    private var samples: [LabelSet: [TimestampMs: Sample]] = [:]

    mutating func clear() { samples = [:] }

    mutating func load(_ load: ScriptLoad) throws(ScriptSyntaxError) {
        var classic = ClassicHistogramCollector()
        for series in load.series {
            for (index, value) in series.values.enumerated() {
                let timeMs = Int64(index) * load.stepMs
                let relativeMs = series.startTimes.isEmpty ? nil : series.startTimes[index]
                let stored: Value
                switch value {
                case .omitted: continue
                case .float(let number):
                    stored = .float(number)
                    if load.convertsClassicHistograms {
                        classic.add(series.labels, number, timeMs: timeMs)
                    }
                case .histogram(let histogram, _): stored = .histogram(histogram)
                }
                samples[series.labels, default: [:]][timeMs] = Sample(
                    value: stored, startTimeMs: relativeMs.map { timeMs + $0 } ?? 0)
            }
        }
        for (labels, timeMs, histogram) in try classic.converted() {
            samples[labels, default: [:]][timeMs] = Sample(
                value: .histogram(histogram), startTimeMs: 0)
        }
    }

    var source: MemorySource {
        MemorySource(
            samples.map { labels, points in
                MemorySource.Series(labels: labels, columns: columns(points))
            })
    }

    private func columns(_ points: [TimestampMs: Sample]) -> SampleColumns {
        var columns = SampleColumns()
        var previous: Histogram?
        for (timeMs, sample) in points.sorted(by: { $0.key < $1.key }) {
            switch sample.value {
            case .float(let value):
                columns.appendFloat(value, timeMs: timeMs, startTimeMs: sample.startTimeMs)
                previous = nil
            case .histogram(var histogram):
                let given = histogram
                histogram.hint = StoredHint.hint(of: histogram, after: previous)
                columns.histograms.append(
                    histogram, timeMs: timeMs, startTimeMs: sample.startTimeMs)
                previous = given
            }
        }
        return columns
    }
}

/// The counter reset hint that a histogram has when it is read back from a store.
///
/// - Source: behaviour of Prometheus tsdb/chunkenc: within a chunk no sample follows a reset, a gauge
///   says so, and of the first sample of a chunk nothing is known (prom#15346). A sample that does
///   not follow from the one before begins a chunk.
enum StoredHint {
    static func hint(of current: Histogram, after previous: Histogram?) -> CounterResetHint {
        if current.hint == .gauge { return .gauge }
        guard let previous, current.hint != .reset, previous.hint != .gauge,
            !previous.isStaleMarker, current.schema == previous.schema,
            current.zeroThreshold == previous.zeroThreshold,
            current.customBounds == previous.customBounds
        else { return .unknown }
        let isLower =
            current.count < previous.count || current.zeroCount < previous.zeroCount
            || isAnyLower(
                buckets(current.positiveSpans, current.positiveBuckets),
                buckets(previous.positiveSpans, previous.positiveBuckets))
            || isAnyLower(
                buckets(current.negativeSpans, current.negativeBuckets),
                buckets(previous.negativeSpans, previous.negativeBuckets))
        return isLower ? .unknown : .notReset
    }

    private static func isAnyLower(
        _ current: [Int32: Double], _ previous: [Int32: Double]
    ) -> Bool {
        previous.contains { index, count in current[index, default: 0] < count }
    }

    /// Counts by bucket index, empty buckets left out.
    static func buckets(_ spans: [HistogramSpan], _ counts: [Double]) -> [Int32: Double] {
        var result: [Int32: Double] = [:]
        var index: Int32 = 0
        var position = 0
        for span in spans {
            index += span.offset
            for _ in 0..<span.length {
                if counts[position] != 0 { result[index] = counts[position] }
                position += 1
                index += 1
            }
        }
        return result
    }
}
