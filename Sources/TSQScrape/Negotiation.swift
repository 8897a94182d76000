import TSQBase
import TSQConfig
import TSQExposition

/// The words with which a scrape asks for a format, and what it makes of the answer.
///
/// - Source: Prometheus scrape/scrape.go and model/textparse/interface.go (3.14).
enum Negotiation {
    /// The formats that this version reads.
    private static func mediaType(_ scrapeProtocol: ScrapeProtocol) -> String? {
        switch scrapeProtocol {
        case .openMetricsText1_0_0: "application/openmetrics-text;version=1.0.0"
        case .openMetricsText0_0_1: "application/openmetrics-text;version=0.0.1"
        case .prometheusText1_0_0: "text/plain;version=1.0.0"
        case .prometheusText0_0_4: "text/plain;version=0.0.4"
        case .prometheusProto: nil
        }
    }

    /// The `Accept` header: the most wanted first, with falling weights.
    static func accept(_ config: ScrapeConfig) -> String {
        var parts: [String] = []
        var weight = ScrapeProtocol.allCases.count + 1
        for scrapeProtocol in config.scrapeProtocols {
            guard let type = mediaType(scrapeProtocol) else { continue }
            let escaping =
                type.hasSuffix("version=1.0.0") ? ";escaping=\(config.nameScheme.escaping)" : ""
            parts.append("\(type)\(escaping);q=0.\(weight)")
            weight -= 1
        }
        parts.append("*/*;q=0.\(weight)")
        return parts.joined(separator: ",")
    }

    static func headers(
        _ config: ScrapeConfig, timeoutMs: Int64
    ) -> [(name: String, value: String)] {
        [
            ("Accept", accept(config)),
            ("Accept-Encoding", config.enableCompression ? "gzip" : "identity"),
            (
                "X-Prometheus-Scrape-Timeout-Seconds",
                DecimalPrint.string(Double(timeoutMs) / 1000, .fixed)
            ),
        ]
    }

    /// The format of a page, by its `Content-Type` or else the fallback.
    static func format(
        _ contentType: String, fallback: ScrapeProtocol?
    ) throws(ScrapeFailure) -> ExpositionFormat {
        let media = contentType.prefix { $0 != ";" }.lowercased()
            .split(separator: " ").joined()
        switch media {
        case "application/openmetrics-text": return .openMetrics
        case "text/plain": return .prometheusText
        default: break
        }
        switch fallback {
        case .openMetricsText0_0_1, .openMetricsText1_0_0: return .openMetrics
        case .prometheusText0_0_4, .prometheusText1_0_0: return .prometheusText
        case .prometheusProto, nil: break
        }
        if contentType.isEmpty {
            throw ScrapeFailure(
                "non-compliant scrape target sending blank Content-Type and no "
                    + "fallback_scrape_protocol specified for target")
        }
        throw ScrapeFailure(
            "received unsupported Content-Type \(GoQuote.quoted(contentType)) and no "
                + "fallback_scrape_protocol specified for target")
    }

    /// `404 Not Found`.
    static func statusText(_ status: Int) -> String {
        let reasons: [Int: String] = [
            204: "No Content", 301: "Moved Permanently", 302: "Found", 304: "Not Modified",
            307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
            401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
            406: "Not Acceptable", 408: "Request Timeout", 410: "Gone",
            429: "Too Many Requests", 500: "Internal Server Error", 501: "Not Implemented",
            502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
        ]
        return reasons[status].map { "\(status) \($0)" } ?? "\(status)"
    }
}
