import ArgumentParser
import TSQBase
import TSQModel
import Testing

@testable import TSQCommand

@Suite("Command-line values")
struct ArgumentTests {
    @Test("a time is seconds, RFC 3339, now, or before now")
    func times() {
        func ms(_ text: String) -> Int64? {
            TimeArgument(argument: text)?.resolved(nowMs: 1_000_000)
        }
        #expect(ms("now") == 1_000_000)
        #expect(ms("-5m") == 700_000)
        #expect(ms("12.5") == 12_500)
        #expect(ms("1970-01-01T00:00:10Z") == 10_000)
        #expect(ms("yesterday") == nil)
    }

    @Test("a duration is a Prometheus duration or seconds")
    func durations() {
        #expect(DurationArgument(argument: "1h30m")?.ms == 5_400_000)
        #expect(DurationArgument(argument: "15")?.ms == 15_000)
        #expect(DurationArgument(argument: "x") == nil)
    }

    @Test("flags without a meaning are taken out with their values")
    func ignoredFlags() {
        let (rest, ignored) = IgnoredFlags.split([
            "--config.file=a.yml", "--web.console.templates=/x", "--storage.tsdb.wal-compression",
            "--web.page-title", "T", "--no-storage.tsdb.no-lockfile", "--log.level=warn",
        ])
        #expect(rest == ["--config.file=a.yml", "--log.level=warn"])
        #expect(
            ignored == [
                "--web.console.templates", "--storage.tsdb.wal-compression", "--web.page-title",
                "--storage.tsdb.no-lockfile",
            ])
    }

    @Test("addresses are host and port, the host may be missing or in brackets")
    func addresses() {
        #expect(ListenAddress("127.0.0.1:9090")?.port == 9090)
        #expect(ListenAddress(":9090")?.host == "0.0.0.0")
        #expect(ListenAddress("[::1]:80")?.host == "::1")
        #expect(ListenAddress("9090") == nil)
        #expect(ListenAddress("a:70000") == nil)
    }

    @Test("URLs become one section for each way to reach a page")
    func scrapeConfig() throws {
        let command = try ScrapeCommand.parse([
            "127.0.0.1:9100", "http://b:1/metrics", "https://c:2/m", "--data", "d", "--interval",
            "1s",
        ])
        #expect(
            try command.yaml() == """
                global:
                  scrape_interval: 1s
                  scrape_timeout: 1s
                scrape_configs:
                  - job_name: "scrape"
                    scheme: http
                    metrics_path: "/metrics"
                    fallback_scrape_protocol: PrometheusText0.0.4
                    static_configs:
                      - targets: ["127.0.0.1:9100", "b:1"]
                        labels: {job: "scrape"}
                  - job_name: "scrape-2"
                    scheme: https
                    metrics_path: "/m"
                    fallback_scrape_protocol: PrometheusText0.0.4
                    static_configs:
                      - targets: ["c:2"]
                        labels: {job: "scrape"}

                """)
    }
}
