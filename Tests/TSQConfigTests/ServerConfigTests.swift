import Foundation
import TSQBase
import TSQModel
import Testing

@testable import TSQConfig

@Suite struct ServerConfigTests {
    static let article = """
        scrape_configs:

          - job_name: web_app
            scrape_interval: 5s
            static_configs:
              # a comment
              - targets: ['host.docker.internal:9000']

          - job_name: cadvisor
            scrape_interval: 20s
            static_configs:
              - targets: ['cadvisor:8080']
                labels: {env: prod}

        rule_files:
          - 'rules.yml'

        alerting:
          alertmanagers:
            - static_configs:
                - targets: ['alertmanager:9093']
        """

    @Test("a common configuration is read with its defaults")
    func common() throws {
        let config = try ServerConfig.parse(Self.article, directory: "/etc/p")
        #expect(config.scrapeConfigs.map(\.jobName) == ["web_app", "cadvisor"])
        #expect(config.scrapeConfigs.map(\.scrapeIntervalMs) == [5000, 20_000])
        #expect(config.scrapeConfigs.map(\.scrapeTimeoutMs) == [5000, 10_000])
        #expect(config.scrapeConfigs[1].staticConfigs[0].labels == LabelSet(["env": "prod"]))
        #expect(config.ruleFiles == ["/etc/p/rules.yml"])
        #expect(config.warnings.isEmpty)
        #expect(config.global.evaluationIntervalMs == 60_000)
    }

    @Test("an empty file is a configuration")
    func empty() throws {
        for text in ["", "# nothing\n", "global:\n", "{}"] {
            #expect(try ServerConfig.parse(text).scrapeConfigs.isEmpty)
        }
    }

