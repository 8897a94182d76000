import TSQBase
import TSQEngine
import TSQJSON
import TSQModel
import TSQPromQL

extension APIRoutes {
    /// A range query has at most this many intervals, so that its answer stays displayable.
    static let rangeStepsMax: Int64 = 11_000
    static let truncationWarning = "results truncated due to limit"

    func query(_ request: APIRequest) async -> APIResponse {
        let form = request.form
        let limit: Int
        let timeMs: TimestampMs
        let options: QueryOptions
        do throws(APIError) {
            limit = try ParameterValues.limit(form)
            timeMs = try ParameterValues.time(form, "time", default: context.clock.nowMs())
            options = try queryOptions(request)
        } catch {
            return .failure(error)
        }
        let (engine, source, text) = (context.engine(), context.source, form["query"])
        return await answer(request, limit: limit, options, times: [timeMs]) {
            atMs, options throws(QueryError) in
            try engine.instant(text, atMs: atMs ?? timeMs, from: source, options: options)
        }
    }

    func queryRange(_ request: APIRequest) async -> APIResponse {
        let form = request.form
        let limit: Int
        let range: (startMs: TimestampMs, endMs: TimestampMs, stepMs: Int64)
        let options: QueryOptions
        do throws(APIError) {
            limit = try ParameterValues.limit(form)
            range = try Self.range(form)
            options = try queryOptions(request)
        } catch {
            return .failure(error)
        }
        let (engine, source, text) = (context.engine(), context.source, form["query"])
        let times = stride(from: range.startMs, through: range.endMs, by: Int(range.stepMs))
        return await answer(request, limit: limit, options, times: times) {
            atMs, options throws(QueryError) in
            try engine.range(
                text, startMs: atMs ?? range.startMs, endMs: atMs ?? range.endMs,
                stepMs: range.stepMs, from: source, options: options)
        }
    }

    func formatQuery(_ request: APIRequest) -> APIResponse {
        parsed(request) { expression in
            .json(Envelope.success { $0.string(expression.prettified()) })
        }
    }

    func parseQuery(_ request: APIRequest) -> APIResponse {
        parsed(request) { expression in
            var tree: [UInt8] = []
            ExprJSON.append(expression, to: &tree)
            return .json(Envelope.success(reserving: tree.count + 64) { $0.raw(tree) })
        }
    }

    private func parsed(
        _ request: APIRequest, _ answer: (Expr) -> APIResponse
    ) -> APIResponse {
        do throws(PromQLSyntaxError) {
            return answer(
                try PromQLParser.parse(
                    request.form["query"], options: context.engine().options.parse))
        } catch {
            return .failure(.parameter("query", error.message))
        }
    }

    // MARK: Parameters

    private static func range(
        _ form: FormParameters
    ) throws(APIError) -> (startMs: TimestampMs, endMs: TimestampMs, stepMs: Int64) {
        let startMs = try ParameterValues.requiredTime(form, "start")
        let endMs = try ParameterValues.requiredTime(form, "end")
        if endMs < startMs {
            throw .parameter("end", "end timestamp must not be before start time")
        }
        let stepNs = try ParameterValues.durationNs(form, "step")
        if stepNs <= 0 {
            throw .parameter(
                "step",
                "zero or negative query resolution step widths are not accepted. "
                    + "Try a positive integer")
        }
        let (lengthMs, overflow) = endMs.subtractingReportingOverflow(startMs)
        let (lengthNs, overflowNs) = lengthMs.multipliedReportingOverflow(by: 1_000_000)
        if (overflow || overflowNs ? Int64.max : lengthNs) / stepNs > rangeStepsMax {
            throw APIError(
                .badData,
                "exceeded maximum resolution of 11,000 points per timeseries. "
                    + "Try decreasing the query resolution (?step=XX)")
        }
        // Prometheus counts in ms, too: a shorter step would not move at all.
        return (startMs, endMs, max(1, stepNs / 1_000_000))
    }

    private func queryOptions(_ request: APIRequest) throws(APIError) -> QueryOptions {
        var options = QueryOptions()
        options.cancellation = request.presence.cancellation
        options.explain = try ParameterValues.flag(request.form, "explain")
        if !request.form["timeout"].isEmpty {
            let timeoutNs = try ParameterValues.durationNs(request.form, "timeout")
            options.timeoutMs = min(
                context.engine().options.timeoutMs, max(0, timeoutNs / 1_000_000))
        }
        if !request.form["lookback_delta"].isEmpty {
            switch ParameterValues.duration(request.form["lookback_delta"]) {
            case .success(let ns): options.lookbackMs = ns / 1_000_000
            case .failure(let error):
                throw APIError(
                    .badData, "error parsing lookback delta duration: \(error.message)")
            }
            // As the engine's own: nothing given means the default.
            if options.lookbackMs == 0 { options.lookbackMs = nil }
        }
        return options
    }

