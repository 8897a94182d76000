import TSQBase
import TSQModel

package enum TargetHealth: String, Sendable { case unknown, up, down }

/// What is known about one active target: a row of `/api/v1/targets`.
package struct TargetStatus: Sendable {
    package var discoveredLabels: LabelSet
    /// What its series get; without the labels that begin with `__`.
    package var labels: LabelSet
    package var scrapePool: String
    package var scrapeURL: String
    /// The URL with a host that other machines reach.
    package var globalURL: String
    package var lastError = ""
    /// nil before the first scrape.
    package var lastScrapeMs: TimestampMs?
    package var lastScrapeDurationSeconds: Double = 0
    package var health = TargetHealth.unknown
    package var scrapeIntervalMs: Int64
    package var scrapeTimeoutMs: Int64
    /// Samples of the last page.
    package var lastSampleCount = 0

    package init(
        discoveredLabels: LabelSet, labels: LabelSet, scrapePool: String, scrapeURL: String,
        globalURL: String, scrapeIntervalMs: Int64, scrapeTimeoutMs: Int64
    ) {
        self.discoveredLabels = discoveredLabels
        self.labels = labels
        self.scrapePool = scrapePool
        self.scrapeURL = scrapeURL
        self.globalURL = globalURL
        self.scrapeIntervalMs = scrapeIntervalMs
        self.scrapeTimeoutMs = scrapeTimeoutMs
    }
}

/// A target that relabelling dropped.
package struct DroppedTarget: Sendable {
    package var discoveredLabels: LabelSet
    package var scrapePool: String

    package init(discoveredLabels: LabelSet, scrapePool: String) {
        self.discoveredLabels = discoveredLabels
        self.scrapePool = scrapePool
    }
}

/// The targets of one `scrape_configs` entry.
package struct ScrapePoolStatus: Sendable {
    package var name: String
    package var active: [TargetStatus]
    package var dropped: [DroppedTarget]
    /// Also counts those beyond `keep_dropped_targets`.
    package var droppedCount: Int

    package init(
        name: String, active: [TargetStatus], dropped: [DroppedTarget], droppedCount: Int
    ) {
        self.name = name
        self.active = active
        self.dropped = dropped
        self.droppedCount = droppedCount
    }
}

/// The metadata of one target's page, for `/api/v1/metadata` and `/api/v1/targets/metadata`.
package struct TargetMetadata: Sendable {
    /// The target's labels.
    package var target: LabelSet
    /// In the order of the page: one entry a metric family.
    package var families: [(name: String, metadata: MetricMetadata)]

    package init(target: LabelSet, families: [(name: String, metadata: MetricMetadata)]) {
        self.target = target
        self.families = families
    }
}

/// What one scrape did: for a live line.
package struct ScrapeOutcome: Sendable {
    package var scrapePool: String
    package var target: LabelSet
    package var url: String
    package var timeMs: TimestampMs
    package var durationSeconds: Double
    package var sampleCount: Int
    package var bodyByteCount: Int
    /// nil when it went well.
    package var error: String?

    package init(
        scrapePool: String, target: LabelSet, url: String, timeMs: TimestampMs,
        durationSeconds: Double, sampleCount: Int, bodyByteCount: Int, error: String?
    ) {
        self.scrapePool = scrapePool
        self.target = target
        self.url = url
        self.timeMs = timeMs
        self.durationSeconds = durationSeconds
        self.sampleCount = sampleCount
        self.bodyByteCount = bodyByteCount
        self.error = error
    }
}
