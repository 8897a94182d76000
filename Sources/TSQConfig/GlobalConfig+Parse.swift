import Foundation
import TSQBase
import TSQModel
import Yams

extension GlobalConfig {
    static func parse(_ section: YAMLSection) throws(ConfigError) -> GlobalConfig {
        var config = GlobalConfig()
        // A timeout beyond the interval is an error only when it was written down.
        config.scrapeIntervalMs = try nonZero(section, "scrape_interval") ?? 60_000
        let timeoutMs = try nonZero(section, "scrape_timeout")
        config.evaluationIntervalMs = try nonZero(section, "evaluation_interval") ?? 60_000
        config.ruleQueryOffsetMs = try section.durationMs("rule_query_offset") ?? 0
        config.queryLogFile = try section.string("query_log_file") ?? ""
        config.scrapeFailureLogFile = try section.string("scrape_failure_log_file") ?? ""
        config.externalLabels = try externalLabels(section)
        config.limits = try ScrapeLimits.parse(section)
        config.scheme = try NameScheme.parse(section)
        config.scrapeNativeHistograms = try section.bool("scrape_native_histograms") ?? false
        config.convertClassicHistogramsToNHCB =
            try section.bool("convert_classic_histograms_to_nhcb") ?? false
        config.alwaysScrapeClassicHistograms =
            try section.bool("always_scrape_classic_histograms") ?? false
        config.extraScrapeMetrics = try section.bool("extra_scrape_metrics") ?? false
        config.scrapeProtocols = try ScrapeProtocol.parse(section, for: "global config")
        try section.finish()
        if let timeoutMs, timeoutMs > config.scrapeIntervalMs {
            throw section.error(
                "global scrape timeout greater than scrape interval", at: "scrape_timeout")
        }
        config.scrapeTimeoutMs = timeoutMs ?? min(10_000, config.scrapeIntervalMs)
        return config
    }

    private static func nonZero(
        _ section: YAMLSection, _ key: String
    ) throws(ConfigError) -> Int64? {
        let value = try section.durationMs(key)
        return value == 0 ? nil : value
    }

    /// The only place where `$NAME` and `${NAME}` stand for environment variables.
    private static func externalLabels(_ parent: YAMLSection) throws(ConfigError) -> LabelSet {
        var labels: [Label] = []
        for (name, node) in try parent.pairs("external_labels", keysAre: "label name") ?? [] {
            if name.isEmpty {
                throw YAMLSection.error("\"\" is not a valid label name", node)
            }
            labels.append(
                Label(name, expandEnvironment(try YAMLSection.text(node, what: "label value"))))
        }
        return LabelSet(labels)
    }

    static func expandEnvironment(
        _ text: String,
        lookup: (String) -> String? = { ProcessInfo.processInfo.environment[$0] }
    ) -> String {
        guard text.contains("$") else { return text }
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...].dropFirst()
            let name: Substring
            if rest.first == "$" {
                result += "$"
                rest = rest.dropFirst()
                continue
            } else if rest.first == "{", let end = rest.firstIndex(of: "}") {
                name = rest[rest.startIndex..<end].dropFirst()
                rest = rest[end...].dropFirst()
            } else {
                name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
                rest = rest[name.endIndex...]
            }
            if !name.isEmpty { result += lookup(String(name)) ?? "" }
        }
        return result + rest
    }
}

extension ScrapeLimits {
    static func parse(_ section: YAMLSection) throws(ConfigError) -> ScrapeLimits {
        var limits = ScrapeLimits()
        limits.bodyBytes = try section.byteCount("body_size_limit") ?? 0
        limits.samples = try section.integer("sample_limit", unsigned: true) ?? 0
        limits.targets = try section.integer("target_limit", unsigned: true) ?? 0
        limits.labels = try section.integer("label_limit", unsigned: true) ?? 0
        limits.labelNameBytes =
            try section.integer("label_name_length_limit", unsigned: true) ?? 0
        limits.labelValueBytes =
            try section.integer("label_value_length_limit", unsigned: true) ?? 0
        limits.keepDroppedTargets =
            try section.integer("keep_dropped_targets", unsigned: true) ?? 0
        return limits
    }

