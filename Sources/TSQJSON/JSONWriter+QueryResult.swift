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
        QueryAnswerWriter.writeData(of: result, statistics, to: &self)
    }

    mutating func sample(_ timeMs: TimestampMs, _ value: Double) {
        raw("[")
        time(ms: timeMs)
        raw(",")
        sampleValue(value)
        raw("]")
    }

    mutating func sample(_ timeMs: TimestampMs, _ histogram: Histogram) {
        raw("[")
        time(ms: timeMs)
        raw(",")
        self.histogram(histogram)
        raw("]")
    }

    mutating func statistics(_ statistics: QueryStatistics, _ timings: QueryTimings) {
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
        if !timings.samplesPerStep.isEmpty {
            key("totalQueryableSamplesPerStep")
            beginArray()
            for step in timings.samplesPerStep {
                element()
                raw("[")
                time(ms: step.timeMs)
                raw(",")
                int(step.count)
                raw("]")
            }
            endArray()
        }
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
    /// Samples in the windows of each step, where they were asked for.
    package var samplesPerStep: [(timeMs: TimestampMs, count: Int64)] = []

    package init(queuedNs: UInt64, executedNs: UInt64) {
        self.queuedNs = queuedNs
        self.executedNs = executedNs
    }
}
