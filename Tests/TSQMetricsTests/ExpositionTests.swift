import Metrics
import TSQBase
import TSQMetrics
import Testing

@Suite("PrometheusMetricsFactory")
struct PrometheusMetricsFactoryTests {
    private func page(
        _ metrics: PrometheusMetricsFactory, _ format: MetricsPageFormat = .text
    ) -> String {
        String(decoding: metrics.exposition(format), as: UTF8.self)
    }

    @Test("counters, gauges and timers print as families sorted by name, series by labels")
    func families() {
        let metrics = PrometheusMetricsFactory(includesProcessMetrics: false)
        metrics.register(help: "All requests\nby path.", for: "http_requests_total")
        metrics.register(help: "Time.", buckets: [0.5, 0.25, 1], for: "response_seconds")
        let b = metrics.makeCounter(
            label: "http_requests_total", dimensions: [("path", "/b"), ("method", "GET")])
        let a = metrics.makeCounter(
            label: "http_requests_total", dimensions: [("method", "GET"), ("path", "/a\"\\\n")])
        b.increment(by: 3)
        a.increment(by: 1)
        b.increment(by: -5)
        let meter = metrics.makeMeter(label: "clients.connected", dimensions: [])
        meter.set(Int64(2))
        meter.increment(by: 1.5)
        meter.decrement(by: 0.25)
        let timer = metrics.makeTimer(label: "response_seconds", dimensions: [("path", "/a")])
        timer.recordNanoseconds(250_000_000)
        timer.recordNanoseconds(2_000_000_000)
        #expect(
            page(metrics) == """
                # TYPE clients_connected gauge
                clients_connected 3.25
                # HELP http_requests_total All requests\\nby path.
                # TYPE http_requests_total counter
                http_requests_total{method="GET",path="/a\\"\\\\\\n"} 1
                http_requests_total{method="GET",path="/b"} 3
                # HELP response_seconds Time.
                # TYPE response_seconds histogram
                response_seconds_bucket{path="/a",le="0.25"} 1
                response_seconds_bucket{path="/a",le="0.5"} 1
                response_seconds_bucket{path="/a",le="1"} 1
                response_seconds_bucket{path="/a",le="+Inf"} 2
                response_seconds_sum{path="/a"} 2.25
                response_seconds_count{path="/a"} 2

                """)
    }

    @Test("OpenMetrics names the counter family without its suffix and ends with EOF")
    func openMetrics() {
        let metrics = PrometheusMetricsFactory(includesProcessMetrics: false)
        metrics.makeFloatingPointCounter(label: "cpu_seconds_total", dimensions: [])
            .increment(by: 0.5)
        metrics.register(buckets: [1], for: "size")
        metrics.makeRecorder(label: "size", dimensions: [], aggregate: true).record(Int64(7))
        #expect(
            page(metrics, .openMetrics) == """
                # TYPE cpu_seconds counter
                cpu_seconds_total 0.5
                # TYPE size histogram
                size_bucket{le="1.0"} 0
                size_bucket{le="+Inf"} 1
                size_sum 7
                size_count 1
                # EOF

                """)
    }

    @Test("the same label and dimensions are one series, in any order of the dimensions")
    func sameSeries() {
        let metrics = PrometheusMetricsFactory(includesProcessMetrics: false)
        for dimensions in [[("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")]] {
            metrics.makeCounter(label: "c", dimensions: dimensions).increment(by: 1)
            metrics.makeFloatingPointCounter(label: "c", dimensions: dimensions)
                .increment(by: 0.25)
        }
        #expect(page(metrics) == "# TYPE c counter\nc{a=\"1\",b=\"2\"} 2.5\n")
    }

    @Test("a name that is used as another kind later keeps its first kind")
    func kindConflict() {
        let metrics = PrometheusMetricsFactory(includesProcessMetrics: false)
        metrics.makeCounter(label: "x", dimensions: []).increment(by: 1)
        metrics.makeMeter(label: "x", dimensions: []).set(Int64(9))
        #expect(page(metrics) == "# TYPE x counter\nx 1\n")
    }

    @Test("collectors run before the page is written")
    func collectors() {
        let metrics = PrometheusMetricsFactory(includesProcessMetrics: false)
        metrics.onExposition { [weak metrics] in
            metrics?.makeMeter(label: "now", dimensions: []).set(Int64(4))
        }
        #expect(page(metrics).hasSuffix("now 4\n"))
    }

    @Test("increments from many tasks are all counted")
    func concurrent() async {
        let metrics = PrometheusMetricsFactory(includesProcessMetrics: false)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let counter = metrics.makeFloatingPointCounter(label: "n", dimensions: [])
                    for _ in 0..<1000 { counter.increment(by: 0.5) }
                }
            }
        }
        #expect(page(metrics).hasSuffix("n 4000\n"))
    }

    @Test("events of the lower layers are counted under their names and labels")
    func eventSink() {
        let metrics = PrometheusMetricsFactory(includesProcessMetrics: false)
        let sink = MetricsEventSink(metrics: metrics) { _, _, _ in }
        sink.count("tsq_lost_total", by: 2, labels: [(name: "reason", value: "crc")])
        sink.count("tsq_lost_total", by: 3, labels: [(name: "reason", value: "crc")])
        #expect(page(metrics).hasSuffix("tsq_lost_total{reason=\"crc\"} 5\n"))
    }

    #if os(Linux)
        @Test("the process metrics are those of this process")
        func process() throws {
            let text = page(PrometheusMetricsFactory())
            func value(_ name: String) throws -> Double {
                let line = try #require(
                    text.split(separator: "\n").first { $0.hasPrefix(name + " ") })
                return try #require(Double(line.split(separator: " ")[1]))
            }
            #expect(try value("process_resident_memory_bytes") > 1_000_000)
            #expect(
                try value("process_virtual_memory_bytes")
                    > value("process_resident_memory_bytes"))
            #expect(try value("process_open_fds") >= 3)
            #expect(try value("process_max_fds") >= value("process_open_fds"))
            #expect(try value("process_threads") >= 1)
            #expect(try value("process_cpu_seconds_total") >= 0)
            let now = Double(SystemClock().nowMs()) / 1000
            let started = try value("process_start_time_seconds")
            #expect(started < now + 1 && started > now - 3600)
        }
    #endif
}

@Suite("MetricsPageFormat")
struct MetricsPageFormatTests {
    @Test(
        "the format with the highest weight that is known is chosen",
        arguments: [
            (nil, MetricsPageFormat.text),
            ("*/*", .text),
            ("application/openmetrics-text;version=1.0.0", .openMetrics),
            ("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", .text),
            (
                "application/openmetrics-text; version=1.0.0; q=0.5, text/plain;version=0.0.4",
                .text
            ),
            ("application/openmetrics-text;version=1.0.0;q=0.7,text/plain;q=0.3", .openMetrics),
            ("image/png", .text),
        ] as [(String?, MetricsPageFormat)])
    func negotiation(accept: String?, format: MetricsPageFormat) {
        #expect(MetricsPageFormat.negotiate(accept: accept) == format)
    }
}
