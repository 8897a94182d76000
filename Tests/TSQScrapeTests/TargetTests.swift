import TSQBase
import TSQConfig
import TSQExposition
import TSQModel
import TSQRelabel
import Testing

@testable import TSQScrape

@Suite struct TargetTests {
    @Test("a static entry becomes a target with job, instance and URL")
    func plain() throws {
        var config = ScrapeConfig(jobName: "node")
        config.params = [("collect", ["cpu", "mem"]), ("x y", ["a&b"])]
        config.staticConfigs = [
            StaticConfig(targets: ["h:9100", "h:9100"], labels: LabelSet(["env": "test"]))
        ]
        let outcomes = Target.all(config)
        #expect(outcomes.count == 1)
        guard case .target(let target) = outcomes[0] else {
            Issue.record("no target")
            return
        }
        #expect(target.labels == LabelSet(["env": "test", "instance": "h:9100", "job": "node"]))
        #expect(target.url == "http://h:9100/metrics?collect=cpu&collect=mem&x+y=a%26b")
        #expect(target.intervalMs == 60_000 && target.timeoutMs == 10_000)
        #expect(target.discoveredLabels["__scrape_interval__"] == "1m")
        #expect(target.discoveredLabels["__param_collect"] == "cpu")
    }

    @Test("relabelling can change the address, the path and the interval, or drop the target")
    func relabelled() throws {
        var config = ScrapeConfig(jobName: "node")
        config.relabelRules = [
            try RelabelRule(
                sourceLabels: ["__address__"], regex: "(.*):1", targetLabel: "__address__",
                replacement: "$1:2"),
            try RelabelRule(targetLabel: "__metrics_path__", replacement: "/m"),
            try RelabelRule(targetLabel: "__param_t", replacement: "v"),
            try RelabelRule(targetLabel: "__scrape_interval__", replacement: "30s"),
            try RelabelRule(sourceLabels: ["__address__"], regex: "gone:2", action: .drop),
        ]
        config.staticConfigs = [StaticConfig(targets: ["h:1", "gone:1"])]
        let outcomes = Target.all(config)
        guard case .target(let target) = outcomes[0], case .dropped(let labels) = outcomes[1]
        else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(target.url == "http://h:2/m?t=v")
        #expect(target.intervalMs == 30_000)
        #expect(target.labels == LabelSet(["instance": "h:2", "job": "node"]))
        #expect(labels["__address__"] == "gone:1")
    }

    @Test("an entry that cannot be scraped says why")
    func invalid() throws {
        var config = ScrapeConfig(jobName: "node")
        config.relabelRules = [
            try RelabelRule(targetLabel: "__scrape_timeout__", replacement: "2m")
        ]
        config.staticConfigs = [StaticConfig(targets: ["h:1", "http://h"])]
        var reasons: [String] = []
        for case .invalid(let reason) in Target.all(config) { reasons.append(reason) }
        #expect(
            reasons == [
                "scrape timeout cannot be greater than scrape interval (\"2m\" > \"1m\")",
                "\"http://h\" is not a valid hostname",
            ])
    }

    @Test("the request asks for the configured formats in order")
    func accept() {
        let config = ScrapeConfig(jobName: "x")
        #expect(
            Negotiation.accept(config)
                == "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                + "application/openmetrics-text;version=0.0.1;q=0.5,"
                + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
    }

    @Test("the answer's type decides how it is read")
    func contentType() throws {
        #expect(
            try Negotiation.format(
                "application/openmetrics-text; version=1.0.0; charset=utf-8", fallback: nil)
                == .openMetrics)
        #expect(
            try Negotiation.format("text/plain; version=0.0.4", fallback: nil) == .prometheusText)
        #expect(
            try Negotiation.format("text/html", fallback: .prometheusText0_0_4) == .prometheusText)
        #expect(throws: ScrapeFailure.self) { try Negotiation.format("", fallback: nil) }
        #expect(throws: ScrapeFailure.self) { try Negotiation.format("text/html", fallback: nil) }
    }
}
