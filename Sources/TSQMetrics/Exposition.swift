import Synchronization
import TSQBase

/// The formats of a metrics page.
public enum MetricsPageFormat: Sendable {
    /// Prometheus text format 0.0.4.
    case text
    /// OpenMetrics 1.0.
    case openMetrics

    public var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
        case .openMetrics:
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
        }
    }

    /// The format with the highest weight in an `Accept` header; text where nothing fits.
    public static func negotiate(accept: String?) -> MetricsPageFormat {
        guard let accept else { return .text }
        var best = (format: MetricsPageFormat.text, weight: 0.0)
        for entry in accept.split(separator: ",") {
            let parts = entry.split(separator: ";").map(trimmed)
            guard let type = parts.first else { continue }
            let parameters = parts.dropFirst()
            let weight =
                parameters.first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            let version = parameters.first { $0.hasPrefix("version=") }?.dropFirst(8)
            let format: MetricsPageFormat
            switch type {
            case "application/openmetrics-text" where version == nil || version == "1.0.0":
                format = .openMetrics
            case "text/plain" where version == nil || version == "0.0.4", "text/*", "*/*":
                format = .text
            default: continue
            }
            if weight > best.weight { best = (format, weight) }
        }
        return best.format
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

extension PrometheusMetricsFactory {
    /// The page: families sorted by name, series by labels.
    ///
    /// - Complexity: O(series); takes the factory's lock only to list the series.
    public func exposition(_ format: MetricsPageFormat = .text) -> [UInt8] {
        for collector in state.withLock({ $0.collectors }) { collector() }
        let (families, descriptions) = state.withLock { ($0.families, $0.descriptions) }
        var page = MetricsPage(format: format)
        for name in families.keys.sorted() {
            guard let family = families[name] else { continue }
            page.head(name, family.kind, descriptions[name]?.help)
            for labels in family.series.keys.sorted() {
                guard let series = family.series[labels] else { continue }
                page.series(name, labels, series)
            }
        }
        if includesProcessMetrics { page.process(ProcessMetrics.read()) }
        page.end()
        return page.bytes
    }
}

/// Writes a page's lines.
struct MetricsPage {
    private(set) var bytes: [UInt8] = []
    let format: MetricsPageFormat

    init(format: MetricsPageFormat) {
        self.format = format
        bytes.reserveCapacity(16 * 1024)
    }

    mutating func head(_ name: String, _ kind: MetricFamily.Kind, _ help: String?) {
        // OpenMetrics names a counter's family without the suffix of its samples.
        var family = name
        if format == .openMetrics, kind == .counter, name.hasSuffix("_total") {
            family.removeLast(6)
        }
        if let help {
            let text = MetricText.escaped(help, quote: format == .openMetrics)
            bytes.append(contentsOf: "# HELP \(family) \(text)\n".utf8)
        }
        bytes.append(contentsOf: "# TYPE \(family) \(kind.rawValue)\n".utf8)
    }

    mutating func series(_ name: String, _ labels: String, _ series: MetricFamily.Series) {
        switch series {
        case .counter(let counter):
            let suffix = format == .openMetrics && !name.hasSuffix("_total") ? "_total" : ""
            line(name + suffix, labels, counter.value)
        case .gauge(let gauge): line(name, labels, gauge.value)
        case .histogram(let histogram): self.histogram(name, labels, histogram)
        }
    }

    mutating func end() {
        if format == .openMetrics { bytes.append(contentsOf: "# EOF\n".utf8) }
    }

    mutating func line(_ name: String, _ labels: String, _ value: Double) {
        bytes.append(contentsOf: name.utf8)
        if !labels.isEmpty { bytes.append(contentsOf: "{\(labels)}".utf8) }
        bytes.append(0x20)
        DecimalPrint.append(value, .general, to: &bytes)
        bytes.append(0x0A)
    }

    private mutating func histogram(_ name: String, _ labels: String, _ series: HistogramSeries) {
        let state = series.snapshot
        let prefix = labels.isEmpty ? "" : labels + ","
        var cumulative: UInt64 = 0
        for (index, count) in state.counts.enumerated() {
            cumulative += count
            line(
                name + "_bucket", "\(prefix)le=\"\(bound(series.bounds, index))\"",
                Double(cumulative))
        }
        line(name + "_sum", labels, state.sum)
        line(name + "_count", labels, Double(cumulative))
    }

    /// Whole bounds are `1` in text and `1.0` in OpenMetrics.
    private func bound(_ bounds: [Double], _ index: Int) -> String {
        guard index < bounds.count else { return "+Inf" }
        let text = DecimalPrint.string(bounds[index], .general)
        let whole = !text.utf8.contains { $0 == 0x2E || $0 == 0x65 }
        return format == .openMetrics && whole ? text + ".0" : text
    }
}
