import TSQBase
import TSQModel

/// Series whose values are worked out when they are read: what is measured is the engine, not a
/// store. 5,000 series of one-second samples, and 600 classic histograms of 12 buckets.
struct BenchSource: SeriesSource {
    static let sampleStepMs: Int64 = 1000
    let seriesCount: Int
    let histogramCount: Int

    func select(
        _ request: SelectRequest, symbols: SymbolTable
    ) throws(SourceError) -> any SeriesSelection {
        let name = request.matchers.first { $0.name == LabelName.metricName }?.value ?? ""
        var labels = SeriesLabels()
        func pair(_ name: String, _ value: String) -> LabelPair {
            LabelPair(name: symbols.intern(name), value: symbols.intern(value))
        }
        if name == "latency_bucket" {
            for series in 0..<histogramCount {
                for bucket in 0..<12 {
                    let bound = bucket == 11 ? "+Inf" : "\(Double(bucket + 1) / 10)"
                    labels.append([
                        pair(LabelName.metricName, name), pair("instance", "i\(series % 50)"),
                        pair("le", bound), pair("path", "/p\(series)"),
                    ])
                }
            }
        } else {
            for series in 0..<seriesCount {
                labels.append([
                    pair(LabelName.metricName, name), pair("device", "d\(series / 50)"),
                    pair("instance", "i\(series % 50)"), pair("job", "bench"),
                ])
            }
        }
        return BenchSelection(labels)
    }

    func labelNames(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] { [] }

    func labelValues(
        _ name: String, matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] { [] }

    func exemplars(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [(labels: LabelSet, exemplars: [Exemplar])] { [] }
}

final class BenchSelection: SeriesSelection {
    let labels: SeriesLabels

    init(_ labels: SeriesLabels) { self.labels = labels }

    func fork() -> any SeriesSelection { self }

    func read(
        _ index: Int, fromMs: TimestampMs, toMs: TimestampMs, into columns: inout SampleColumns
    ) throws(SourceError) {
        columns.removeAll()
        let stepMs = BenchSource.sampleStepMs
        let first = fromMs / stepMs + 1
        let last = toMs / stepMs
        if last < first { return }
        columns.times.reserveCapacity(Int(last - first) + 1)
        columns.values.reserveCapacity(Int(last - first) + 1)
        let slope = Double(index % 97 + 1)
        for sample in first...last {
            columns.times.append(sample * stepMs)
            columns.values.append(Double(sample & 0xFFFF) * slope)
        }
        columns.timesID = UInt64(first) &* 0x9E37_79B9 &+ UInt64(last) | 1
    }
}
