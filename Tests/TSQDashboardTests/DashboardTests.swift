import Foundation
import TSQBase
import TSQConfig
import TSQEngine
import TSQExposition
import TSQHTTP
import TSQJSON
import TSQModel
import TSQStore
import Testing

@testable import TSQScrape

/// The article's dashboard over recorded pages: scraper, store and engine as in the program, only the
/// fetching and the clock are the test's.
@Suite("The dashboard over recorded pages")
struct DashboardTests {
    /// The container's samples carry the time of the recording.
    static let startMs: TimestampMs = 1_795_462_661_700

    static let expressions = [
        "rate(http_requests_total[5m])",
        "rate(http_response_time_seconds_sum[5m]) / rate(http_response_time_seconds_count[5m])",
        #"increase(http_requests_total{method="GET",path="/planets"}[1m])"#,
        #"sum(increase(http_response_time_seconds_bucket{path="/planets"}[30s])) by (le)"#,
        "http_connected_sse_clients",
        #"rate(process_cpu_seconds_total{job="mongodb_redis_web_app"}[1m])"#,
        "sum(rate(container_cpu_usage_seconds_total{name='mongodb-redis'}[1m])) by (name)",
        #"process_resident_memory_bytes{job="mongodb_redis_web_app"} / 1024 / 1024"#,
        #"container_memory_usage_bytes{name="mongodb-redis"} / 1024 / 1024"#,
    ]

    static let config = """
        scrape_configs:
          - job_name: mongodb_redis_web_app
            scrape_interval: 5s
            static_configs: [{targets: ['planets:9000']}]
          - job_name: cadvisor
            scrape_interval: 5s
            static_configs: [{targets: ['cadvisor:8080']}]
        """

    struct FixedClock: WallClock {
        func nowMs() -> TimestampMs { DashboardTests.startMs + 200_000 }
        func monotonicNs() -> UInt64 { 0 }
    }

    @Test("every expression gives the recorded answer, before and after a restart")
    func answers() throws {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "tsq-dashboard-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try Self.open(directory)
        try Self.scrape(into: store)
        try Self.expectGoldens(store)
        try store.close()
        let reopened = try Self.open(directory)
        try Self.expectGoldens(reopened)
        try reopened.close()
    }

    private static func open(_ directory: String) throws -> Store {
        var options = StoreOptions()
        options.runsInBackground = false
        return try Store.open(directory: directory, options: options, clock: FixedClock())
    }

    private static func scrape(into store: Store) throws {
        let sections = try ServerConfig.parse(config).scrapeConfigs
        for (section, name) in zip(sections, ["app", "container"]) {
            guard case .target(let target) = Target.all(section).first else {
                Issue.record("no target in \(section.jobName)")
                return
            }
            let scraper = TargetScraper(
                target, section, appender: store, events: NullEventSink())
            for page in try RecordedPages(name).pages {
                let outcome = scraper.commit(
                    .page(body: page.body, format: .prometheusText),
                    timeMs: startMs + page.offsetMs, startedNs: 0, nowNs: { 1_000_000 })
                #expect(outcome.error == nil)
            }
        }
    }

    /// Range queries at 15 s steps, off the samples' milliseconds.
    private static func expectGoldens(_ store: Store) throws {
        let engine = QueryEngine(options: EngineOptions())
        for (index, expression) in expressions.enumerated() {
            let result = try engine.range(
                expression, startMs: startMs + 10_456, endMs: startMs + 145_456, stepMs: 15_000,
                from: store)
            var writer = JSONWriter()
            writer.queryData(result, statistics: nil)
            // A line a point: a changed answer is then a readable difference.
            let text = String(decoding: writer.bytes, as: UTF8.self)
                .replacingOccurrences(of: "],[", with: "],\n[")
                .replacingOccurrences(of: "{\"metric\"", with: "\n{\"metric\"")
            try expectGolden("dashboard-\(index + 1)", "\(expression)\n\(text)\n")
        }
    }

    private static func expectGolden(_ name: String, _ text: String) throws {
        let file = RecordedPages.root.appending(path: "testdata/golden/dashboard/\(name).txt")
        if ProcessInfo.processInfo.environment["TSQ_UPDATE_GOLDENS"] != nil {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let expected = try String(contentsOf: file, encoding: .utf8)
        #expect(text == expected, "\(name): `make goldens` writes the files anew")
    }
}
