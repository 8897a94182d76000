import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import TSQBase
import TSQEngine
import TSQHTTP
import TSQMetrics
import TSQModel
import TSQRelabel
import TSQScrape
import TSQTesting

/// A server over samples in memory at a fixed time.
enum APIFixture {
    static let nowMs: TimestampMs = 1_700_000_600_000

    struct FixedClock: WallClock {
        func nowMs() -> TimestampMs { APIFixture.nowMs }
        func monotonicNs() -> UInt64 { 0 }
    }

    /// Ten minutes at 15 s.
    static var source: MemorySource {
        func columns(_ value: (Int) -> Double) -> SampleColumns {
            var columns = SampleColumns()
            for step in 0...40 {
                columns.times.append(1_700_000_000_000 + Int64(step) * 15_000)
                columns.values.append(value(step))
            }
            return columns
        }
        var histogram = Histogram()
        histogram.positiveSpans = [HistogramSpan(offset: 0, length: 2)]
        histogram.positiveBuckets = [1, 2]
        histogram.count = 3
        histogram.sum = 3.5
        var native = SampleColumns()
        native.histograms.append(histogram, timeMs: nowMs - 10_000)
        return MemorySource([
            (LabelSet(["__name__": "up", "job": "node", "instance": "a:1"]), columns { _ in 1 }),
            (LabelSet(["__name__": "up", "job": "node", "instance": "b:1"]), columns { _ in 0 }),
            (
                LabelSet(["__name__": "requests_total", "path": "/a<b>&\"c\""]),
                columns { Double($0) * 30 }
            ),
            (LabelSet(["__name__": "http.requests", "k8s.name": "x"]), columns { Double($0) / 8 }),
            (LabelSet(["__name__": "odd"]), columns { $0 % 2 == 0 ? .nan : .infinity }),
            (LabelSet(["__name__": "native"]), native),
        ])
    }

    static func context() -> APIContext {
        let engine = QueryEngine()
        var context = APIContext(
            source: source, engine: { engine },
            metrics: PrometheusMetricsFactory(includesProcessMetrics: false))
        context.clock = FixedClock()
        context.options.startedMs = 1_700_000_000_000
        context.options.flags = ["query.timeout": "2m", "config.file": "a.yml"]
        context.options.workingDirectory = "/srv"
        context.options.hostname = "host"
        context.configText = { "global:\n  scrape_interval: 15s\n" }
        context.configState = { (true, 1_700_000_000_500) }
        context.externalLabels = { LabelSet(["cluster": "c1", "job": "external"]) }
        context.scrapePools = { [pool] }
        context.scrapePoolConfig = { name in
            name == "node"
                ? ScrapePoolConfig(
                    yaml: "- job_name: node\n",
                    relabelRules: (try? [
                        RelabelRule(
                            sourceLabels: ["__address__"], regex: "(.*):1", targetLabel: "host"),
                        RelabelRule(sourceLabels: ["host"], regex: "a", action: .keep),
                        RelabelRule(regex: "__.*", action: .labeldrop),
                    ]) ?? []) : nil
        }
        context.blocks = {
            [
                BlockStatus(
                    name: "00000001.block", minTimeMs: 1_700_000_000_000,
                    maxTimeMs: 1_700_000_100_000, sampleCount: 40, seriesCount: 4, chunkCount: 4,
                    byteCount: 2048, level: 1)
            ]
        }
        context.options.features = ["api": ["admin": false], "promql": ["bool": true, "at": true]]
        context.targetMetadata = { metadata }
        context.headStatus = { limit in
            var status = HeadStatus()
            status.seriesCount = 6
            status.labelPairCount = 9
            status.chunkCount = 12
            status.minTimeMs = 1_700_000_000_000
            status.maxTimeMs = nowMs
            let names: [HeadStatus.Entry] = [("up", 2), ("odd", 1)]
            status.seriesCountByMetricName = Array(names.prefix(limit))
            return status
        }
        return context
    }

