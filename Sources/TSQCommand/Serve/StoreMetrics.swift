import TSQBase
import TSQEngine
import TSQHTTP
import TSQMetrics
import TSQScrape
import TSQStore

/// What tsq's own page says of store, scraper and queries. Where a figure means the same as one of
/// Prometheus's, it has the same name, so that dashboards for Prometheus show it.
enum StoreMetrics {
    private static let gauges: [(name: String, help: String)] = [
        ("prometheus_tsdb_head_series", "Total number of series in the head."),
        ("prometheus_tsdb_head_chunks", "Total number of chunks in the head."),
        ("prometheus_tsdb_head_min_time_seconds", "Minimum time of the head."),
        ("prometheus_tsdb_head_max_time_seconds", "Maximum time of the head."),
        ("prometheus_tsdb_blocks_loaded", "Number of blocks."),
        ("prometheus_tsdb_storage_blocks_bytes", "Bytes of all blocks."),
        ("tsq_storage_log_bytes", "Bytes of the log."),
        ("tsq_storage_memory_bytes", "Bytes that the store has in memory, by part."),
        ("tsq_storage_memory_limit_bytes", "The store's share of the memory limit."),
        ("tsq_storage_mapped_bytes", "Bytes of the files that are mapped."),
        ("tsq_storage_deletions", "Deletions that can still be undone."),
        ("tsq_storage_exemplars", "Exemplars stored."),
        ("tsq_storage_set_aside_files", "Files that cannot be opened and were set aside."),
        ("tsq_storage_disk_bytes", "Bytes of everything in the store's directory."),
        ("tsq_scrape_targets", "Targets by health."),
        ("prometheus_engine_queries", "Queries that run now."),
        ("prometheus_engine_queries_concurrent_max", "Queries that may run at once."),
        ("tsq_queries_waiting", "Queries that wait for a thread."),
        ("tsq_query_memory_bytes", "Bytes that queries and their answers hold now."),
        ("tsq_query_memory_limit_bytes", "Bytes that queries and their answers may hold together."),
        ("tsq_query_answer_bytes", "Bytes of results whose answers are being sent."),
        ("tsq_storage_read_only", "1 while no samples are taken, as on a full disk."),
    ]
    private static let counters: [(name: String, help: String)] = [
        ("prometheus_tsdb_head_samples_appended_total", "Samples taken since the start."),
        ("tsq_storage_samples_refused_total", "Samples refused since the start, by reason."),
        (
            "tsq_storage_lost_samples_total",
            "Samples that a fault of disk or format made unreadable."
        ),
        ("tsq_storage_series_refused_total", "New series refused at the memory limit."),
        ("tsq_storage_checkpoints_total", "Times that the head was written to a block."),
        ("tsq_storage_merges_total", "Merges of blocks."),
        ("tsq_storage_merged_bytes_total", "Bytes that merges have written."),
        ("tsq_storage_commits_total", "Batches committed since the start."),
        ("tsq_storage_log_damaged_bytes_total", "Bytes of the log that could not be read."),
        ("tsq_target_scrapes_total", "Scrapes since the start, by result."),
        (
            "prometheus_target_scrapes_sample_duplicate_timestamp_total",
            "Samples of a page that had another sample of their series before them."
        ),
    ]

