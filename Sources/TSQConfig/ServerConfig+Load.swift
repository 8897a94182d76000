import Foundation
import TSQBase
import TSQModel
import Yams

extension ServerConfig {
    /// A configuration file is at most this long.
    package static let fileBytesMax = 64 << 20

    /// Reads and checks a configuration file and the `scrape_config_files` it names.
    ///
    /// - Parameter syntaxOnly: Other files are not looked at.
    /// - Throws: `ConfigError` with the file, and the line where there is one.
    package static func load(
        path: String, syntaxOnly: Bool = false
    ) throws(ConfigError) -> ServerConfig {
        let text = try read(path)
        let directory = (path as NSString).deletingLastPathComponent
        var config: ServerConfig
        do {
            config = try parse(text, directory: directory)
        } catch {
            throw error.named(path)
        }
        if !syntaxOnly { try config.loadScrapeConfigFiles() }
        return config
    }

    private static func read(_ path: String) throws(ConfigError) -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            var isDirectory: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            let reason =
                !exists
                ? "no such file or directory"
                : isDirectory.boolValue ? "is a directory" : "permission denied"
            throw ConfigError("open \(path): \(reason)")
        }
        if data.count > fileBytesMax {
            throw ConfigError("\(path) is longer than \(fileBytesMax) bytes")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// Checks the text of a configuration file.
    ///
    /// - Parameter directory: Where relative paths in it count from.
    package static func parse(
        _ text: String, directory: String = ""
    ) throws(ConfigError) -> ServerConfig {
        var config = ServerConfig()
        guard let root = try compose(text) else {
            config.yaml = config.effectiveTree([:]).rendered
            return config
        }
        let section = try YAMLSection(root)
        if let global = try section.section("global") {
            config.global = try GlobalConfig.parse(global)
        }
        if let runtime = try section.section("runtime") { try OtherSections.runtime(runtime) }
        if let alerting = try section.section("alerting") {
            try OtherSections.alerting(alerting)
        }
        config.ruleFiles = try config.patterns(section, "rule_files", "rule file", directory)
        config.scrapeConfigFiles = try config.patterns(
            section, "scrape_config_files", "scrape config file", directory)
        try config.parseScrapeConfigs(section, directory)
        if let storage = try section.section("storage") {
            config.storage = try StorageConfig.parse(storage)
        }
        if let tracing = try section.section("tracing") { try OtherSections.tracing(tracing) }
        try OtherSections.remoteWrite(try section.list("remote_write") ?? [])
        try OtherSections.remoteRead(try section.list("remote_read") ?? [])
        if let otlp = try section.section("otlp") { try OtherSections.otlp(otlp) }
        try section.finish()
        config.noteUnused(section)
        var rest: [String: YAMLTree] = [:]
        for key in section.keys {
            if let node = section.take(key), !YAMLSection.isNull(node) {
                rest[key] = YAMLTree(node)
            }
        }
        config.yaml = config.effectiveTree(rest).rendered
        return config
    }

    private static func compose(_ text: String) throws(ConfigError) -> Node? {
        do {
            return try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw yamlError(error)
        } catch {
            throw ConfigError("yaml: \(error)")
        }
    }

    private static func yamlError(_ error: YamlError) -> ConfigError {
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let prefix = context.map { "\($0.text) " } ?? ""
            return ConfigError(
                "yaml: line \(mark.line): \(prefix)\(problem)", line: mark.line,
                column: mark.column)
        case .duplicatedKeysInMapping(let keys, let context):
            let key = keys.first ?? ""
            return ConfigError(
                "yaml: unmarshal errors:\n  line \(context.mark.line): key "
                    + "\(GoQuote.quoted(key)) already set in map", line: context.mark.line,
                column: context.mark.column)
        default: return ConfigError("yaml: \(error)")
        }
    }

    private func patterns(
        _ section: YAMLSection, _ key: String, _ what: String, _ directory: String
    ) throws(ConfigError) -> [String] {
        var result: [String] = []
        for node in try section.list(key) ?? [] {
            let path = try YAMLSection.text(node)
            if !RulePattern.isValid(path) {
                throw YAMLSection.error("invalid \(what) path \(GoQuote.quoted(path))", node)
            }
            result.append(HTTPClientConfig.join(directory, path))
        }
        return result
    }

    private mutating func parseScrapeConfigs(
        _ section: YAMLSection, _ directory: String
    ) throws(ConfigError) {
        for node in try section.list("scrape_configs") ?? [] {
            var scrape = try ScrapeConfig.parse(node, global: global)
            scrape.httpClient.setDirectory(directory)
            if scrapeConfigs.contains(where: { $0.jobName == scrape.jobName }) {
                throw YAMLSection.error(
                    "found multiple scrape configs with job name "
                        + GoQuote.quoted(scrape.jobName), node)
            }
            scrape.finishYAML(node)
            scrapeConfigs.append(scrape)
        }
    }

    /// The files' own `scrape_configs`, after those of the main file.
    private mutating func loadScrapeConfigFiles() throws(ConfigError) {
        for pattern in scrapeConfigFiles {
            for path in Glob.paths(pattern) {
                let text = try Self.read(path)
                do {
                    guard let root = try Self.compose(text) else { continue }
                    let section = try YAMLSection(root, "config.ScrapeConfigs")
                    try parseScrapeConfigs(section, (path as NSString).deletingLastPathComponent)
                    try section.finish()
                } catch {
                    throw error.named(path)
                }
            }
        }
    }

    /// One line that names everything that is accepted and has no effect yet.
    private mutating func noteUnused(_ section: YAMLSection) {
        var unused = ["remote_write", "remote_read", "otlp", "tracing", "runtime"].filter { key in
            section.take(key).map { !YAMLSection.isNull($0) } ?? false
        }
        if !global.scrapeFailureLogFile.isEmpty
            || scrapeConfigs.contains(where: { !$0.scrapeFailureLogFile.isEmpty })
        {
            unused.append("scrape_failure_log_file")
        }
        var kinds: Set<String> = []
        for scrape in scrapeConfigs { kinds.formUnion(scrape.discoveryKeys) }
        unused += kinds.sorted(by: isBytewiseLess)
        if !unused.isEmpty {
            warnings.append(
                "accepted without effect in this version: \(unused.joined(separator: ", "))")
        }
    }

    /// In Prometheus's order of sections.
    private func effectiveTree(_ rest: [String: YAMLTree]) -> YAMLTree {
        var yaml = YAMLBuilder()
        yaml.add("global", global.tree)
        yaml.add("runtime", rest["runtime"] ?? .map([("gogc", .plain("75"))]))
        if let alerting = rest["alerting"] { yaml.add("alerting", alerting) }
        yaml.list("rule_files", ruleFiles)
        yaml.list("scrape_config_files", scrapeConfigFiles)
        yaml.maps("scrape_configs", scrapeConfigs.map(\.effective))
        for key in ["storage", "tracing", "remote_write", "remote_read"] {
            if let tree = rest[key] { yaml.add(key, tree) }
        }
        yaml.add(
            "otlp",
            rest["otlp"]
                ?? .map([
                    ("translation_strategy", .text("UnderscoreEscapingWithSuffixes")),
                    ("label_name_underscore_sanitization", .plain("true")),
                    ("label_name_preserve_multiple_underscores", .plain("true")),
                ]))
        return yaml.tree
    }
}

