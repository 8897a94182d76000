import TSQBase
import TSQConfig
import TSQModel
import TSQRelabel

/// One endpoint to scrape, worked out of a section's labels.
struct Target: Sendable, Hashable {
    /// Before relabelling.
    var discoveredLabels: LabelSet
    /// After relabelling, the internal ones included.
    var allLabels: LabelSet
    var url: String
    var intervalMs: Int64
    var timeoutMs: Int64

    /// What its series get.
    var labels: LabelSet {
        LabelSet(sorted: allLabels.labels.filter { !$0.name.hasPrefix("__") })
    }

    /// Two targets with one key scrape the same series.
    var key: String { "\(allLabels)\u{0}\(url)" }

    /// Spreads the scrapes of many targets over the interval, the same way after every start.
    var offsetHash: UInt64 { XXHash64.hash(Array(key.utf8)) }
}

/// What became of one static entry.
enum TargetOutcome: Sendable {
    case target(Target)
    case dropped(LabelSet)
    /// The entry is no target; the text says why.
    case invalid(String)
}

extension Target {
    /// The targets of a section, in the order it has them; of equal ones the first.
    static func all(_ config: ScrapeConfig) -> [TargetOutcome] {
        var result: [TargetOutcome] = []
        var keys: Set<String> = []
        for group in config.staticConfigs {
            for address in group.targets {
                var labels = group.labels
                labels["__address__"] = address
                let outcome = make(labels, config)
                if case .target(let target) = outcome, !keys.insert(target.key).inserted {
                    continue
                }
                result.append(outcome)
            }
        }
        return result
    }

    /// - Source: Prometheus scrape/target.go, PopulateLabels.
    static func make(_ given: LabelSet, _ config: ScrapeConfig) -> TargetOutcome {
        var discovered = given
        let defaults: [(name: String, value: String)] = [
            (LabelName.job, config.jobName),
            ("__scrape_interval__", PromDuration.format(ms: config.scrapeIntervalMs)),
            ("__scrape_timeout__", PromDuration.format(ms: config.scrapeTimeoutMs)),
            ("__metrics_path__", config.metricsPath),
            ("__scheme__", config.scheme),
        ]
        for (name, value) in defaults where discovered[name] == nil { discovered[name] = value }
        for (name, values) in config.params {
            if let first = values.first { discovered["__param_" + name] = first }
        }
        guard var labels = RelabelRule.apply(config.relabelRules, to: discovered) else {
            return .dropped(discovered)
        }
        guard let address = labels["__address__"] else { return .invalid("no address") }
        if address.contains("/") {
            return .invalid("\(GoQuote.quoted(address)) is not a valid hostname")
        }
        let times: (intervalMs: Int64, timeoutMs: Int64)
        do {
            times = try Self.times(labels)
        } catch {
            return .invalid(error.message)
        }
        labels = LabelSet(sorted: labels.labels.filter { !$0.name.hasPrefix("__meta_") })
        if labels[LabelName.instance] == nil { labels[LabelName.instance] = address }
        return .target(
            Target(
                discoveredLabels: discovered, allLabels: labels,
                url: url(labels, config.params), intervalMs: times.intervalMs,
                timeoutMs: times.timeoutMs))
    }

    private static func times(
        _ labels: LabelSet
    ) throws(ScrapeFailure) -> (intervalMs: Int64, timeoutMs: Int64) {
        func read(_ name: String, _ what: String) throws(ScrapeFailure) -> Int64 {
            do {
                let ms = try PromDuration.parse(labels[name] ?? "")
                if ms == 0 { throw ScrapeFailure("scrape \(what) cannot be 0") }
                return ms
            } catch let error as PromDuration.ParseError {
                throw ScrapeFailure("error parsing scrape \(what): \(error.message)")
            } catch {
                throw ScrapeFailure("scrape \(what) cannot be 0")
            }
        }
        let intervalMs = try read("__scrape_interval__", "interval")
        let timeoutMs = try read("__scrape_timeout__", "timeout")
        if timeoutMs > intervalMs {
            let interval = labels["__scrape_interval__"] ?? ""
            let timeout = labels["__scrape_timeout__"] ?? ""
            throw ScrapeFailure(
                "scrape timeout cannot be greater than scrape interval "
                    + "(\(GoQuote.quoted(timeout)) > \(GoQuote.quoted(interval)))")
        }
        return (intervalMs, timeoutMs)
    }

    private static func url(
        _ labels: LabelSet, _ params: [(name: String, values: [String])]
    ) -> String {
        var query = params
        for label in labels.labels where label.name.hasPrefix("__param_") {
            let name = String(label.name.dropFirst("__param_".count))
            if let index = query.firstIndex(where: { $0.name == name }) {
                if query[index].values.isEmpty {
                    query[index].values = [label.value]
                } else {
                    query[index].values[0] = label.value
                }
            } else {
                query.append((name, [label.value]))
            }
        }
        query.sort { isBytewiseLess($0.name, $1.name) }
        let text = query.flatMap { parameter in
            parameter.values.map { "\(escape(parameter.name))=\(escape($0))" }
        }.joined(separator: "&")
        let path = labels["__metrics_path__"] ?? ""
        let scheme = labels["__scheme__"] ?? "http"
        let address = labels["__address__"] ?? ""
        let base = "\(scheme)://\(address)\(path.hasPrefix("/") || path.isEmpty ? "" : "/")\(path)"
        return text.isEmpty ? base : "\(base)?\(text)"
    }

    /// Go's `url.QueryEscape`.
    private static func escape(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let isPlain =
                (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x2D || byte == 0x5F
                || byte == 0x2E || byte == 0x7E
            if isPlain {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else if byte == 0x20 {
                result += "+"
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                result += "%" + (hex.utf8.count == 1 ? "0" : "") + hex
            }
        }
        return result
    }
}
