import TSQBase
import TSQEngine
import TSQMetrics
import TSQModel
import TSQScrape

/// What the routes need from outside. TSQHTTP knows neither store nor configuration file.
package struct APIContext: Sendable {
    package var source: any SeriesSource
    /// The engine of now: a reload may bring another.
    package var engine: @Sendable () -> QueryEngine
    package var metrics: PrometheusMetricsFactory
    package var clock: any WallClock = SystemClock()
    package var events: any EventSink = NullEventSink()
    package var options = APIOptions()

    /// The state of the scraper, by pool.
    package var scrapePools: @Sendable () -> [ScrapePoolStatus] = { [] }
    /// A pool's configuration by its name.
    package var scrapePoolConfig: @Sendable (String) -> ScrapePoolConfig? = { _ in nil }
    /// Metadata of the active targets.
    package var targetMetadata: @Sendable () -> [TargetMetadata] = { [] }
    /// The effective configuration as YAML.
    package var configText: @Sendable () -> String = { "" }
    package var externalLabels: @Sendable () -> LabelSet = { LabelSet() }
    /// Whether the last reload went well, and when it was.
    package var configState: @Sendable () -> (isGood: Bool, loadedMs: TimestampMs) = { (true, 0) }
    /// Numbers of the store's head; `limit` entries a list.
    package var headStatus: @Sendable (_ limit: Int) -> HeadStatus = { _ in HeadStatus() }
    package var isReady: @Sendable () -> Bool = { true }
    /// Why no samples are taken; nil while they are.
    package var readOnlyReason: @Sendable () -> String? = { nil }
    package var blocks: @Sendable () -> [BlockStatus] = { [] }
    /// Deletion and snapshots; nil while the admin endpoints are off.
    package var admin: StoreAdmin?
    /// Takes samples of any time; nil while the endpoint is off.
    package var importer: (any SampleAppender)?
    /// Reads the configuration again; nil while the lifecycle endpoints are off.
    package var reload: (@Sendable () async throws -> Void)?
    /// Ends the process; nil while the lifecycle endpoints are off.
    package var quit: (@Sendable () -> Void)?

    package init(
        source: any SeriesSource, engine: @escaping @Sendable () -> QueryEngine,
        metrics: PrometheusMetricsFactory
    ) {
        self.source = source
        self.engine = engine
        self.metrics = metrics
    }
}

/// Settings of the HTTP API.
package struct APIOptions: Sendable {
    /// Values of all flags by name, for `status/flags`.
    package var flags: [String: String] = [:]
    package var queryConcurrency = 20
    /// `promql-per-step-stats`
    package var tellsStepStatistics = false
    /// A regular expression; the default allows every origin.
    package var corsOrigin = ".*"
    package var storageRetention = "15d"
    package var workingDirectory = ""
    package var hostname = ""
    package var startedMs: TimestampMs = 0
    package var processorCount = 1
    /// What programs that look at a Prometheus's version are to see.
    package var version = "3.14.0"
    package var revision = ""
    /// What is turned on, by area, for `features`.
    package var features: [String: [String: Bool]] = [:]

    package init() {}
}

/// One block for `status/tsdb/blocks`.
package struct BlockStatus: Sendable {
    package var name: String
    package var minTimeMs: TimestampMs
    package var maxTimeMs: TimestampMs
    package var sampleCount: UInt64
    package var seriesCount: UInt64
    package var chunkCount: UInt64
    package var byteCount: UInt64
    package var level: Int

    package init(
        name: String, minTimeMs: TimestampMs, maxTimeMs: TimestampMs, sampleCount: UInt64,
        seriesCount: UInt64, chunkCount: UInt64, byteCount: UInt64, level: Int
    ) {
        self.name = name
        self.minTimeMs = minTimeMs
        self.maxTimeMs = maxTimeMs
        self.sampleCount = sampleCount
        self.seriesCount = seriesCount
        self.chunkCount = chunkCount
        self.byteCount = byteCount
        self.level = level
    }
}
