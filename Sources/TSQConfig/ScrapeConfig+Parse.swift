import TSQBase
import TSQModel
import TSQRelabel
import Yams

extension ScrapeConfig {
    static func parse(
        _ node: Node, global: GlobalConfig
    ) throws(ConfigError) -> ScrapeConfig {
        if YAMLSection.isNull(node) {
            throw YAMLSection.error("empty or null scrape config section", node)
        }
        let section = try YAMLSection(node)
        var config = ScrapeConfig(
            jobName: try section.string("job_name") ?? "", inheriting: global)
        try config.parsePlain(section)
        config.httpClient = try HTTPClientConfig.parse(section)
        config.staticConfigs = try StaticConfig.parse(section)
        config.discoveryKeys = try Discovery.take(section)
        config.relabelRules = try section.relabelRules(
            "relabel_configs", empty: "empty or null target relabeling rule in scrape config")
        config.metricRelabelRules = try section.relabelRules(
            "metric_relabel_configs",
            empty: "empty or null metric relabeling rule in scrape config")
        let fallback = try section.string("fallback_scrape_protocol") ?? ""
        let scheme = try NameScheme.parse(section)
        let limits = try ScrapeLimits.parse(section)
        let what = "scrape config with job name \(GoQuote.quoted(config.jobName))"
        let protocols = try ScrapeProtocol.parse(section, for: what)
        let intervalMs = try section.durationMs("scrape_interval") ?? 0
        let timeoutMs = try section.durationMs("scrape_timeout") ?? 0
        try section.finish()

        if config.jobName.isEmpty { throw section.error("job_name is empty") }
        if config.relabelRules.isEmpty { try StaticConfig.checkAddresses(section) }
        config.scrapeIntervalMs = intervalMs == 0 ? global.scrapeIntervalMs : intervalMs
        if timeoutMs > config.scrapeIntervalMs {
            throw section.error(
                "scrape timeout greater than scrape interval for \(what)", at: "scrape_timeout")
        }
        config.scrapeTimeoutMs =
            timeoutMs == 0 ? min(global.scrapeTimeoutMs, config.scrapeIntervalMs) : timeoutMs
        config.limits = limits.inheriting(global.limits)
        config.nameScheme = try scheme.inheriting(global.scheme, section)
        config.scrapeProtocols =
            protocols ?? global.scrapeProtocols
            ?? (config.scrapeNativeHistograms
                ? [.prometheusProto] + ScrapeProtocol.defaults : ScrapeProtocol.defaults)
        if !fallback.isEmpty {
            guard let value = ScrapeProtocol(rawValue: fallback) else {
                throw section.error(
                    "invalid fallback_scrape_protocol for \(what): "
                        + ScrapeProtocol.unknown(fallback), at: "fallback_scrape_protocol")
            }
            config.fallbackScrapeProtocol = value
        }
        return config
    }

    private mutating func parsePlain(_ section: YAMLSection) throws(ConfigError) {
        honorLabels = try section.bool("honor_labels") ?? false
        honorTimestamps = try section.bool("honor_timestamps") ?? true
        trackTimestampsStaleness = try section.bool("track_timestamps_staleness") ?? false
        metricsPath = try section.string("metrics_path") ?? "/metrics"
        scheme = try section.string("scheme") ?? "http"
        enableCompression = try section.bool("enable_compression") ?? true
        if let file = try section.string("scrape_failure_log_file") { scrapeFailureLogFile = file }
        nativeHistogramBucketLimit =
            try section.integer("native_histogram_bucket_limit", unsigned: true) ?? 0
        nativeHistogramMinBucketFactor =
            try section.double("native_histogram_min_bucket_factor") ?? 0
        if let value = try section.bool("scrape_native_histograms") {
            scrapeNativeHistograms = value
        }
        if let value = try section.bool("convert_classic_histograms_to_nhcb") {
            convertClassicHistogramsToNHCB = value
        }
        if let value = try section.bool("always_scrape_classic_histograms") {
            alwaysScrapeClassicHistograms = value
        }
        if let value = try section.bool("extra_scrape_metrics") { extraScrapeMetrics = value }
        for (name, node) in try section.pairs("params") ?? [] {
            var values: [String] = []
            if case .scalar = node, !YAMLSection.isNull(node) {
                values = [try YAMLSection.text(node)]
            } else {
                for value in try YAMLSection.nodes(node) {
                    values.append(try YAMLSection.text(value))
                }
            }
            params.append((name, values))
        }
        params.sort { isBytewiseLess($0.name, $1.name) }
    }