    private static var pool: ScrapePoolStatus {
        var up = TargetStatus(
            discoveredLabels: LabelSet(["__address__": "a:1", "job": "node"]),
            labels: LabelSet(["instance": "a:1", "job": "node"]), scrapePool: "node",
            scrapeURL: "http://a:1/metrics", globalURL: "http://a:1/metrics",
            scrapeIntervalMs: 15_000, scrapeTimeoutMs: 10_000)
        up.health = .up
        up.lastScrapeMs = 1_700_000_599_250
        up.lastScrapeDurationSeconds = 0.0125
        var new = up
        new.health = .unknown
        new.lastScrapeMs = nil
        new.lastScrapeDurationSeconds = 0
        return ScrapePoolStatus(
            name: "node", active: [up, new],
            dropped: [
                DroppedTarget(
                    discoveredLabels: LabelSet(["__address__": "z:1"]), scrapePool: "node")
            ], droppedCount: 1)
    }

    private static var metadata: [TargetMetadata] {
        [
            TargetMetadata(
                target: LabelSet(["instance": "a:1", "job": "node"]),
                families: [
                    ("up", MetricMetadata(kind: .gauge, help: "Up <or> down.")),
                    ("requests", MetricMetadata(kind: .counter, help: "All.", unit: "")),
                ]),
            TargetMetadata(
                target: LabelSet(["instance": "b:1", "job": "node"]),
                families: [
                    ("up", MetricMetadata(kind: .gauge, help: "Up <or> down.")),
                    ("requests", MetricMetadata(kind: .counter, help: "Others.")),
                ]),
        ]
    }

    /// Takes deletions and snapshots without doing anything.
    static var admin: StoreAdmin {
        StoreAdmin(
            delete: { matchers, _, _, isDryRun throws(StoreAdmin.Failure) in
                if matchers.count > 1 { throw StoreAdmin.Failure("the disk is full") }
                return StoreAdmin.Deletion(
                    id: isDryRun ? nil : 7, seriesCount: 2, sampleCount: 80)
            },
            deletions: {
                [
                    StoreAdmin.PendingDeletion(
                        id: 7, selector: "up{job=\"a\"}", fromMs: 1_000, toMs: 2_500,
                        madeMs: nowMs, seriesCount: 2, sampleCount: 80)
                ]
            },
            undo: { id throws(StoreAdmin.Failure) in
                if id != 7 {
                    throw StoreAdmin.Failure("there is no deletion \(id)", isRequest: true)
                }
            },
            clean: {},
            snapshot: { $0 ? "20231114T222320Z-1" : "20231114T222320Z-2" })
    }

    static func withClient<Value: Sendable>(
        _ context: APIContext = context(), live: Bool = false,
        _ body: @Sendable (any TestClientProtocol) async throws -> Value
    ) async throws -> Value {
        let routes = try APIRoutes(context)
        defer { routes.shutDown() }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let application = APIServer(routes).application(
            host: "127.0.0.1", port: 0, logger: logger)
        return try await application.test(live ? .live : .router) { try await body($0) }
    }
}

/// One request of a golden file.
struct GoldenRequest {
    var method = "GET"
    var uri: String
    var form: String?
    var body: String?
    var headers: HTTPFields = [:]

    init(
        _ uri: String, method: String = "GET", form: String? = nil, body: String? = nil,
        headers: HTTPFields = [:]
    ) {
        self.uri = uri
        self.method = method
        self.form = form
        self.body = body
        self.headers = headers
    }

    /// Request, status, the headers that mean something, body.
    func transcript(_ client: any TestClientProtocol) async throws -> String {
        var headers = headers
        if form != nil { headers[.contentType] = "application/x-www-form-urlencoded" }
        let response = try await client.execute(
            uri: uri, method: HTTPRequest.Method(method) ?? .get, headers: headers,
            body: (form ?? body).map { ByteBuffer(string: $0) })
        var lines = ["> \(method) \(uri)"]
        if let form { lines.append("> \(form)") }
        if let body { lines += body.split(separator: "\n").map { "> \($0)" } }
        lines.append("< \(response.status.code)")
        for field in response.headers.sorted(by: { $0.name.rawName < $1.name.rawName })
        where !["date", "content-length"].contains(field.name.canonicalName) {
            lines.append("< \(field.name.canonicalName): \(field.value)")
        }
        lines.append(String(buffer: response.body))
        return lines.joined(separator: "\n") + "\n"
    }
}
