import TSQBase
import TSQModel
import TSQRelabel

/// The exposition formats a scrape can ask for, by their names in the configuration.
package enum ScrapeProtocol: String, Sendable, CaseIterable {
    case openMetricsText0_0_1 = "OpenMetricsText0.0.1"
    case openMetricsText1_0_0 = "OpenMetricsText1.0.0"
    case prometheusProto = "PrometheusProto"
    case prometheusText0_0_4 = "PrometheusText0.0.4"
    case prometheusText1_0_0 = "PrometheusText1.0.0"

    /// What is asked for when the configuration says nothing, the most wanted first.
    package static let defaults: [ScrapeProtocol] = [
        .openMetricsText1_0_0, .openMetricsText0_0_1, .prometheusText1_0_0, .prometheusText0_0_4,
    ]
}

/// Limits of one scrape; 0 means none. What is beyond a limit rejects the whole scrape.
package struct ScrapeLimits: Hashable, Sendable {
    package var bodyBytes = 0
    package var samples = 0
    package var labels = 0
    package var labelNameBytes = 0
    package var labelValueBytes = 0
    package var targets = 0
    package var keepDroppedTargets = 0

    package init() {}
}

/// Targets that are written down, with the labels they share.
package struct StaticConfig: Hashable, Sendable {
    package var targets: [String]
    package var labels: LabelSet

    package init(targets: [String], labels: LabelSet = LabelSet()) {
        self.targets = targets
        self.labels = labels
    }
}

/// One `scrape_configs` entry with the global values filled in.
package struct ScrapeConfig: Sendable {
    package var jobName: String
    package var scrapeIntervalMs: Int64 = 60_000
    package var scrapeTimeoutMs: Int64 = 10_000
    package var metricsPath = "/metrics"
    package var scheme = "http"
    /// In the order of names; a name may have several values.
    package var params: [(name: String, values: [String])] = []
    package var honorLabels = false
    package var honorTimestamps = true
    package var trackTimestampsStaleness = false
    package var scrapeProtocols = ScrapeProtocol.defaults
    package var fallbackScrapeProtocol: ScrapeProtocol?
    package var enableCompression = true
    package var scrapeNativeHistograms = false
    package var convertClassicHistogramsToNHCB = false
    package var alwaysScrapeClassicHistograms = false
    package var nativeHistogramBucketLimit = 0
    package var nativeHistogramMinBucketFactor: Double = 0
    package var extraScrapeMetrics = false
    package var scrapeFailureLogFile = ""
    package var nameScheme = NameScheme(validation: "utf8", escaping: "allow-utf-8")
    package var limits = ScrapeLimits()
    package var httpClient = HTTPClientConfig()
    package var staticConfigs: [StaticConfig] = []
    package var relabelRules: [RelabelRule] = []
    package var metricRelabelRules: [RelabelRule] = []
    /// Service discovery sections other than `static_configs`, by their keys: accepted, not used yet.
    package var discoveryKeys: [String] = []
    /// The effective section as YAML, secrets hidden. Two configurations with equal texts and equal
    /// `httpClient` scrape the same way.
    package var yaml = ""
    var effective = YAMLTree.map([])

    package init(jobName: String) { self.jobName = jobName }
}

/// The `global` section with defaults.
package struct GlobalConfig: Sendable {
    package var scrapeIntervalMs: Int64 = 60_000
    package var scrapeTimeoutMs: Int64 = 10_000
    package var evaluationIntervalMs: Int64 = 60_000
    package var ruleQueryOffsetMs: Int64 = 0
    package var externalLabels = LabelSet()
    package var queryLogFile = ""
    package var scrapeFailureLogFile = ""
    package var limits = ScrapeLimits()
    /// nil: not set.
    package var scrapeProtocols: [ScrapeProtocol]?
    package var scheme = NameScheme()
    package var scrapeNativeHistograms = false
    package var convertClassicHistogramsToNHCB = false
    package var alwaysScrapeClassicHistograms = false
    package var extraScrapeMetrics = false

    package init() {}
}

/// A configuration file, checked and complete.
package struct ServerConfig: Sendable {
    package var global = GlobalConfig()
    package var scrapeConfigs: [ScrapeConfig] = []
    /// Patterns as written; relative ones count from the file's directory.
    package var ruleFiles: [String] = []
    /// Patterns of files with more scrape configurations; `load` has read them.
    package var scrapeConfigFiles: [String] = []
    package var storage = StorageConfig()
    /// The effective configuration with defaults, secrets as `<secret>`: `/api/v1/status/config`.
    package var yaml = ""
    /// What is accepted but does nothing yet, one line for all of it, empty when there is nothing.
    package var warnings: [String] = []

    package init() {}
}

/// The `storage` section.
package struct StorageConfig: Sendable {
    package var outOfOrderTimeWindowMs: Int64 = 0
    /// nil: not set in the file; the flag or its default counts.
    package var retentionTimeMs: Int64?
    package var retentionBytes: Int64?
    package var retentionPercentage: Double?
    package var exemplarsMax: Int?

    package init() {}
}
