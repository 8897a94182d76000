import TSQBase
import TSQEngine
import TSQModel

/// Writes pieces of an answer, one after the other or any of them: what its series have in common as
/// text is kept from one to the next.
package struct QueryAnswerWriter: Sendable {
    /// Points of one series that share the texts of their times with those of other series: as many as
    /// a range query has.
    static let pointsSharedMax = 11_001

    private let answer: QueryAnswer
    private var texts: SeriesTexts

    package init(_ answer: QueryAnswer) {
        self.answer = answer
        texts = SeriesTexts(answer.columns.symbols)
    }

    /// All of it.
    package static func whole(
        _ result: QueryResult, statistics: QueryTimings? = nil
    ) -> [UInt8] {
        var json = JSONWriter(reserving: JSONWriter.byteCountEstimate(result))
        var writer = QueryAnswerWriter(QueryAnswer(result, statistics: statistics))
        writer.write(from: .start, to: .end, to: &json)
        return json.bytes
    }

    /// All of the answer's `data`.
    static func writeData(
        of result: QueryResult, _ timings: QueryTimings?, to json: inout JSONWriter
    ) {
        var writer = QueryAnswerWriter(QueryAnswer(result, timings, isFramed: false))
        writer.write(from: .start, to: .end, to: &json)
    }

    /// Appends the text between two places.
    ///
    /// - Complexity: O(piece).
    package mutating func write(
        from start: QueryAnswer.Place, to end: QueryAnswer.Place, to json: inout JSONWriter
    ) {
        var step = start.step
        while step != end.step {
            switch step {
            case .head: step = writeHead(&json)
            case .series(let index): step = beginSeries(index, &json)
            case .points(let index, let next):
                step = writePoints(index, next, end.step, &json)
            case .histograms(let index, let next): step = writeHistogram(index, next, &json)
            case .tail: step = writeTail(&json)
            case .end: return
            }
        }
    }

    private func writeHead(_ json: inout JSONWriter) -> QueryAnswer.Place.Step {
        if answer.isFramed { json.raw("{\"status\":\"success\",\"data\":") }
        json.raw("{\"resultType\":")
        switch answer.result.value {
        case .scalar(let timeMs, let value):
            json.raw("\"scalar\",\"result\":")
            json.sample(timeMs, value)
            return .tail
        case .string(let timeMs, let text):
            json.raw("\"string\",\"result\":[")
            json.time(ms: timeMs)
            json.raw(",")
            json.string(text)
            json.raw("]")
            return .tail
        case .vector: json.raw("\"vector\",\"result\":[")
        case .matrix: json.raw("\"matrix\",\"result\":[")
        }
        return .series(0)
    }

    private mutating func beginSeries(
        _ index: Int, _ json: inout JSONWriter
    ) -> QueryAnswer.Place.Step {
        guard index < answer.columns.count else {
            json.raw("]")
            return .tail
        }
        if index > 0 { json.raw(",") }
        json.raw("{\"metric\":")
        let labels = answer.columns.labels
        texts.appendMetric(labels, index, to: &json)
        return .points(index, next: answer.columns.points(index).lowerBound)
    }

    private mutating func writePoints(
        _ index: Int, _ next: Int, _ end: QueryAnswer.Place.Step, _ json: inout JSONWriter
    ) -> QueryAnswer.Place.Step {
        let points = answer.columns.points(index)
        let behind = QueryAnswer.Place.Step.histograms(
            index, next: answer.columns.histogramPoints(index).lowerBound)
        if points.isEmpty { return behind }
        if answer.isVector {
            json.raw(",\"value\":")
            append(next..<next + 1, among: points, to: &json)
            return behind
        }
        json.raw(next == points.lowerBound ? ",\"values\":[" : ",")
        var upper = min(points.upperBound, next + Self.pointsSharedMax)
        if case .points(index, let cut) = end { upper = min(upper, cut) }
        append(next..<upper, among: points, to: &json)
        if upper < points.upperBound { return .points(index, next: upper) }
        json.raw("]")
        return behind
    }

    /// - Parameter points: all of the series, whose times other series may have, too.
    private mutating func append(
        _ range: Range<Int>, among points: Range<Int>, to json: inout JSONWriter
    ) {
        let (times, values) = (answer.columns.times, answer.columns.values)
        let shared = points.count <= Self.pointsSharedMax ? points : range
        texts.appendPoints(
            times.span.extracting(range), values.span.extracting(range),
            among: times.span.extracting(shared), to: &json)
    }

    private func writeHistogram(
        _ index: Int, _ next: Int, _ json: inout JSONWriter
    ) -> QueryAnswer.Place.Step {
        let points = answer.columns.histogramPoints(index)
        if next < points.upperBound {
            let isFirst = next == points.lowerBound
            json.raw(answer.isVector ? ",\"histogram\":" : isFirst ? ",\"histograms\":[" : ",")
            json.sample(answer.columns.histogramTimes[next], answer.columns.histograms[next])
            if next + 1 < points.upperBound { return .histograms(index, next: next + 1) }
            if !answer.isVector { json.raw("]") }
        }
        json.raw("}")
        return .series(index + 1)
    }

    private func writeTail(_ json: inout JSONWriter) -> QueryAnswer.Place.Step {
        let result = answer.result
        json.afterValue()
        if let timings = answer.timings {
            json.key("stats")
            json.statistics(result.statistics, timings)
        }
        if let explain = result.explain {
            json.key("explain")
            json.plan(explain)
        }
        json.endObject()
        if answer.isFramed {
            Envelope.append(result.warnings, result.infos, to: &json)
            json.endObject()
        }
        return .end
    }
}
