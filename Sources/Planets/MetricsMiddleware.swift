import Hummingbird
import Metrics
import TSQMetrics

/// Counts and times requests by method and route template.
///
/// Requests to paths without a route are not counted: a client that walks through random paths would
/// otherwise make a series of each.
struct MetricsMiddleware<Context: RequestContext>: RouterMiddleware {
    static var requestsName: String { "http_requests_total" }
    static var responseTimeName: String { "http_response_time_seconds" }

    static func describe(to metrics: PrometheusMetricsFactory) {
        metrics.register(help: "HTTP requests total", for: requestsName)
        metrics.register(
            help: "HTTP response times",
            buckets: [
                0.0005, 0.0008, 0.00085, 0.0009, 0.00095, 0.001, 0.00105, 0.0011, 0.00115, 0.0012,
                0.0015, 0.002, 0.003, 1.0,
            ], for: responseTimeName)
        metrics.register(help: "Connected SSE clients", for: "http_connected_sse_clients")
    }

    func handle(
        _ request: Request, context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        defer {
            // Hummingbird calls what has no route "NotFound".
            if let path = context.endpointPath, path.hasPrefix("/") {
                let labels = [("method", request.method.rawValue), ("path", path)]
                let elapsed = ContinuousClock.now - start
                Counter(label: Self.requestsName, dimensions: labels).increment()
                Timer(label: Self.responseTimeName, dimensions: labels).record(duration: elapsed)
            }
        }
        return try await next(request, context)
    }
}
