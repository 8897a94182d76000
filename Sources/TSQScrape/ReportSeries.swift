import TSQBase
import TSQModel

/// The series that the scraper makes about each scrape: `up` and its like, at the end of the row.
struct ReportSeries: Sendable {
    struct Values: Sendable {
        var isUp: Bool
        var durationSeconds: Double
        var counts: PageCounts
        var timeoutSeconds: Double
        var sampleLimit: Int
        var bodyByteCount: Int
    }

    private let labels: [LabelSet]
    private var refs: [SeriesRef] = []
    private let hasExtra: Bool

    static let names = [
        "up", "scrape_duration_seconds", "scrape_samples_scraped",
        "scrape_samples_post_metric_relabeling", "scrape_series_added",
    ]
    static let extraNames = [
        "scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes",
    ]

    init(_ settings: IngestSettings, hasExtra: Bool) {
        self.hasExtra = hasExtra
        let names = Self.names + (hasExtra ? Self.extraNames : [])
        labels = names.map { settings.reportLabels($0) }
    }

    mutating func append(
        _ values: Values, to batch: inout WriteBatch,
        resolve: (LabelSet) throws(AppendError) -> SeriesRef
    ) throws(AppendError) {
        if refs.isEmpty {
            var resolved: [SeriesRef] = []
            for set in labels { resolved.append(try resolve(set)) }
            refs = resolved
        }
        batch.rowRefs.append(contentsOf: refs)
        batch.rowValues.append(values.isUp ? 1 : 0)
        batch.rowValues.append(values.durationSeconds)
        batch.rowValues.append(Double(values.counts.scraped))
        batch.rowValues.append(Double(values.counts.postRelabel))
        batch.rowValues.append(Double(values.counts.seriesAdded))
        if hasExtra {
            batch.rowValues.append(values.timeoutSeconds)
            batch.rowValues.append(Double(values.sampleLimit))
            batch.rowValues.append(Double(values.bodyByteCount))
        }
    }

    func appendStale(to batch: inout WriteBatch) {
        for ref in refs {
            batch.rowRefs.append(ref)
            batch.rowValues.append(StaleMarker.value)
        }
    }
}
