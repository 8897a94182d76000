import TSQBase
import TSQModel
import Yams

/// Sections whose work is done elsewhere or later: their structure is checked as Prometheus does.
enum OtherSections {
    static func alerting(_ section: YAMLSection) throws(ConfigError) {
        _ = try section.relabelRules(
            "alert_relabel_configs", empty: "empty or null alert relabeling rule")
        for node in try section.list("alertmanagers") ?? [] {
            let manager = try YAMLSection(node)
            _ = try HTTPClientConfig.parse(manager)
            _ = try StaticConfig.parse(manager)
            _ = try Discovery.take(manager)
            _ = manager.take("sigv4")
            _ = try manager.string("scheme")
            _ = try manager.string("path_prefix")
            _ = try manager.durationMs("timeout")
            let version = try manager.string("api_version") ?? "v2"
            let rules = try manager.relabelRules(
                "relabel_configs", empty: "empty or null Alertmanager target relabeling rule")
            _ = try manager.relabelRules(
                "alert_relabel_configs",
                empty: "empty or null Alertmanager alert relabeling rule")
            try manager.finish()
            if version != "v2" {
                throw manager.error(
                    "expected Alertmanager api version to be one of [v2] but got \(version)",
                    at: "api_version")
            }
            if rules.isEmpty { try StaticConfig.checkAddresses(manager) }
        }
        try section.finish()
    }

    static func remoteWrite(_ nodes: [Node]) throws(ConfigError) {
        var names: Set<String> = []
        for node in nodes {
            if YAMLSection.isNull(node) {
                throw YAMLSection.error("empty or null remote write config section", node)
            }
            let section = try YAMLSection(node)
            let url = try section.string("url") ?? ""
            _ = try section.durationMs("remote_timeout")
            let headers = try section.pairs("headers") ?? []
            _ = try section.relabelRules(
                "write_relabel_configs",
                empty: "empty or null relabeling rule in remote write config")
            let name = try section.string("name") ?? ""
            for key in ["send_exemplars", "send_native_histograms", "round_robin_dns"] {
                _ = try section.bool(key)
            }
            let message = try section.string("protobuf_message") ?? ""
            let client = try HTTPClientConfig.parse(section, enableHTTP2: false)
            if let queue = try section.section("queue_config") { try Self.queue(queue) }
            if let metadata = try section.section("metadata_config") {
                _ = try metadata.bool("send")
                _ = try metadata.durationMs("send_interval")
                _ = try metadata.integer("max_samples_per_send")
                try metadata.finish()
            }
            var auth: [String] = []
            if client.basicAuth != nil { auth.append("basic_auth") }
            if client.authorization != nil { auth.append("authorization") }
            if client.oauth2 != nil { auth.append("oauth2") }
            for key in ["sigv4", "azuread", "google_iam"] where section.take(key) != nil {
                auth.append(key)
            }
            try section.finish()
            if url.isEmpty { throw section.error("url for remote_write is empty") }
            try checkHeaders(headers)
            if !message.isEmpty, !messages.contains(message) {
                throw section.error(
                    "invalid protobuf_message value: unknown type for remote write protobuf "
                        + "message \(message), supported: \(messages.joined(separator: ", "))",
                    at: "protobuf_message")
            }
            if auth.count > 1 {
                throw section.error(
                    "at most one of basic_auth, authorization, oauth2, sigv4, azuread or "
                        + "google_iam must be configured. Currently configured: "
                        + "[\(auth.joined(separator: " "))]")
            }
            if !name.isEmpty, !names.insert(name).inserted {
                throw section.error(
                    "found multiple remote write configs with job name \(GoQuote.quoted(name))",
                    at: "name")
            }
        }
    }

    private static let messages = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"]

    private static func queue(_ section: YAMLSection) throws(ConfigError) {
        let capacity = try section.integer("capacity") ?? 10_000
        let shardsMax = try section.integer("max_shards") ?? 50
        let shardsMin = try section.integer("min_shards") ?? 1
        let perSend = try section.integer("max_samples_per_send") ?? 2000
        _ = try section.durationMs("batch_send_deadline")
        let backoffMin = try section.durationMs("min_backoff") ?? 30
        let backoffMax = try section.durationMs("max_backoff") ?? 5000
        _ = try section.bool("retry_on_http_429")
        _ = try section.durationMs("sample_age_limit")
        try section.finish()
        for (key, value) in [
            ("capacity", capacity), ("max_shards", shardsMax), ("min_shards", shardsMin),
            ("max_samples_per_send", perSend),
        ] where value <= 0 {
            throw section.error("remote write queue \(key) must be positive", at: key)
        }
        if shardsMin > shardsMax {
            throw section.error(
                "remote write queue min_shards must not be greater than max_shards",
                at: "min_shards")
        }
        if backoffMax < backoffMin {
            throw section.error(
                "remote write queue max_backoff must not be less than min_backoff",
                at: "max_backoff")
        }
    }

    static func remoteRead(_ nodes: [Node]) throws(ConfigError) {
        var names: Set<String> = []
        for node in nodes {
            if YAMLSection.isNull(node) {
                throw YAMLSection.error("empty or null remote read config section", node)
            }
            let section = try YAMLSection(node)
            let url = try section.string("url") ?? ""
            _ = try section.durationMs("remote_timeout")
            _ = try section.integer("chunked_read_limit", unsigned: true)
            let headers = try section.pairs("headers") ?? []
            _ = try section.bool("read_recent")
            let name = try section.string("name") ?? ""
            _ = try HTTPClientConfig.parse(section)
            for (_, value) in try section.pairs("required_matchers") ?? [] {
                _ = try YAMLSection.text(value)
            }
            _ = try section.bool("filter_external_labels")
            try section.finish()
            if url.isEmpty { throw section.error("url for remote_read is empty") }
            try checkHeaders(headers)
            if !name.isEmpty, !names.insert(name).inserted {
                throw section.error(
                    "found multiple remote read configs with job name \(GoQuote.quoted(name))",
                    at: "name")
            }
        }
    }

