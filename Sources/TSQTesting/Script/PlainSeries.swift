import TSQBase
import TSQEngine
import TSQModel

/// A result series as plain values, for comparisons and texts.
package struct PlainSeries: Sendable, Equatable {
    package enum Value: Sendable, Equatable {
        case float(Double)
        case histogram(Histogram)

        var isFloat: Bool { if case .float = self { true } else { false } }
    }

    package struct Point: Sendable, Equatable {
        package var timeMs: TimestampMs
        package var value: Value
    }

    package var labels: LabelSet
    /// Ascending in time.
    package var points: [Point]

    package static func all(of series: ResultSeries) -> [PlainSeries] {
        (0..<series.count).map { index in
            var points = series.points(index).map {
                Point(timeMs: series.times[$0], value: .float(series.values[$0]))
            }
            points += series.histogramPoints(index).map {
                Point(
                    timeMs: series.histogramTimes[$0], value: .histogram(series.histograms[$0]))
            }
            points.sort { $0.timeMs < $1.timeMs }
            return PlainSeries(
                labels: series.labels.labelSet(index, series.symbols), points: points)
        }
    }
}

extension PlainSeries.Value: CustomStringConvertible {
    package var description: String {
        switch self {
        case .float(let value): return "\(value)"
        case .histogram(let value):
            func buckets(_ spans: [HistogramSpan], _ counts: [Double]) -> String {
                StoredHint.buckets(spans, counts).sorted { $0.key < $1.key }
                    .map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            }
            return "{{schema:\(value.schema) hint:\(value.hint) count:\(value.count) "
                + "sum:\(value.sum) z:\(value.zeroCount)@\(value.zeroThreshold) "
                + "buckets:[\(buckets(value.positiveSpans, value.positiveBuckets))] "
                + "n_buckets:[\(buckets(value.negativeSpans, value.negativeBuckets))] "
                + "custom_values:\(value.customBounds)}}"
        }
    }
}

extension SequenceValue: CustomStringConvertible {
    package var description: String {
        switch self {
        case .omitted: "_"
        case .float(let value): "\(value)"
        case .histogram(let value, _): "\(PlainSeries.Value.histogram(value))"
        }
    }
}
