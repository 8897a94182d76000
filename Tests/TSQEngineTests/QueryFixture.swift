import TSQBase
import TSQEngine
import TSQModel
import TSQTesting

/// Series for engine tests: samples every 10 s from 0.
enum QueryFixture {
    static func source(_ series: [(KeyValuePairs<String, String>, [Double?])]) -> MemorySource {
        MemorySource(
            series.map { labels, values in
                var columns = SampleColumns()
                for (index, value) in values.enumerated() {
                    guard let value else { continue }
                    columns.appendFloat(value, timeMs: Int64(index) * 10_000)
                }
                return (LabelSet(labels), columns)
            })
    }

    /// `counter_total{i="0"…}` with 60 samples each.
    static func counters(_ count: Int) -> MemorySource {
        source(
            (0..<count).map { index in
                (
                    ["__name__": "counter_total", "i": "\(index)", "even": "\(index % 2)"],
                    (0..<60).map { Double($0 * (index + 1)) }
                )
            })
    }

    /// The answer as text: one line a series, `labels time:value …`.
    static func text(_ result: QueryResult) -> [String] {
        switch result.value {
        case .scalar(_, let value): return ["\(value)"]
        case .string(_, let text): return [text]
        case .vector(let series), .matrix(let series):
            return (0..<series.count).map { index in
                let labels = series.labels.labelSet(index, series.symbols).description
                let points = series.points(index).map {
                    "\(series.times[$0] / 1000):\(series.values[$0])"
                }
                return ([labels] + points).joined(separator: " ")
            }
        }
    }

    /// As `text`, but values bit for bit, histograms included.
    static func bits(_ result: QueryResult) -> [String] {
        switch result.value {
        case .scalar(_, let value): return ["\(value.bitPattern)"]
        case .string(_, let text): return [text]
        case .vector(let series), .matrix(let series):
            return (0..<series.count).map { index in
                let labels = series.labels.labelSet(index, series.symbols).description
                let points = series.points(index).map {
                    "\(series.times[$0]):\(series.values[$0].bitPattern)"
                }
                let histograms = series.histogramPoints(index).map {
                    "\(series.histogramTimes[$0]):\(series.histograms[$0])"
                }
                return ([labels] + points + histograms).joined(separator: " ")
            }
        }
    }

    static func error(_ body: () throws(QueryError) -> QueryResult) -> QueryError? {
        do throws(QueryError) {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }
}