    @Test("the effective configuration has defaults and Prometheus's layout")
    func effective() throws {
        let config = try ServerConfig.parse(Self.article, directory: "/etc/p")
        #expect(
            config.yaml == """
                global:
                  scrape_interval: 1m
                  scrape_timeout: 10s
                  evaluation_interval: 1m
                  metric_name_validation_scheme: utf8
                  scrape_native_histograms: false
                runtime:
                  gogc: 75
                alerting:
                  alertmanagers:
                  - static_configs:
                    - targets:
                      - alertmanager:9093
                rule_files:
                - /etc/p/rules.yml
                scrape_configs:
                - job_name: web_app
                  honor_timestamps: true
                  track_timestamps_staleness: false
                  scrape_interval: 5s
                  scrape_timeout: 5s
                  scrape_protocols:
                  - OpenMetricsText1.0.0
                  - OpenMetricsText0.0.1
                  - PrometheusText1.0.0
                  - PrometheusText0.0.4
                  scrape_native_histograms: false
                  always_scrape_classic_histograms: false
                  convert_classic_histograms_to_nhcb: false
                  metrics_path: /metrics
                  scheme: http
                  enable_compression: true
                  metric_name_validation_scheme: utf8
                  metric_name_escaping_scheme: allow-utf-8
                  extra_scrape_metrics: false
                  follow_redirects: true
                  enable_http2: true
                  static_configs:
                  - targets:
                    - host.docker.internal:9000
                - job_name: cadvisor
                  honor_timestamps: true
                  track_timestamps_staleness: false
                  scrape_interval: 20s
                  scrape_timeout: 10s
                  scrape_protocols:
                  - OpenMetricsText1.0.0
                  - OpenMetricsText0.0.1
                  - PrometheusText1.0.0
                  - PrometheusText0.0.4
                  scrape_native_histograms: false
                  always_scrape_classic_histograms: false
                  convert_classic_histograms_to_nhcb: false
                  metrics_path: /metrics
                  scheme: http
                  enable_compression: true
                  metric_name_validation_scheme: utf8
                  metric_name_escaping_scheme: allow-utf-8
                  extra_scrape_metrics: false
                  follow_redirects: true
                  enable_http2: true
                  static_configs:
                  - targets:
                    - cadvisor:8080
                    labels:
                      env: prod
                otlp:
                  translation_strategy: UnderscoreEscapingWithSuffixes
                  label_name_underscore_sanitization: true
                  label_name_preserve_multiple_underscores: true

                """)
        // What is printed means the same when it is read again.
        let again = try ServerConfig.parse(config.yaml)
        #expect(again.yaml == config.yaml)
    }

    @Test("secrets are hidden wherever a configuration is shown")
    func secrets() throws {
        let text = """
            scrape_configs:
              - job_name: a
                basic_auth: {username: me, password: hunter2}
                http_headers: {X-Key: {secrets: [hunter2]}}
                http_sd_configs: [{url: 'http://me:hunter2@h/', authorization: {credentials: hunter2}}]
              - job_name: b
                authorization: {credentials: hunter2}
                proxy_url: http://me:hunter2@proxy:3128
                tls_config: {cert: x, key: hunter2}
            remote_write:
              - url: http://me:hunter2@h/push
                basic_auth: {username: me, password: hunter2}
            """
        let config = try ServerConfig.parse(text)
        #expect(!config.yaml.contains("hunter2"))
        #expect(config.yaml.contains("password: <secret>"))
        let first = config.scrapeConfigs[0].httpClient
        #expect(first.basicAuth?.password.revealed == "hunter2")
        #expect(!"\(config)".contains("hunter2: "))
        #expect(!"\(first)".contains("hunter2"))
        #expect(!String(reflecting: first.basicAuth).contains("hunter2"))
    }

    @Test(
        "every error has its line",
        arguments: [
            ("global:\n  scrape_intervall: 5s\n", 2, "field scrape_intervall not found in type"),
            ("global:\n  scrape_interval: 5\n", 2, "not a valid duration string: \"5\""),
            ("global:\n  scrape_timeout: 2m\n", 2, "global scrape timeout greater than scrape"),
            ("scrape_configs:\n- job_name: a\n  honor_labels: maybe\n", 3, "into bool"),
            ("scrape_configs:\n- job_name: a\n  sample_limit: -1\n", 3, "into uint"),
            ("scrape_configs:\n- job_name: a\n- job_name: a\n", 3, "found multiple scrape"),
            ("scrape_configs:\n- metrics_path: /x\n", 2, "job_name is empty"),
            ("scrape_configs: 5\n", 1, "cannot unmarshal !!int `5` into []string"),
            ("a: [1\n", 2, "yaml: line 2"),
            ("rule_files: [a]\nrule_files: [b]\n", 1, "already set in map"),
            (
                "scrape_configs:\n- job_name: a\n  relabel_configs:\n  - regex: '('\n"
                    + "    target_label: x\n", 4, "error parsing regexp"
            ),
            (
                "scrape_configs:\n- job_name: a\n  relabel_configs:\n  - action: swap\n", 4,
                "unknown relabel action \"swap\""
            ),
        ])
    func errors(text: String, line: Int, message: String) {
        let error = #expect(throws: ConfigError.self) { try ServerConfig.parse(text) }
        #expect(error?.line == line, "\(error.map(String.init(describing:)) ?? "")")
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test("what has no effect yet is named in one line")
    func warnings() throws {
        let config = try ServerConfig.parse(
            """
            remote_write: [{url: 'http://h/push'}]
            scrape_configs:
              - {job_name: a, dns_sd_configs: [{names: [x]}], file_sd_configs: [{files: ['x.json']}]}
              - {job_name: b, dns_sd_configs: [{names: [x]}]}
            """)
        #expect(
            config.warnings == [
                "accepted without effect in this version: remote_write, dns_sd_configs, "
                    + "file_sd_configs"
            ])
    }

    @Test("environment variables stand in external labels")
    func environment() {
        let values = ["HOST": "h1", "A_B": "x"]
        let cases = [
            ("plain", "plain"), ("$HOST", "h1"), ("${HOST}:${A_B}", "h1:x"), ("$A_B-$", "x-"),
            ("$$HOST", "$HOST"), ("${NONE}x", "x"), ("a$HOST.b", "ah1.b"),
        ]
        for (text, expected) in cases {
            let found = GlobalConfig.expandEnvironment(text) { values[$0] }
            #expect(found == expected, "\(text)")
        }
    }

    @Test("sizes have units of 1024")
    func sizes() throws {
        #expect(try ByteSize.parse("10MB") == 10 << 20)
        #expect(try ByteSize.parse("1.5KiB") == 1536)
        #expect(try ByteSize.parse("-1GB") == -(1 << 30))
        #expect(throws: ByteSize.Failure.self) { try ByteSize.parse("100") }
        #expect(throws: ByteSize.Failure.self) { try ByteSize.parse("1XB") }
        #expect(throws: ByteSize.Failure.self) { try ByteSize.parse("99999999EB") }
        #expect(ByteSize.format(-(1 << 30)) == "-1GiB")
        #expect(ByteSize.format(1536) == "1KiB512B")
    }

    @Test("more scrape configurations come from other files")
    func files() throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("tsq-config-\(UInt64.random(in: .min ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: directory.appendingPathComponent(name))
        }
        try write(
            "main.yml", "scrape_config_files: ['jobs_*.yml']\nscrape_configs: [{job_name: a}]")
        try write("jobs_1.yml", "scrape_configs: [{job_name: b}]")
        try write("jobs_2.yml", "scrape_configs: [{job_name: c}]")
        let path = directory.appendingPathComponent("main.yml").path
        #expect(try ServerConfig.load(path: path).scrapeConfigs.map(\.jobName) == ["a", "b", "c"])
        try write("jobs_2.yml", "scrape_configs:\n- job_name: b")
        let error = #expect(throws: ConfigError.self) { try ServerConfig.load(path: path) }
        #expect(error?.line == 2)
        #expect(error?.file?.hasSuffix("jobs_2.yml") == true)
        let missing = #expect(throws: ConfigError.self) { try ServerConfig.load(path: path + "x") }
        #expect(missing?.message.hasSuffix("no such file or directory") == true)
    }

    @Test("any text, however damaged, is read or refused", arguments: [UInt64(1), 2])
    func damage(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bytes = Array(
            (Self.article
                + "\nglobal: {sample_limit: 99999999999999999999:59, body_size_limit: 1e9MB}\n")
                .utf8)
        let pieces = [
            "{", "}", "[", "]", ": ", "- ", "&a ", "*a", "'", "\"", "\n", "1:2:3", "~", "!!int ",
        ]
        for _ in 0..<1500 {
            var copy = bytes
            for _ in 0..<(1 + random.next() % 4) {
                let at = Int(random.next() % UInt64(copy.count))
                switch random.next() % 3 {
                case 0: copy[at] = UInt8(truncatingIfNeeded: random.next())
                case 1: copy.removeSubrange(at..<min(copy.count, at + Int(random.next() % 30)))
                default:
                    let piece = pieces[Int(random.next() % UInt64(pieces.count))]
                    copy.insert(contentsOf: Array(piece.utf8), at: at)
                }
                if copy.isEmpty { copy = [0x0A] }
            }
            _ = try? ServerConfig.parse(String(decoding: copy, as: UTF8.self))
        }
    }
}