    // MARK: Evaluation

    /// All steps, or the one at a time.
    private typealias Evaluation =
        @Sendable (_ atMs: TimestampMs?, QueryOptions) throws(QueryError) -> QueryResult

    /// Evaluates on a thread of the query pool and begins to write the answer there, too.
    ///
    /// - Parameter times: those of the steps.
    private func answer(
        _ request: APIRequest, limit: Int, _ options: QueryOptions,
        times: some Sequence<TimestampMs> & Sendable, _ evaluate: @escaping Evaluation
    ) async -> APIResponse {
        let clock = context.clock
        let submittedNs = SystemClock().monotonicNs()
        let timeoutMs = options.timeoutMs ?? context.engine().options.timeoutMs
        let deadlineNs = submittedNs &+ UInt64(clamping: timeoutMs) &* 1_000_000
        let wantsStatistics = !request.form["stats"].isEmpty
        let wantsSteps = context.options.tellsStepStatistics && request.form["stats"] == "all"
        let heldAnswers = heldAnswers
        do throws(WorkPool.Refusal) {
            return try await queryPool.run(
                for: request.client, deadlineNs: deadlineNs, presence: request.presence
            ) {
                let queuedNs = SystemClock().monotonicNs() - submittedNs
                var options = options
                options.timeoutMs = timeoutMs - Int64(clamping: queuedNs / 1_000_000)
                if timeoutMs <= 0 { return Self.refused(.timedOut) }
                do throws(QueryError) {
                    let startedNs = clock.monotonicNs()
                    var result = try evaluate(nil, options)
                    if limit > 0 { Self.truncate(&result, to: limit) }
                    try result.memory?.hold(
                        Int64(QueryAnswerWriter.byteCountMax(result)), for: "the answer's text")
                    var timings = QueryTimings(
                        queuedNs: queuedNs, executedNs: clock.monotonicNs() - startedNs)
                    if wantsSteps {
                        timings.samplesPerStep = try Self.samplesPerStep(
                            times, options, deadlineNs, evaluate)
                    }
                    return Self.answer(
                        result, wantsStatistics ? timings : nil, heldAnswers)
                } catch {
                    return .failure(APIError(error))
                }
            }
        } catch {
            return Self.refused(error)
        }
    }

    /// What each step alone looks at. Costs another evaluation, step by step: it has a flag of its own.
    private static func samplesPerStep(
        _ times: some Sequence<TimestampMs>, _ options: QueryOptions, _ deadlineNs: UInt64,
        _ evaluate: Evaluation
    ) throws(QueryError) -> [(timeMs: TimestampMs, count: Int64)] {
        var options = options
        options.explain = false
        var steps: [(timeMs: TimestampMs, count: Int64)] = []
        for timeMs in times {
            let nowNs = SystemClock().monotonicNs()
            options.timeoutMs =
                deadlineNs > nowNs ? Int64(clamping: (deadlineNs - nowNs) / 1_000_000) : 0
            let result = try evaluate(timeMs, options)
            steps.append((timeMs, result.statistics.totalQueryableSamples))
        }
        return steps
    }

    private static func refused(_ refusal: WorkPool.Refusal) -> APIResponse {
        switch refusal {
        case .left: .failure(APIError(.canceled, "query was canceled in query queue"))
        case .timedOut: .failure(APIError(.timeout, "query timed out in query queue"))
        case .full: .failure(APIError(.timeout, "too many queries are waiting in query queue"))
        case .shutDown: .failure(APIError(.canceled, "query was canceled in query queue"))
        }
    }

    /// One body where it fits a piece; otherwise the first piece, and the rest as it is wanted.
    private static func answer(
        _ result: QueryResult, _ timings: QueryTimings?, _ held: HeldAnswers
    ) -> APIResponse {
        var writer = QueryAnswerWriter(result, statistics: timings)
        let first = writer.next() ?? []
        var response = APIResponse.json(first)
        if !writer.isDone {
            response.body = .pieces(
                first: first,
                AnswerPieces(writer, byteCount: result.memory?.bytesInUse ?? 0, held: held))
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
        result.warnings.append(truncationWarning)
    }
}
