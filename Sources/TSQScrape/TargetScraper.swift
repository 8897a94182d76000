import Synchronization
import TSQBase
import TSQConfig
import TSQExposition
import TSQHTTPClient
import TSQModel

/// What was fetched for one scrape.
enum PageResult: Sendable {
    case page(body: [UInt8], format: ExpositionFormat)
    /// `bodyByteCount` is −1 when the body was too long.
    case failure(String, bodyByteCount: Int)
}

/// One target's samples: turns fetched pages into commits. It does not fetch and knows no timer.
///
/// `commit` runs on a scrape thread, one call at a time; everything else is safe from any thread.
final class TargetScraper: @unchecked Sendable {
    // Safe to send because: `ingest`, `batch`, `report` are touched by `commit`, `finish` and
    // `liveRefs` only, which the target's loop calls one after the other.
    let target: Target
    let config: ScrapeConfig
    private let appender: any SampleAppender
    private let events: any EventSink
    private var ingest: PageIngest
    private var batch: WriteBatch
    private let group: WriteGroup
    private var report: ReportSeries
    private let published: Mutex<Published>

    struct Published: Sendable {
        var status: TargetStatus
        var families: [(name: String, metadata: MetricMetadata)] = []
    }

    init(
        _ target: Target, _ config: ScrapeConfig, appender: any SampleAppender,
        events: any EventSink, discovered: LabelSet? = nil
    ) {
        self.target = target
        self.config = config
        self.appender = appender
        self.events = events
        let settings = IngestSettings(
            targetLabels: target.labels, honorLabels: config.honorLabels,
            honorTimestamps: config.honorTimestamps,
            trackTimestampsStaleness: config.trackTimestampsStaleness,
            metricRelabelRules: config.metricRelabelRules, sampleLimit: config.limits.samples,
            labelLimit: config.limits.labels, labelNameBytesMax: config.limits.labelNameBytes,
            labelValueBytesMax: config.limits.labelValueBytes)
        ingest = PageIngest(settings)
        group = appender.openGroup()
        batch = WriteBatch(origin: .scrape, group: group)
        report = ReportSeries(settings, hasExtra: config.extraScrapeMetrics)
        published = Mutex(
            Published(
                status: TargetStatus(
                    discoveredLabels: target.discoveredLabels, labels: target.labels,
                    scrapePool: config.jobName, scrapeURL: target.url,
                    globalURL: GlobalURL.make(target.url), scrapeIntervalMs: target.intervalMs,
                    scrapeTimeoutMs: target.timeoutMs)))
    }

    var status: TargetStatus { published.withLock { $0.status } }
    var families: [(name: String, metadata: MetricMetadata)] {
        published.withLock { $0.families }
    }

    /// Stores what a scrape gave, the scraper's own series included.
    ///
    /// - Parameters:
    ///   - timeMs: The time of the samples.
    ///   - startedNs, nowNs: The monotonic clock before the fetch and a reader of it.
    func commit(
        _ result: PageResult, timeMs: TimestampMs, startedNs: UInt64, nowNs: () -> UInt64
    ) -> ScrapeOutcome {
        batch.removeAll()
        batch.origin = .scrape
        batch.rowTimeMs = timeMs
        var counts = PageCounts()
        var failure: String?
        var bodyByteCount = 0
        switch result {
        case .page(let body, let format):
            bodyByteCount = body.count
            do {
                try ingest.ingest(
                    body.span, format: format, timeMs: timeMs, into: &batch, counts: &counts
                ) { labels throws(AppendError) in try appender.resolve(labels) }
            } catch {
                failure = error.message
                batch.removeAll()
                batch.origin = .scrape
            }
        case .failure(let reason, let byteCount):
            failure = reason
            bodyByteCount = byteCount
        }
        if failure != nil { ingest.markAllStale(&batch) }
        let durationSeconds = Double(nowNs() &- startedNs) / 1e9
        let values = ReportSeries.Values(
            isUp: failure == nil, durationSeconds: durationSeconds, counts: counts,
            timeoutSeconds: Double(target.timeoutMs) / 1000,
            sampleLimit: config.limits.samples, bodyByteCount: bodyByteCount)
        let storeFailure = store(values)
        note(counts, failure)
        return publish(
            timeMs: timeMs, durationSeconds: durationSeconds, counts: counts,
            bodyByteCount: max(0, bodyByteCount), failure: failure ?? storeFailure)
    }

