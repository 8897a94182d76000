import TSQBase
import TSQEngine
import TSQModel

/// All routes of the server: a request in, bytes out. Knows nothing of the web server around it.
package struct APIRoutes: Sendable {
    let context: APIContext
    /// Where queries are evaluated.
    let queryPool: WorkPool
    /// Where labels and series are looked up.
    let lookupPool: WorkPool
    /// Where the later pieces of long answers are written: never behind a query.
    let answerPool: WorkPool
    /// Queries that are answered where they arrive.
    let smallQueries = SmallQueries()
    /// Results whose answers are being sent.
    package let heldAnswers = HeldAnswers()
    let cors: CORS

    /// Lookups that run at once: they wait for the disk more than they compute.
    private static let lookupThreadsMax = 8
    private static let answerThreadsMax = 2

    /// - Throws: `RegexError` for a CORS origin that is no regular expression.
    package init(_ context: APIContext) throws(RegexError) {
        self.context = context
        cors = try CORS(origin: context.options.corsOrigin)
        queryPool = WorkPool(name: "tsq-query", threads: max(1, context.options.queryConcurrency))
        lookupPool = WorkPool(name: "tsq-lookup", threads: Self.lookupThreadsMax)
        answerPool = WorkPool(name: "tsq-answer", threads: Self.answerThreadsMax)
    }

    private func ready() -> APIResponse {
        guard let reason = context.readOnlyReason() else {
            return .text("Prometheus Server is Ready.\n")
        }
        return .text("Service Unavailable: no samples are taken: \(reason)\n", status: 503)
    }

    package var queryConcurrency: Int { max(1, context.options.queryConcurrency) }

    /// Queries that wait and that run now.
    package var queryLoad: (waiting: Int, running: Int) { queryPool.load }

    /// Lets running work end, takes no more.
    package func shutDown() {
        queryPool.shutDown()
        lookupPool.shutDown()
        answerPool.shutDown()
    }

    /// The answer to any request, errors included.
    package func respond(to request: APIRequest) async -> APIResponse {
        guard let route = Route(request.segments) else { return notFound(request) }
        let methods = route.methods
        if request.method == "OPTIONS" && route.isAPI { return options(request) }
        guard methods.contains(request.method) else { return methodNotAllowed(methods, route) }
        var response = await answer(route, request)
        if route.isAPI { response.headers += cors.headers(origin: request.origin) }
        return response
    }

    private func answer(_ route: Route, _ request: APIRequest) async -> APIResponse {
        if route.needsReady && !context.isReady() {
            var response = APIResponse.text("Service Unavailable", status: 503)
            response.headers.append(("x-prometheus-stopping", "false"))
            return response
        }
        switch route {
        case .query: return await query(request)
        case .queryRange: return await queryRange(request)
        case .queryExemplars: return await queryExemplars(request)
        case .formatQuery: return formatQuery(request)
        case .parseQuery: return parseQuery(request)
        case .labelNames: return await labelNames(request)
        case .labelValues(let name): return await labelValues(request, name: name)
        case .series: return await series(request)
        case .metadata: return await onLookupPool { [self] in metadata(request) }
        case .targets: return await onLookupPool { [self] in targets(request) }
        case .targetsMetadata:
            return await onLookupPool { [self] in targetsMetadata(request) }
        case .relabelSteps: return relabelSteps(request)
        case .scrapePools: return scrapePools()
        case .scrapePoolConfig: return scrapePoolConfig(request)
        case .alertmanagers: return alertmanagers()
        case .rules: return rules()
        case .alerts: return alerts()
        case .features: return features()
        case .notifications: return notifications()
        case .status(let page): return await status(page, request)
        case .admin(let action): return await admin(action, request)
        case .importSamples: return await importSamples(request)
        case .healthy: return .text("Prometheus Server is Healthy.\n")
        case .ready: return ready()
        case .reload: return await reload()
        case .quit: return quit()
        // It asks the disk for sizes.
        case .metrics: return await onLookupPool { [self] in metrics(request) }
        case .federate: return await federate(request)
        case .version: return version()
        case .page: return page()
        case .graph: return redirect(to: "/")
        }
    }

    func onLookupPool(_ work: @escaping @Sendable () -> APIResponse) async -> APIResponse {
        do throws(WorkPool.Refusal) {
            return try await lookupPool.run(work)
        } catch {
            return .failure(APIError(.timeout, "too many requests are waiting"))
        }
    }

    // MARK: Nothing there

    private func options(_ request: APIRequest) -> APIResponse {
        var response = APIResponse.noContent
        response.headers += cors.headers(origin: request.origin)
        return response
    }

    /// As Go's router: a path that would exist without its last slash is redirected there.
    private func notFound(_ request: APIRequest) -> APIResponse {
        if request.segments.prefix(2) == ["api", "v1"], request.method == "OPTIONS" {
            return options(request)
        }
        if request.segments.count > 1, request.segments.last == "",
            Route(request.segments.dropLast()) != nil
        {
            return redirect(
                to: request.path.dropLast() + (request.query.isEmpty ? "" : "?" + request.query),
                status: request.method == "GET" ? 301 : 308)
        }
        return .plainError("404 page not found", status: 404)
    }

    private func methodNotAllowed(_ methods: [String], _ route: Route) -> APIResponse {
        var response = APIResponse.plainError("Method Not Allowed", status: 405)
        let allowed = (route.isAPI ? methods + ["OPTIONS"] : methods).sorted()
        response.headers.append(("allow", allowed.joined(separator: ", ")))
        return response
    }

    private func redirect(to location: String, status: Int = 302) -> APIResponse {
        var response = APIResponse(status: status, contentType: nil, body: [])
        response.headers.append(("location", location))
        return response
    }
}
