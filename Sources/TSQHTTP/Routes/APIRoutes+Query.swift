import TSQBase
import TSQEngine
import TSQJSON
import TSQModel
import TSQPromQL

extension APIRoutes {
    /// A range query has at most this many intervals, so that its answer stays displayable.
    static let rangeStepsMax: Int64 = 11_000
    static let truncationWarning = "results truncated due to limit"

    /// Called once, on any thread, with the answer.
    typealias Answered = @Sendable (APIResponse) -> Void

    func query(_ request: APIRequest) async -> APIResponse {
        await withCheckedContinuation { continuation in
            start(request, instantWork) { continuation.resume(returning: $0) }
        }
    }

    func queryRange(_ request: APIRequest) async -> APIResponse {
        await withCheckedContinuation { continuation in
            start(request, rangeWork) { continuation.resume(returning: $0) }
        }
    }

    /// Begins to answer a query, as `respond` would: on this thread where it was small the last time,
    /// otherwise on one of the query pool's.
    ///
    /// - Returns: false where the request is not a query that can be answered now; `respond` is to.
    func startQuery(_ request: APIRequest, _ answered: @escaping Answered) -> Bool {
        guard context.isReady() else { return false }
        let work: (APIRequest) throws(APIError) -> QueryWork
        switch Route(request.segments) {
        case .query: work = instantWork
        case .queryRange: work = rangeWork
        default: return false
        }
        start(request, work) { [cors] in
            var response = $0
            response.headers += cors.headers(origin: request.origin)
            answered(response)
        }
        return true
    }

    private func instantWork(_ request: APIRequest) throws(APIError) -> QueryWork {
        let form = request.form
        let limit = try ParameterValues.limit(form)
        let timeMs = try ParameterValues.time(form, "time", default: context.clock.nowMs())
        let options = try queryOptions(request)
        let (engine, source, text) = (context.engine(), context.source, form["query"])
        return QueryWork(
            request, text: text, options, limit: limit, startMs: timeMs, endMs: timeMs, stepMs: 0,
            engine
        ) { engine, atMs, options throws(QueryError) in
            try engine.instant(text, atMs: atMs ?? timeMs, from: source, options: options)
        }
    }

    private func rangeWork(_ request: APIRequest) throws(APIError) -> QueryWork {
        let form = request.form
        let limit = try ParameterValues.limit(form)
        let range = try Self.range(form)
        let options = try queryOptions(request)
        let (engine, source, text) = (context.engine(), context.source, form["query"])
        return QueryWork(
            request, text: text, options, limit: limit, startMs: range.startMs, endMs: range.endMs,
            stepMs: range.stepMs, engine
        ) { engine, atMs, options throws(QueryError) in
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

    private func start(
        _ request: APIRequest, _ work: (APIRequest) throws(APIError) -> QueryWork,
        _ answered: @escaping Answered
    ) {
        do throws(APIError) {
            let query = try work(request)
            if let response = answerHere(request, query) {
                answered(response)
            } else {
                handOver(request, query, answered)
            }
        } catch {
            answered(.failure(error))
        }
    }

    /// Evaluates on a thread of the query pool and begins to write the answer there, too.
    private func handOver(
        _ request: APIRequest, _ query: QueryWork, _ answered: @escaping Answered
    ) {
        let submittedNs = SystemClock().monotonicNs()
        let deadlineNs = submittedNs &+ UInt64(clamping: query.timeoutMs) &* 1_000_000
        queryPool.start(for: request.client, deadlineNs: deadlineNs, presence: request.presence) {
            if query.timeoutMs <= 0 { return answered(Self.refused(.timedOut)) }
            do throws(QueryError) {
                try evaluate(query, submittedNs: submittedNs, deadlineNs: deadlineNs, answered)
            } catch {
                answered(.failure(APIError(error)))
            }
        } refused: {
            answered(Self.refused($0))
        }
    }

    private func evaluate(
        _ query: QueryWork, submittedNs: UInt64, deadlineNs: UInt64, _ answered: Answered
    ) throws(QueryError) {
        let startedNs = SystemClock().monotonicNs()
        var (result, timings) = try query.evaluate(
            queuedNs: startedNs - submittedNs, context.clock)
        if context.options.tellsStepStatistics && query.statistics == "all" {
            timings.samplesPerStep = try query.samplesPerStep(deadlineNs: deadlineNs)
        }
        let response = query.response(result, timings, answerPool, heldAnswers)
        smallQueries.note(
            query.key, atMs: query.endMs, costNs: SystemClock().monotonicNs() - startedNs,
            byteCount: response.byteCount)
        answered(response)
    }

    /// The answer to a query that was small the last time; nil where it is to go to the query pool.
    private func answerHere(_ request: APIRequest, _ query: QueryWork) -> APIResponse? {
        guard query.isPlain, smallQueries.contains(query.key, atMs: query.endMs),
            queryPool.tryEnter(request.client)
        else { return nil }
        defer { queryPool.leave(request.client) }
        let startedNs = SystemClock().monotonicNs()
        var response: APIResponse?
        do throws(QueryError) {
            let (result, timings) = try query.bounded.evaluate(queuedNs: 0, context.clock)
            response = query.response(result, timings, answerPool, heldAnswers)
        } catch {
            response = nil
        }
        smallQueries.note(
            query.key, atMs: query.endMs, costNs: SystemClock().monotonicNs() - startedNs,
            byteCount: response?.byteCount)
        return response
    }

    private static func refused(_ refusal: WorkPool.Refusal) -> APIResponse {
        switch refusal {
        case .left: .failure(APIError(.canceled, "query was canceled in query queue"))
        case .timedOut: .failure(APIError(.timeout, "query timed out in query queue"))
        case .full: .failure(APIError(.timeout, "too many queries are waiting in query queue"))
        case .shutDown: .failure(APIError(.canceled, "query was canceled in query queue"))
        }
    }
}