    /// The values that count when the section does not mention them.
    init(jobName: String, inheriting global: GlobalConfig) {
        self.init(jobName: jobName)
        scrapeNativeHistograms = global.scrapeNativeHistograms
        convertClassicHistogramsToNHCB = global.convertClassicHistogramsToNHCB
        alwaysScrapeClassicHistograms = global.alwaysScrapeClassicHistograms
        extraScrapeMetrics = global.extraScrapeMetrics
        scrapeFailureLogFile = global.scrapeFailureLogFile
    }
}

extension StaticConfig {
    /// `static_configs` of a scrape or Alertmanager section.
    static func parse(_ parent: YAMLSection) throws(ConfigError) -> [StaticConfig] {
        var result: [StaticConfig] = []
        for node in try parent.list("static_configs") ?? [] {
            if YAMLSection.isNull(node) {
                throw YAMLSection.error("empty or null section in static_configs", node)
            }
            let section = try YAMLSection(node, "struct")
            let targets = try section.strings("targets") ?? []
            var labels: [Label] = []
            for (name, value) in try section.pairs("labels", keysAre: "label name") ?? [] {
                if name.isEmpty {
                    throw YAMLSection.error("\"\" is not a valid label name", value)
                }
                labels.append(Label(name, try YAMLSection.text(value, what: "label value")))
            }
            try section.finish()
            result.append(StaticConfig(targets: targets, labels: LabelSet(labels)))
        }
        return result
    }

    /// Without relabelling, an address with a path is a mistake.
    static func checkAddresses(_ parent: YAMLSection) throws(ConfigError) {
        for node in try parent.list("static_configs") ?? [] {
            let section = try YAMLSection(node, "struct")
            for target in try section.list("targets") ?? [] {
                let address = try YAMLSection.text(target)
                if address.contains("/") {
                    throw YAMLSection.error(
                        "\(GoQuote.quoted(address)) is not a valid hostname", target)
                }
            }
        }
    }
}

/// Service discovery sections.
enum Discovery {
    /// All kinds that Prometheus 3.14 knows.
    static let kinds = [
        "aws", "azure", "consul", "digitalocean", "dns", "docker", "dockerswarm", "ec2", "ecs",
        "elasticache", "eureka", "file", "gce", "hetzner", "http", "ionos", "kubernetes", "kuma",
        "lightsail", "linode", "marathon", "msk", "nerve", "nomad", "openstack", "outscale",
        "ovhcloud", "puppetdb", "rds", "scaleway", "serverset", "stackit", "triton", "uyuni",
        "vultr",
    ]

    /// Takes every section that is there, checks what can be checked, and names those in use.
    static func take(_ section: YAMLSection) throws(ConfigError) -> [String] {
        var used: [String] = []
        for kind in kinds {
            let key = "\(kind)_sd_configs"
            guard let nodes = try section.list(key) else { continue }
            if !nodes.isEmpty { used.append(key) }
            for node in nodes {
                if YAMLSection.isNull(node) {
                    throw YAMLSection.error("empty or null section in \(key)", node)
                }
                if kind == "http" { try checkHTTP(node) }
                if kind == "file" { try checkFile(node) }
            }
        }
        return used
    }

    private static func checkHTTP(_ node: Node) throws(ConfigError) {
        let section = try YAMLSection(node)
        let url = try section.string("url") ?? ""
        _ = try section.durationMs("refresh_interval")
        _ = try HTTPClientConfig.parse(section)
        try section.finish()
        if url.isEmpty { throw section.error("URL is missing") }
        let lowered = url.lowercased()
        guard lowered.hasPrefix("http://") || lowered.hasPrefix("https://") else {
            throw section.error("URL scheme must be 'http' or 'https'", at: "url")
        }
        let rest = url.drop { $0 != "/" }.dropFirst(2)
        if rest.prefix(while: { $0 != "/" && $0 != "?" }).isEmpty {
            throw section.error("host is missing in URL", at: "url")
        }
    }

    private static func checkFile(_ node: Node) throws(ConfigError) {
        let section = try YAMLSection(node)
        let files = try section.strings("files") ?? []
        _ = try section.durationMs("refresh_interval")
        try section.finish()
        if files.isEmpty {
            throw section.error("file service discovery config must contain at least one path name")
        }
        for file in files where !isFilePattern(file) {
            throw section.error(
                "path name \(GoQuote.quoted(file)) is not valid for file discovery", at: "files")
        }
    }

    /// A pattern may have a star in its last part only, and ends in a known extension.
    private static func isFilePattern(_ path: String) -> Bool {
        let known = [".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"]
        return known.contains { path.hasSuffix($0) } && RulePattern.isValid(path)
    }
}

/// Paths with at most one `*`, in the last part.
enum RulePattern {
    static func isValid(_ path: String) -> Bool {
        guard let star = path.utf8.firstIndex(of: 0x2A) else { return true }
        let rest = path.utf8[star...].dropFirst()
        return !rest.contains(0x2F)
    }
}