    /// What is not set here counts as it is set in `global`.
    func inheriting(_ global: ScrapeLimits) -> ScrapeLimits {
        var result = self
        if result.bodyBytes == 0 { result.bodyBytes = global.bodyBytes }
        if result.samples == 0 { result.samples = global.samples }
        if result.targets == 0 { result.targets = global.targets }
        if result.labels == 0 { result.labels = global.labels }
        if result.labelNameBytes == 0 { result.labelNameBytes = global.labelNameBytes }
        if result.labelValueBytes == 0 { result.labelValueBytes = global.labelValueBytes }
        if result.keepDroppedTargets == 0 {
            result.keepDroppedTargets = global.keepDroppedTargets
        }
        return result
    }
}

extension ScrapeProtocol {
    /// nil when the section says nothing about protocols.
    static func parse(
        _ section: YAMLSection, for what: String
    ) throws(ConfigError) -> [ScrapeProtocol]? {
        guard let names = try section.strings("scrape_protocols") else { return nil }
        if names.isEmpty {
            throw section.error(
                "scrape_protocols cannot be empty for \(what)", at: "scrape_protocols")
        }
        var result: [ScrapeProtocol] = []
        var seen: Set<String> = []
        for name in names {
            if !seen.insert(name.lowercased()).inserted {
                throw section.error(
                    "duplicated protocol in scrape_protocols, got "
                        + "[\(names.joined(separator: " "))] for \(what)", at: "scrape_protocols")
            }
            guard let value = ScrapeProtocol(rawValue: name) else {
                throw section.error(
                    "scrape_protocols: \(unknown(name)) for \(what)", at: "scrape_protocols")
            }
            result.append(value)
        }
        return result
    }

    static func unknown(_ name: String) -> String {
        let known = allCases.map(\.rawValue).sorted(by: <).joined(separator: " ")
        return "unknown scrape protocol \(name), supported: [\(known)]"
    }
}

/// Which metric and label names are valid, and how targets are asked to escape them.
package struct NameScheme: Hashable, Sendable {
    /// Empty: not set.
    package var validation: String
    package var escaping: String

    package init(validation: String = "", escaping: String = "") {
        self.validation = validation
        self.escaping = escaping
    }

    static let escapings = ["allow-utf-8", "underscores", "dots", "values"]

    static func parse(_ section: YAMLSection) throws(ConfigError) -> NameScheme {
        var scheme = NameScheme()
        scheme.validation = try section.string("metric_name_validation_scheme") ?? ""
        scheme.escaping = try section.string("metric_name_escaping_scheme") ?? ""
        if !["", "legacy", "utf8"].contains(scheme.validation) {
            throw section.error(
                "unrecognized ValidationScheme: \(GoQuote.quoted(scheme.validation))",
                at: "metric_name_validation_scheme")
        }
        if !scheme.escaping.isEmpty, !escapings.contains(scheme.escaping) {
            throw section.error(
                "unknown global name escaping method specified, must be one of "
                    + "'allow-utf-8', 'underscores', 'dots', or 'values', got "
                    + GoQuote.quoted(scheme.escaping), at: "metric_name_escaping_scheme")
        }
        return scheme
    }

    /// A scrape section's scheme completed from the global one.
    func inheriting(
        _ global: NameScheme, _ section: YAMLSection
    ) throws(ConfigError) -> NameScheme {
        var result = self
        let globalValidation = global.validation.isEmpty ? "utf8" : global.validation
        if validation.isEmpty { result.validation = globalValidation }
        if escaping.isEmpty {
            let natural = result.validation == "legacy" ? "underscores" : "allow-utf-8"
            result.escaping =
                validation.isEmpty && !global.escaping.isEmpty ? global.escaping : natural
        }
        if result.escaping == "allow-utf-8" && result.validation != "utf8" {
            throw section.error(
                "utf8 metric names requested but validation scheme is not set to UTF8")
        }
        return result
    }
}
