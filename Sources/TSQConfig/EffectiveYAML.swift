import TSQBase
import TSQModel
import TSQRelabel

/// Ordered keys in which what is empty is left out, as Prometheus prints its configuration.
struct YAMLBuilder {
    private(set) var entries: [(key: String, value: YAMLTree)] = []

    mutating func add(_ key: String, _ value: YAMLTree) { entries.append((key, value)) }
    mutating func text(_ key: String, _ value: String) {
        if !value.isEmpty { add(key, .text(value)) }
    }
    mutating func secret(_ key: String, _ value: Secret) {
        if !value.revealed.isEmpty { add(key, .text("<secret>")) }
    }
    mutating func bool(_ key: String, _ value: Bool) { add(key, .plain(value ? "true" : "false")) }
    mutating func number(_ key: String, _ value: Int) {
        if value != 0 { add(key, .plain(String(value))) }
    }
    mutating func duration(_ key: String, _ ms: Int64) {
        if ms != 0 { add(key, .text(PromDuration.format(ms: ms))) }
    }
    mutating func list(_ key: String, _ values: [String]) {
        if !values.isEmpty { add(key, .list(values.map { .text($0) })) }
    }
    mutating func maps(_ key: String, _ values: [YAMLTree]) {
        if !values.isEmpty { add(key, .list(values)) }
    }
    mutating func labels(_ key: String, _ labels: LabelSet) {
        if !labels.labels.isEmpty {
            add(key, .map(labels.labels.map { ($0.name, .text($0.value)) }))
        }
    }
    mutating func limits(_ limits: ScrapeLimits) {
        if limits.bodyBytes != 0 { text("body_size_limit", ByteSize.format(limits.bodyBytes)) }
        number("sample_limit", limits.samples)
        number("target_limit", limits.targets)
        number("label_limit", limits.labels)
        number("label_name_length_limit", limits.labelNameBytes)
        number("label_value_length_limit", limits.labelValueBytes)
    }
    var tree: YAMLTree { .map(entries) }
}

extension GlobalConfig {
    var tree: YAMLTree {
        var yaml = YAMLBuilder()
        yaml.duration("scrape_interval", scrapeIntervalMs)
        yaml.duration("scrape_timeout", scrapeTimeoutMs)
        yaml.list("scrape_protocols", (scrapeProtocols ?? []).map(\.rawValue))
        yaml.duration("evaluation_interval", evaluationIntervalMs)
        yaml.duration("rule_query_offset", ruleQueryOffsetMs)
        yaml.text("query_log_file", queryLogFile)
        yaml.text("scrape_failure_log_file", scrapeFailureLogFile)
        yaml.labels("external_labels", externalLabels)
        yaml.limits(limits)
        yaml.number("keep_dropped_targets", limits.keepDroppedTargets)
        yaml.text(
            "metric_name_validation_scheme",
            scheme.validation.isEmpty ? "utf8" : scheme.validation)
        yaml.text("metric_name_escaping_scheme", scheme.escaping)
        yaml.bool("scrape_native_histograms", scrapeNativeHistograms)
        if convertClassicHistogramsToNHCB { yaml.bool("convert_classic_histograms_to_nhcb", true) }
        if alwaysScrapeClassicHistograms { yaml.bool("always_scrape_classic_histograms", true) }
        if extraScrapeMetrics { yaml.bool("extra_scrape_metrics", true) }
        return yaml.tree
    }
}