    /// Adds the report to the row and commits; the reason when the store refuses.
    private func store(_ values: ReportSeries.Values) -> String? {
        do {
            try report.append(values, to: &batch) { labels throws(AppendError) in
                try appender.resolve(labels)
            }
            let outcome = try appender.commit(batch)
            for refusal in outcome.refusals.prefix(1) {
                events.log(
                    .debug, "samples refused",
                    [
                        ("scrape_pool", config.jobName), ("target", target.url),
                        ("count", String(outcome.refusedCount)),
                        ("first_reason", refusal.reason.rawValue),
                    ])
            }
            return nil
        } catch {
            events.log(
                .error, "scrape could not be stored",
                [
                    ("scrape_pool", config.jobName), ("target", target.url),
                    ("reason", error.message),
                ])
            return error.message
        }
    }

    private func note(_ counts: PageCounts, _ failure: String?) {
        events.count(
            "tsq_target_scrapes_total", by: 1,
            labels: [("result", failure == nil ? "success" : "failure")])
        if counts.duplicates > 0 {
            events.count(
                "prometheus_target_scrapes_sample_duplicate_timestamp_total",
                by: UInt64(counts.duplicates), labels: [])
            events.log(
                .warning, "Error on ingesting samples with different value but same timestamp",
                [
                    ("scrape_pool", config.jobName), ("target", target.url),
                    ("num_dropped", String(counts.duplicates)),
                ])
        }
        if let refusal = counts.refusal {
            events.log(
                .warning, "new series refused",
                [
                    ("scrape_pool", config.jobName), ("target", target.url),
                    ("count", String(counts.refusedSeries)), ("first", refusal),
                ])
        }
    }

    private func publish(
        timeMs: TimestampMs, durationSeconds: Double, counts: PageCounts, bodyByteCount: Int,
        failure: String?
    ) -> ScrapeOutcome {
        let families = ingest.changedMetadata()
        published.withLock { published in
            published.status.health = failure == nil ? .up : .down
            published.status.lastError = failure ?? ""
            published.status.lastScrapeMs = timeMs
            published.status.lastScrapeDurationSeconds = durationSeconds
            published.status.lastSampleCount = counts.scraped
            if let families { published.families = families }
        }
        return ScrapeOutcome(
            scrapePool: config.jobName, target: target.labels, url: target.url, timeMs: timeMs,
            durationSeconds: durationSeconds, sampleCount: counts.scraped,
            bodyByteCount: bodyByteCount, error: failure)
    }

    /// The series that a new scraper of the same target goes on with.
    func liveRefs() -> [SeriesRef] { ingest.liveRefs }

    func inherit(_ refs: [SeriesRef]) { ingest.inherit(refs) }

    /// Writes the stale markers of a target that is gone, the scraper's own series included, and
    /// closes the group. Without a time it only closes.
    func finish(staleAtMs: TimestampMs?) {
        if let staleAtMs {
            batch.removeAll()
            batch.origin = .scrape
            batch.rowTimeMs = staleAtMs
            ingest.markAllStale(&batch)
            report.appendStale(to: &batch)
            if batch.sampleCount > 0 { commitLast() }
        }
        appender.closeGroup(group)
    }

    /// Without the markers the series stay visible for the look-back: worth a line, not a failure.
    private func commitLast() {
        do throws(AppendError) {
            _ = try appender.commit(batch)
        } catch {
            events.log(
                .error, "stale markers of a target that left could not be stored",
                [
                    ("scrape_pool", config.jobName), ("target", target.url),
                    ("reason", error.message),
                ])
        }
    }
}