    static func register(
        store: Store, scraper: ScrapeManager, routes: APIRoutes, queryMemory: MemoryPool,
        in metrics: PrometheusMetricsFactory
    ) {
        for (name, help) in gauges + counters { metrics.register(help: help, for: name) }
        metrics.register(help: "Information about the program.", for: "prometheus_build_info")
        metrics.setGauge(
            "prometheus_build_info", 1,
            [("version", "3.14.0"), ("revision", "tsq-" + Version.text)])
        metrics.onExposition { [unowned metrics] in
            let statistics = store.statistics()
            func gauge(_ name: String, _ value: Double, _ labels: [(String, String)] = []) {
                metrics.setGauge(name, value, labels)
            }
            func counter(_ name: String, _ total: UInt64, _ labels: [(String, String)] = []) {
                metrics.setCounter(name, total, labels)
            }
            gauge("prometheus_tsdb_head_series", Double(statistics.headSeries))
            gauge("prometheus_tsdb_head_chunks", Double(statistics.headChunks))
            gauge(
                "prometheus_tsdb_head_min_time_seconds",
                Double(statistics.headMinTimeMs ?? 0) / 1000)
            gauge(
                "prometheus_tsdb_head_max_time_seconds",
                Double(statistics.headMaxTimeMs ?? 0) / 1000)
            gauge("prometheus_tsdb_blocks_loaded", Double(statistics.blockCount))
            gauge("prometheus_tsdb_storage_blocks_bytes", Double(statistics.blockBytes))
            gauge("tsq_storage_log_bytes", Double(statistics.logBytes))
            gauge("tsq_storage_disk_bytes", Double(statistics.diskBytes))
            let memory = statistics.memory
            for (part, bytes) in [
                ("head", memory.headBytes), ("series", memory.seriesBytes),
                ("labels", memory.labelBytes), ("exemplars", memory.exemplarBytes),
            ] {
                gauge("tsq_storage_memory_bytes", Double(bytes), [("part", part)])
            }
            if let limit = memory.limitBytes {
                gauge("tsq_storage_memory_limit_bytes", Double(limit))
            }
            gauge("tsq_storage_mapped_bytes", Double(memory.mappedBytes))
            gauge("tsq_storage_deletions", Double(statistics.deletionCount))
            gauge("tsq_storage_exemplars", Double(statistics.exemplarCount))
            gauge("tsq_storage_set_aside_files", Double(statistics.setAsideCount))
            counter("tsq_storage_series_refused_total", statistics.seriesRefused)
            counter("tsq_storage_checkpoints_total", statistics.checkpoints)
            counter("tsq_storage_merges_total", statistics.merges)
            counter("tsq_storage_merged_bytes_total", statistics.mergedBytes)
            counter("prometheus_tsdb_head_samples_appended_total", statistics.samplesAppended)
            for (reason, count) in statistics.samplesRefused {
                counter("tsq_storage_samples_refused_total", count, [("reason", reason)])
            }
            counter("tsq_storage_lost_samples_total", statistics.samplesLost)
            counter("tsq_storage_commits_total", statistics.commits)
            var byHealth: [String: Int] = ["up": 0, "down": 0, "unknown": 0]
            for pool in scraper.pools() {
                for target in pool.active { byHealth[target.health.rawValue, default: 0] += 1 }
            }
            for (health, count) in byHealth {
                gauge("tsq_scrape_targets", Double(count), [("health", health)])
            }
            gauge("prometheus_engine_queries", Double(routes.queryLoad.running))
            gauge("prometheus_engine_queries_concurrent_max", Double(routes.queryConcurrency))
            gauge("tsq_queries_waiting", Double(routes.queryLoad.waiting))
            gauge("tsq_query_memory_bytes", Double(queryMemory.bytesInUse))
            gauge("tsq_query_memory_limit_bytes", Double(queryMemory.bytesMax))
            gauge("tsq_query_answer_bytes", Double(routes.heldAnswers.byteCount))
            gauge("tsq_storage_read_only", store.readOnlyReason == nil ? 0 : 1)
        }
    }
}

extension HeadStatus {
    /// The store's figures in the API's shape.
    init(_ store: Store, limit: Int) {
        self.init()
        let statistics = store.statistics()
        let labels = store.labelStatistics(limit: limit)
        func entries(_ list: [LabelStatistics.Entry]) -> [HeadStatus.Entry] {
            list.prefix(limit).map { ($0.name, UInt64($0.value)) }
        }
        seriesCount = statistics.headSeries
        labelPairCount = labels.labelPairCount
        chunkCount = statistics.headChunks
        minTimeMs = statistics.headMinTimeMs ?? .max
        maxTimeMs = statistics.headMaxTimeMs ?? .min
        seriesCountByMetricName = entries(labels.seriesCountByMetricName)
        labelValueCountByLabelName = entries(labels.labelValueCountByLabelName)
        memoryInBytesByLabelName = entries(labels.memoryBytesByLabelName)
        seriesCountByLabelValuePair = entries(labels.seriesCountByLabelValuePair)
    }
}

extension BlockStatus {
    /// The blocks that a store's MANIFEST names; empty where it cannot be read.
    static func all(of store: Store) -> [BlockStatus] {
        let blocks = (try? Store.blocks(directory: store.directory)) ?? []
        return blocks.map {
            BlockStatus(
                name: $0.file, minTimeMs: $0.minTimeMs, maxTimeMs: $0.maxTimeMs,
                sampleCount: $0.sampleCount, seriesCount: $0.seriesCount ?? 0,
                chunkCount: $0.chunkCount ?? 0, byteCount: $0.byteCount, level: $0.level)
        }
    }
}