extension ScrapeConfig {
    func tree(discovery: [(key: String, value: YAMLTree)]) -> YAMLTree {
        var yaml = YAMLBuilder()
        yaml.text("job_name", jobName)
        if honorLabels { yaml.bool("honor_labels", true) }
        yaml.bool("honor_timestamps", honorTimestamps)
        yaml.bool("track_timestamps_staleness", trackTimestampsStaleness)
        if !params.isEmpty {
            yaml.add(
                "params",
                .map(params.map { ($0.name, .list($0.values.map { .text($0) })) }))
        }
        yaml.duration("scrape_interval", scrapeIntervalMs)
        yaml.duration("scrape_timeout", scrapeTimeoutMs)
        yaml.list("scrape_protocols", scrapeProtocols.map(\.rawValue))
        yaml.text("fallback_scrape_protocol", fallbackScrapeProtocol?.rawValue ?? "")
        yaml.bool("scrape_native_histograms", scrapeNativeHistograms)
        yaml.bool("always_scrape_classic_histograms", alwaysScrapeClassicHistograms)
        yaml.bool("convert_classic_histograms_to_nhcb", convertClassicHistogramsToNHCB)
        yaml.text("scrape_failure_log_file", scrapeFailureLogFile)
        yaml.text("metrics_path", metricsPath)
        yaml.text("scheme", scheme)
        yaml.bool("enable_compression", enableCompression)
        yaml.limits(limits)
        yaml.number("native_histogram_bucket_limit", nativeHistogramBucketLimit)
        if nativeHistogramMinBucketFactor != 0 {
            yaml.add(
                "native_histogram_min_bucket_factor",
                .plain(DecimalPrint.string(nativeHistogramMinBucketFactor, .general)))
        }
        yaml.number("keep_dropped_targets", limits.keepDroppedTargets)
        yaml.text("metric_name_validation_scheme", nameScheme.validation)
        yaml.text("metric_name_escaping_scheme", nameScheme.escaping)
        yaml.bool("extra_scrape_metrics", extraScrapeMetrics)
        httpClient.add(to: &yaml)
        yaml.maps("relabel_configs", relabelRules.map(\.tree))
        yaml.maps("metric_relabel_configs", metricRelabelRules.map(\.tree))
        for entry in discovery { yaml.add(entry.key, entry.value) }
        yaml.maps("static_configs", staticConfigs.map(\.tree))
        return yaml.tree
    }
}

extension StaticConfig {
    var tree: YAMLTree {
        var yaml = YAMLBuilder()
        yaml.add("targets", .list(targets.map { .text($0) }))
        yaml.labels("labels", labels)
        return yaml.tree
    }
}

extension RelabelRule {
    var tree: YAMLTree {
        var yaml = YAMLBuilder()
        if !sourceLabels.isEmpty { yaml.add("source_labels", .flow(sourceLabels)) }
        yaml.text("separator", separator)
        if regex.pattern != Self.defaultRegex { yaml.text("regex", regex.pattern) }
        if modulus != 0 { yaml.add("modulus", .plain(String(modulus))) }
        yaml.text("target_label", targetLabel)
        yaml.text("replacement", replacement)
        yaml.text("action", action.rawValue)
        return yaml.tree
    }
}

extension HTTPClientConfig {
    func add(to yaml: inout YAMLBuilder) {
        if let basicAuth {
            var inner = YAMLBuilder()
            inner.text("username", basicAuth.username)
            inner.text("username_file", basicAuth.usernameFile)
            inner.secret("password", basicAuth.password)
            inner.text("password_file", basicAuth.passwordFile)
            yaml.add("basic_auth", inner.tree)
        }
        if let authorization {
            var inner = YAMLBuilder()
            inner.text("type", authorization.type)
            inner.secret("credentials", authorization.credentials)
            inner.text("credentials_file", authorization.credentialsFile)
            yaml.add("authorization", inner.tree)
        }
        if let oauth2 {
            var inner = YAMLBuilder()
            inner.text("client_id", oauth2.clientID)
            inner.secret("client_secret", oauth2.clientSecret)
            inner.text("client_secret_file", oauth2.clientSecretFile)
            inner.list("scopes", oauth2.scopes)
            inner.text("token_url", oauth2.tokenURL)
            yaml.add("oauth2", inner.tree)
        }
        if tls != TLSConfig() {
            var inner = YAMLBuilder()
            inner.text("ca", tls.ca)
            inner.text("cert", tls.cert)
            inner.secret("key", tls.key)
            inner.text("ca_file", tls.caFile)
            inner.text("cert_file", tls.certFile)
            inner.text("key_file", tls.keyFile)
            inner.text("server_name", tls.serverName)
            inner.bool("insecure_skip_verify", tls.insecureSkipVerify)
            inner.text("min_version", tls.minVersion)
            inner.text("max_version", tls.maxVersion)
            yaml.add("tls_config", inner.tree)
        }
        yaml.bool("follow_redirects", followRedirects)
        yaml.bool("enable_http2", enableHTTP2)
        if let proxyURL, !proxyURL.revealed.isEmpty {
            yaml.text("proxy_url", YAMLTree.hidingCredentials(proxyURL.revealed))
        }
        yaml.text("no_proxy", noProxy)
        if proxyFromEnvironment { yaml.bool("proxy_from_environment", true) }
        if !headers.isEmpty {
            yaml.add(
                "http_headers",
                .map(
                    headers.map { header in
                        var inner = YAMLBuilder()
                        inner.list("values", header.values)
                        inner.list("secrets", header.secrets.map { _ in "<secret>" })
                        inner.list("files", header.files)
                        return (header.name, inner.tree)
                    }))
        }
    }
}
