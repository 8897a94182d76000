import TSQBase
import TSQEngine
import TSQJSON
import TSQModel

/// A query as it is evaluated, on whatever thread.
struct QueryWork: Sendable {
    /// All steps, or the one at a time.
    typealias Evaluation =
        @Sendable (QueryEngine, _ atMs: TimestampMs?, QueryOptions) throws(QueryError) ->
        QueryResult

    let key: SmallQueries.Key
    let options: QueryOptions
    /// From when it was asked until it must have ended.
    let timeoutMs: Int64
    /// The parameter `stats`.
    let statistics: String
    let (startMs, endMs, stepMs): (TimestampMs, TimestampMs, Int64)
    private let limit: Int
    private var engine: QueryEngine
    private let evaluation: Evaluation

    /// - Parameters:
    ///   - limit: series of the answer at most; 0: all.
    ///   - stepMs: 0 for an instant query.
    init(
        _ request: APIRequest, text: String, _ options: QueryOptions, limit: Int,
        startMs: TimestampMs, endMs: TimestampMs, stepMs: Int64, _ engine: QueryEngine,
        _ evaluation: @escaping Evaluation
    ) {
        key = SmallQueries.Key(text: text, lengthMs: endMs &- startMs, stepMs: stepMs)
        self.options = options
        self.limit = limit
        (self.startMs, self.endMs, self.stepMs) = (startMs, endMs, stepMs)
        self.engine = engine
        self.evaluation = evaluation
        timeoutMs = options.timeoutMs ?? engine.options.timeoutMs
        statistics = request.form["stats"]
    }

    /// Whether it asks for nothing but its values in the usual time.
    var isPlain: Bool {
        options.lookbackMs == nil && options.timeoutMs == nil && !options.explain
            && statistics.isEmpty
    }

    /// The same within the bounds of a small query.
    var bounded: QueryWork {
        var copy = self
        copy.engine = SmallQueries.bounded(engine)
        return copy
    }

    /// The result, and what the server measured around it; `clock` measures what is shown.
    func evaluate(
        queuedNs: UInt64, _ clock: any WallClock
    ) throws(QueryError) -> (QueryResult, QueryTimings) {
        var options = options
        options.timeoutMs = timeoutMs - Int64(clamping: queuedNs / 1_000_000)
        let startedNs = clock.monotonicNs()
        var result = try evaluation(engine, nil, options)
        if limit > 0 { Self.truncate(&result, to: limit) }
        try result.memory?.hold(
            Int64(QueryAnswer.byteCountMax(result, pieces: AnswerPieces.heldMax)),
            for: "the answer's text")
        return (
            result,
            QueryTimings(queuedNs: queuedNs, executedNs: clock.monotonicNs() - startedNs)
        )
    }

    /// What each step alone looks at. Costs another evaluation, step by step: it has a flag of its own.
    func samplesPerStep(
        deadlineNs: UInt64
    ) throws(QueryError) -> [(timeMs: TimestampMs, count: Int64)] {
        var options = options
        options.explain = false
        var steps: [(timeMs: TimestampMs, count: Int64)] = []
        for timeMs in stride(from: startMs, through: endMs, by: Int(max(1, stepMs))) {
            let nowNs = SystemClock().monotonicNs()
            options.timeoutMs =
                deadlineNs > nowNs ? Int64(clamping: (deadlineNs - nowNs) / 1_000_000) : 0
            let result = try evaluation(engine, timeMs, options)
            steps.append((timeMs, result.statistics.totalQueryableSamples))
        }
        return steps
    }

    /// One body where it fits a piece; otherwise the first piece, and threads that write the others.
    func response(
        _ result: QueryResult, _ timings: QueryTimings, _ pool: WorkPool, _ held: HeldAnswers
    ) -> APIResponse {
        let answer = QueryAnswer(result, statistics: statistics.isEmpty ? nil : timings)
        let end = answer.end(from: .start)
        let pieces =
            end == .end ? nil : AnswerPieces(answer, from: end, pool: pool, held: held)
        var json = JSONWriter(reserving: answer.firstPieceByteCount)
        var writer = QueryAnswerWriter(answer)
        writer.write(from: .start, to: end, to: &json)
        var response = APIResponse.json(json.bytes)
        if let pieces {
            pieces.begin(with: json.bytes)
            response.body = .pieces(pieces)
        }
        return response
    }

    /// Keeps the first `limit` series and says so.
    private static func truncate(_ result: inout QueryResult, to limit: Int) {
        func cut(_ series: ResultSeries) -> ResultSeries? {
            if series.count <= limit { return nil }
            var kept = ResultSeries(symbols: series.symbols)
            let points = series.pointEnds[limit - 1]
            let histograms = series.histogramEnds[limit - 1]
            kept.times = Array(series.times[..<points])
            kept.values = Array(series.values[..<points])
            kept.histogramTimes = Array(series.histogramTimes[..<histograms])
            kept.histograms = Array(series.histograms[..<histograms])
            kept.pointEnds = Array(series.pointEnds[..<limit])
            kept.histogramEnds = Array(series.histogramEnds[..<limit])
            for index in 0..<limit { kept.labels.append(series.labels[index]) }
            return kept
        }
        switch result.value {
        case .vector(let series):
            guard let kept = cut(series) else { return }
            result.value = .vector(kept)
        case .matrix(let series):
            guard let kept = cut(series) else { return }
            result.value = .matrix(kept)
        case .scalar, .string: return
        }
        result.warnings.append(APIRoutes.truncationWarning)
    }
}