    /// Headers that the sender itself sets.
    private static let reserved: Set<String> = [
        "host", "content-encoding", "content-length", "content-type", "user-agent", "connection",
        "keep-alive", "proxy-authenticate", "proxy-authorization", "www-authenticate",
        "accept-encoding", "x-prometheus-remote-write-version",
        "x-prometheus-remote-read-version", "x-amz-date", "x-amz-security-token",
        "x-amz-content-sha256",
    ]

    private static func checkHeaders(
        _ headers: [(name: String, value: Node)]
    ) throws(ConfigError) {
        for (name, value) in headers {
            _ = try YAMLSection.text(value)
            if name.lowercased() == "authorization" {
                throw YAMLSection.error(
                    "authorization header must be changed via the basic_auth, authorization, "
                        + "oauth2, sigv4, azuread or google_iam parameter", value)
            }
            if reserved.contains(name.lowercased()) {
                throw YAMLSection.error(
                    "\(name) is a reserved header. It must not be changed", value)
            }
        }
    }

    static func otlp(_ section: YAMLSection) throws(ConfigError) {
        let promoteAll = try section.bool("promote_all_resource_attributes") ?? false
        let promote = try section.strings("promote_resource_attributes") ?? []
        let ignore = try section.strings("ignore_resource_attributes") ?? []
        let strategy = try section.string("translation_strategy") ?? ""
        for key in [
            "keep_identifying_resource_attributes", "convert_histograms_to_nhcb",
            "promote_scope_metadata", "label_name_underscore_sanitization",
            "label_name_preserve_multiple_underscores",
        ] { _ = try section.bool(key) }
        try section.finish()
        if promoteAll, !promote.isEmpty {
            throw section.error(
                "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be "
                    + "configured simultaneously")
        }
        if !promoteAll, !ignore.isEmpty {
            throw section.error(
                "'ignore_resource_attributes' cannot be configured unless "
                    + "'promote_all_resource_attributes' is true")
        }
        let known = [
            "", "UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes",
            "NoTranslation", "NoUTF8EscapingWithSuffixes",
        ]
        if !known.contains(strategy) {
            throw section.error(
                "unsupported OTLP translation strategy \(GoQuote.quoted(strategy))",
                at: "translation_strategy")
        }
    }

    static func tracing(_ section: YAMLSection) throws(ConfigError) {
        let type = try section.string("client_type") ?? "grpc"
        let endpoint = try section.string("endpoint") ?? ""
        _ = try section.double("sampling_fraction")
        _ = try section.bool("insecure")
        if let tls = try section.section("tls_config") { _ = try HTTPClientConfig.tlsConfig(tls) }
        let headers = try section.pairs("headers") ?? []
        let compression = try section.string("compression") ?? ""
        _ = try section.durationMs("timeout")
        try section.finish()
        if type != "http", type != "grpc" {
            throw section.error(
                "expected tracing client type to be to be http or grpc, but got \(type)",
                at: "client_type")
        }
        try checkHeaders(headers)
        if endpoint.isEmpty { throw section.error("tracing endpoint must be set") }
        if !compression.isEmpty, compression != "gzip" {
            throw section.error(
                "invalid compression type \(compression) provided, valid options: gzip",
                at: "compression")
        }
    }

    static func runtime(_ section: YAMLSection) throws(ConfigError) {
        _ = try section.integer("gogc")
        try section.finish()
    }
}

extension StorageConfig {
    static func parse(_ section: YAMLSection) throws(ConfigError) -> StorageConfig {
        var config = StorageConfig()
        if let tsdb = try section.section("tsdb") { try config.parseTSDB(tsdb) }
        if let exemplars = try section.section("exemplars") {
            config.exemplarsMax = try exemplars.integer("max_exemplars")
            try exemplars.finish()
        }
        try section.finish()
        return config
    }

    private mutating func parseTSDB(_ section: YAMLSection) throws(ConfigError) {
        outOfOrderTimeWindowMs = try section.durationMs("out_of_order_time_window") ?? 0
        let stale = try section.double("stale_series_compaction_threshold") ?? 0
        if let chunks = try section.section("chunk_encoding") {
            let floats = try chunks.string("floats")
            try chunks.finish()
            if let floats, floats != "xor", floats != "xor2" {
                throw chunks.error(
                    "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field "
                        + "must be omitted entirely, got \(GoQuote.quoted(floats))", at: "floats")
            }
        }
        if let retention = try section.section("retention") {
            retentionTimeMs = try retention.durationMs("time")
            if let size = try retention.byteCount("size") {
                if size < 0 {
                    throw retention.error(
                        "'storage.tsdb.retention.size' must be greater than or equal to 0, got "
                            + ByteSize.format(size), at: "size")
                }
                retentionBytes = Int64(size)
            }
            retentionPercentage = try retention.double("percentage")
            if let percentage = retentionPercentage, !(percentage >= 0 && percentage <= 100) {
                throw retention.error(
                    "'storage.tsdb.retention.percentage' must be in the range [0, 100], got "
                        + DecimalPrint.string(percentage, .general), at: "percentage")
            }
            try retention.finish()
        }
        try section.finish()
        if !(stale >= 0 && stale <= 1) {
            throw section.error(
                "'storage.tsdb.stale_series_compaction_threshold' must be in the range [0, 1]",
                at: "stale_series_compaction_threshold")
        }
    }
}
