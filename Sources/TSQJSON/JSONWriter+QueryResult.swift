import TSQBase
import TSQEngine
import TSQModel

extension JSONWriter {
    /// About how many bytes the answer takes.
    package static func byteCountEstimate(_ result: QueryResult) -> Int {
        switch result.value {
        case .scalar, .string: 256
        case .vector(let series), .matrix(let series):
            256 + series.count * 160 + series.values.count * 36 + series.histograms.count * 400
        }
    }

    /// The `data` of query and query_range.
    ///
    /// - Complexity: one pass over the columns; nothing is allocated but the output.
    package mutating func queryData(_ result: QueryResult, statistics: QueryTimings?) {
        beginObject()
        key("resultType")
        switch result.value {
        case .scalar(let timeMs, let value):
            raw("\"scalar\"")
            key("result")
            sample(timeMs, value)
        case .string(let timeMs, let text):
            raw("\"string\"")
            key("result")
            raw("[")
            time(ms: timeMs)
            raw(",")
            string(text)
            raw("]")
        case .vector(let series):
            raw("\"vector\"")
            key("result")
            vector(series)
        case .matrix(let series):
            raw("\"matrix\"")
            key("result")
            matrix(series)
        }
        if let statistics {
            key("stats")
            self.statistics(result.statistics, statistics)
        }
        endObject()
    }

    private mutating func vector(_ series: ResultSeries) {
        var texts = SeriesTexts(series.symbols)
        beginArray()
        for index in 0..<series.count {
            element()
            raw("{\"metric\":")
            texts.appendMetric(series.labels[index], to: &self)
            let points = series.points(index)
            if !points.isEmpty {
                raw(",\"value\":")
                let first = points.lowerBound..<(points.lowerBound + 1)
                texts.appendPoints(
                    series.times.span.extracting(first), series.values.span.extracting(first),
                    to: &self)
            } else if let point = series.histogramPoints(index).first {
                raw(",\"histogram\":")
                sample(series.histogramTimes[point], series.histograms[point])
            }
            raw("}")
        }
        endArray()
    }

    private mutating func matrix(_ series: ResultSeries) {
        var texts = SeriesTexts(series.symbols)
        beginArray()
        for index in 0..<series.count {
            element()
            raw("{\"metric\":")
            texts.appendMetric(series.labels[index], to: &self)
            let points = series.points(index)
            if !points.isEmpty {
                raw(",\"values\":[")
                texts.appendPoints(
                    series.times.span.extracting(points), series.values.span.extracting(points),
                    to: &self)
                raw("]")
            }
            let histograms = series.histogramPoints(index)
            if !histograms.isEmpty {
                raw(",\"histograms\":[")
                for point in histograms {
                    if point > histograms.lowerBound { raw(",") }
                    sample(series.histogramTimes[point], series.histograms[point])
                }
                raw("]")
            }
            raw("}")
        }
        endArray()
    }

    private mutating func sample(_ timeMs: TimestampMs, _ value: Double) {
        raw("[")
        time(ms: timeMs)
        raw(",")
        sampleValue(value)
        raw("]")
    }

    private mutating func sample(_ timeMs: TimestampMs, _ histogram: Histogram) {
        raw("[")
        time(ms: timeMs)
        raw(",")
        self.histogram(histogram)
        raw("]")
    }

    private mutating func statistics(_ statistics: QueryStatistics, _ timings: QueryTimings) {
        beginObject()
        key("timings")
        beginObject()
        key("evalTotalTime")
        seconds(statistics.preparationNs + statistics.evaluationNs + statistics.sortNs)
        key("resultSortTime")
        seconds(statistics.sortNs)
        key("queryPreparationTime")
        seconds(statistics.preparationNs)
        key("innerEvalTime")
        seconds(statistics.evaluationNs)
        key("execQueueTime")
        seconds(timings.queuedNs)
        key("execTotalTime")
        seconds(timings.queuedNs + timings.executedNs)
        endObject()
        key("samples")
        beginObject()
        key("totalQueryableSamples")
        int(statistics.totalQueryableSamples)
        key("samplesRead")
        int(statistics.samplesRead)
        key("peakSamples")
        int(statistics.peakSamples)
        endObject()
        endObject()
    }

    private mutating func seconds(_ ns: UInt64) { number(Double(ns) / 1e9) }
}

/// What the server measured around the engine.
package struct QueryTimings: Sendable {
    package var queuedNs: UInt64
    package var executedNs: UInt64

    package init(queuedNs: UInt64, executedNs: UInt64) {
        self.queuedNs = queuedNs
        self.executedNs = executedNs
    }
}
