import TSQBase
import TSQEngine
import TSQModel

/// The JSON of a query's answer, piece by piece: however long it is, one piece is in memory.
package struct QueryAnswerWriter: @unchecked Sendable {
    // Safe to send because: it is a value, and nobody else writes to the result's symbol table.

    /// A piece ends when it has this length.
    package static let pieceByteCount = 256 << 10
    /// Points of one series that are written between two looks at the piece's length: as many as a
    /// range query has, so that its series share the texts of their times.
    static let pointsAtOnce = 11_001

    private enum Place {
        case start
        /// Between two series.
        case series(Int)
        /// Within the float points of a series.
        case points(Int, next: Int)
        case histograms(Int, next: Int)
        case end, done
    }

    private let result: QueryResult
    private let timings: QueryTimings?
    /// Whether the envelope is written around the data.
    private let isFramed: Bool
    /// Those of `result`, which are not copied out of it for every series; none for a scalar.
    private let columns: ResultSeries
    private var isVector = false
    private var place = Place.start
    private var texts: SeriesTexts

    /// - Parameter statistics: shown as `stats` where it is given.
    package init(_ result: QueryResult, statistics: QueryTimings? = nil) {
        self.init(result, statistics, isFramed: true)
    }

    private init(_ result: QueryResult, _ timings: QueryTimings?, isFramed: Bool) {
        self.result = result
        self.timings = timings
        self.isFramed = isFramed
        switch result.value {
        case .vector(let series):
            columns = series
            isVector = true
        case .matrix(let series): columns = series
        case .scalar, .string: columns = ResultSeries(symbols: SymbolTable())
        }
        texts = SeriesTexts(columns.symbols)
    }

    /// What the text of `result` takes at most at once: a piece that is sent and the next one.
    package static func byteCountMax(_ result: QueryResult) -> Int {
        min(
            JSONWriter.byteCountEstimate(result),
            2 * (pieceByteCount + pointsAtOnce * pointByteCount))
    }

    /// Of a usual point.
    private static let pointByteCount = 40

    /// All of it.
    package static func whole(
        _ result: QueryResult, statistics: QueryTimings? = nil
    ) -> [UInt8] {
        var writer = QueryAnswerWriter(result, statistics: statistics)
        var json = JSONWriter(reserving: JSONWriter.byteCountEstimate(result))
        while writer.writePiece(to: &json) {}
        return json.bytes
    }

    /// All of the answer's `data`.
    static func writeData(
        of result: QueryResult, _ timings: QueryTimings?, to json: inout JSONWriter
    ) {
        var writer = QueryAnswerWriter(result, timings, isFramed: false)
        while writer.writePiece(to: &json) {}
    }

    /// Whether `next` has given everything.
    package var isDone: Bool {
        if case .done = place { true } else { false }
    }

    /// The next piece; nil after the last one.
    ///
    /// - Complexity: O(piece).
    package mutating func next() -> [UInt8]? {
        if isDone { return nil }
        let byteCount = min(
            Self.pieceByteCount + Self.pieceByteCount / 4, JSONWriter.byteCountEstimate(result))
        var json = JSONWriter(reserving: byteCount)
        _ = writePiece(to: &json)
        return json.bytes
    }

    /// - Returns: whether there is more.
    private mutating func writePiece(to json: inout JSONWriter) -> Bool {
        let end = json.bytes.count + Self.pieceByteCount
        while json.bytes.count < end {
            switch place {
            case .start: begin(&json)
            case .series(let index): beginSeries(index, &json)
            case .points(let index, let next): writePoints(index, next, &json)
            case .histograms(let index, let next): writeHistograms(index, next, &json)
            case .end: finish(&json)
            case .done: return false
            }
        }
        return !isDone
    }

    private mutating func begin(_ json: inout JSONWriter) {
        if isFramed { json.raw("{\"status\":\"success\",\"data\":") }
        json.raw("{\"resultType\":")
        place = .end
        switch result.value {
        case .scalar(let timeMs, let value):
            json.raw("\"scalar\",\"result\":")
            json.sample(timeMs, value)
        case .string(let timeMs, let text):
            json.raw("\"string\",\"result\":[")
            json.time(ms: timeMs)
            json.raw(",")
            json.string(text)
            json.raw("]")
        case .vector:
            json.raw("\"vector\",\"result\":[")
            place = .series(0)
        case .matrix:
            json.raw("\"matrix\",\"result\":[")
            place = .series(0)
        }
    }

    private mutating func beginSeries(_ index: Int, _ json: inout JSONWriter) {
        guard index < columns.count else {
            json.raw("]")
            place = .end
            return
        }
        if index > 0 { json.raw(",") }
        json.raw("{\"metric\":")
        let labels = columns.labels
        texts.appendMetric(labels, index, to: &json)
        let points = columns.points(index)
        if isVector {
            if !points.isEmpty {
                json.raw(",\"value\":")
                append(points.lowerBound..<points.lowerBound + 1, to: &json)
            } else if let point = columns.histogramPoints(index).first {
                json.raw(",\"histogram\":")
                json.sample(columns.histogramTimes[point], columns.histograms[point])
            }
            json.raw("}")
            place = .series(index + 1)
        } else {
            place = .points(index, next: points.lowerBound)
        }
    }

    private mutating func writePoints(_ index: Int, _ next: Int, _ json: inout JSONWriter) {
        let points = columns.points(index)
        if next < points.upperBound {
            json.raw(next == points.lowerBound ? ",\"values\":[" : ",")
            let end = min(points.upperBound, next + Self.pointsAtOnce)
            append(next..<end, to: &json)
            if end < points.upperBound {
                place = .points(index, next: end)
                return
            }
            json.raw("]")
        }
        place = .histograms(index, next: columns.histogramPoints(index).lowerBound)
    }

    private mutating func append(_ points: Range<Int>, to json: inout JSONWriter) {
        let (times, values) = (columns.times, columns.values)
        texts.appendPoints(
            times.span.extracting(points), values.span.extracting(points), to: &json)
    }

    private mutating func writeHistograms(_ index: Int, _ next: Int, _ json: inout JSONWriter) {
        let points = columns.histogramPoints(index)
        if next < points.upperBound {
            json.raw(next == points.lowerBound ? ",\"histograms\":[" : ",")
            json.sample(columns.histogramTimes[next], columns.histograms[next])
            if next + 1 < points.upperBound {
                place = .histograms(index, next: next + 1)
                return
            }
            json.raw("]")
        }
        json.raw("}")
        place = .series(index + 1)
    }

    private mutating func finish(_ json: inout JSONWriter) {
        json.afterValue()
        if let timings {
            json.key("stats")
            json.statistics(result.statistics, timings)
        }
        if let explain = result.explain {
            json.key("explain")
            json.plan(explain)
        }
        json.endObject()
        if isFramed {
            Envelope.append(result.warnings, result.infos, to: &json)
            json.endObject()
        }
        place = .done
    }
}