extension ScrapeConfig {
    mutating func finishYAML(_ node: Node) {
        var discovery: [(key: String, value: YAMLTree)] = []
        for (key, value) in node.mapping ?? [:] {
            guard let name = key.scalar?.string, discoveryKeys.contains(name) else { continue }
            discovery.append((name, YAMLTree(value)))
        }
        effective = tree(discovery: discovery)
        yaml = YAMLTree.list([effective]).rendered
    }
}

extension ConfigError {
    func named(_ file: String) -> ConfigError {
        var result = self
        result.file = self.file ?? file
        return result
    }
}

extension HTTPClientConfig {
    /// A relative path counts from the directory of the file it stands in.
    static func join(_ directory: String, _ path: String) -> String {
        if path.isEmpty || path.hasPrefix("/") || directory.isEmpty { return path }
        return (directory as NSString).appendingPathComponent(path)
    }

    mutating func setDirectory(_ directory: String) {
        func place(_ path: inout String) { path = Self.join(directory, path) }
        place(&tls.caFile)
        place(&tls.certFile)
        place(&tls.keyFile)
        if var basicAuth {
            place(&basicAuth.passwordFile)
            place(&basicAuth.usernameFile)
            self.basicAuth = basicAuth
        }
        if var authorization {
            place(&authorization.credentialsFile)
            self.authorization = authorization
        }
        for index in headers.indices {
            headers[index].files = headers[index].files.map { Self.join(directory, $0) }
        }
    }
}

/// Paths with a star in their last part.
enum Glob {
    static func paths(_ pattern: String) -> [String] {
        guard pattern.contains("*") else {
            return FileManager.default.fileExists(atPath: pattern) ? [pattern] : []
        }
        let directory = (pattern as NSString).deletingLastPathComponent
        let name = (pattern as NSString).lastPathComponent
        let parts = name.split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
        let entries =
            (try? FileManager.default.contentsOfDirectory(
                atPath: directory.isEmpty ? "." : directory)) ?? []
        return entries.filter {
            $0.utf8.count >= name.utf8.count - 1 && $0.hasPrefix(parts[0]) && $0.hasSuffix(parts[1])
        }
        .sorted(by: isBytewiseLess)
        .map { HTTPClientConfig.join(directory, $0) }
    }
}
