import TSQEngine
import TSQPromQL

/// What `--enable-feature` knows.
///
/// - Source: Prometheus 3.14 cmd/prometheus; names that are older than that are taken, too.
enum Features {
    /// Names that change an answer.
    static let wired: Set<String> = [
        "promql-experimental-functions", "promql-extended-range-selectors",
        "promql-binop-fill-modifiers", "promql-delayed-name-removal", "type-and-unit-labels",
        "use-start-timestamps", "promql-per-step-stats",
    ]

    /// Names without an effect here: what they turn on is on anyway, or not there.
    static let withoutEffect: Set<String> = [
        "agent", "auto-gomaxprocs", "auto-gomemlimit", "auto-reload-config",
        "concurrent-rule-eval", "created-timestamp-zero-ingestion", "delayed-compaction",
        "exemplar-storage", "expand-external-labels", "extra-scrape-metrics", "fast-startup",
        "histograms-st-encoding", "memory-snapshot-on-shutdown", "metadata-wal-records",
        "native-histograms", "new-service-discovery-manager", "no-default-scrape-port",
        "no-scrape-default-port", "old-ui", "otlp-deltatocumulative",
        "otlp-native-delta-ingestion", "otlp-write-receiver", "promql-at-modifier",
        "promql-duration-expr", "promql-negative-offset", "remote-write-receiver", "search-api",
        "st-storage", "st-synthesis", "use-uncached-io", "utf8-names", "xor2-encoding",
    ]

    /// - Returns: names that are not known, each once.
    @discardableResult
    static func apply(_ names: [String], to options: inout EngineOptions) -> [String] {
        var unknown: [String] = []
        for name in names {
            switch name {
            case "promql-experimental-functions": options.parse.experimentalFunctions = true
            case "promql-extended-range-selectors": options.parse.extendedRangeSelectors = true
            case "promql-binop-fill-modifiers": options.parse.fillModifiers = true
            case "promql-delayed-name-removal": options.delayedNameRemoval = true
            case "type-and-unit-labels": options.typeAndUnitLabels = true
            case "use-start-timestamps": options.useStartTimestamps = true
            default:
                let isKnown = wired.contains(name) || withoutEffect.contains(name)
                if !isKnown && !unknown.contains(name) { unknown.append(name) }
            }
        }
        return unknown
    }

    /// What is on, by area, for `/api/v1/features`.
    static func byArea(_ flags: ServeFlags) -> [String: [String: Bool]] {
        let names = Set(flags.featureNames)
        let options = flags.engineOptions(evaluationIntervalMs: 60_000)
        var functions: [String: Bool] = [:]
        for function in FunctionTable.all {
            functions[function.name] =
                !function.isExperimental || options.parse.experimentalFunctions
        }
        var promQL: [String: Bool] = [
            "anchored": options.parse.extendedRangeSelectors,
            "smoothed": options.parse.extendedRangeSelectors,
            "fill": options.parse.fillModifiers, "fill_left": options.parse.fillModifiers,
            "fill_right": options.parse.fillModifiers,
            "delayed_name_removal": options.delayedNameRemoval,
            "type_and_unit_labels": options.typeAndUnitLabels,
            "use_start_timestamps": options.useStartTimestamps,
            "per_step_stats": names.contains("promql-per-step-stats"),
        ]
        for name in [
            "at_modifier", "bool", "by", "duration_expr", "group_left", "group_right", "ignoring",
            "negative_offset", "offset", "on", "per_query_lookback_delta", "subqueries",
            "without",
        ] { promQL[name] = true }
        return [
            "api": [
                "admin": flags.enableAdminAPI, "import": flags.enableImport,
                "lifecycle": flags.enableLifecycle, "label_values_match": true,
                "query_explain": true, "query_stats": true, "query_warnings": true,
                "time_range_labels": true, "time_range_series": true,
                "remote_write_receiver": false, "otlp_write_receiver": false,
            ],
            "prometheus": ["agent_mode": false],
            "promql": promQL, "promql_functions": functions,
            "tsdb": ["exemplars": true, "native_histograms": true, "out_of_order": true],
        ]
    }
}
