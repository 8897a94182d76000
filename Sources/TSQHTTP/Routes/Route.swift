/// What a path means.
enum Route: Equatable {
    case query, queryRange, queryExemplars, formatQuery, parseQuery
    case labelNames, labelValues(String), series, metadata
    case targets, targetsMetadata, scrapePools, alertmanagers, rules, alerts
    case status(StatusPage)
    case healthy, ready, reload, quit, metrics, federate, version, page, graph

    enum StatusPage: String {
        case buildinfo, runtimeinfo, config, flags, tsdb, walreplay
    }

    /// - Parameter segments: the path's parts, decoded; `/` is one empty part.
    init?(_ segments: [String]) {
        if segments.count >= 2, segments[0] == "api", segments[1] == "v1" {
            self.init(api: Array(segments.dropFirst(2)))
            return
        }
        switch segments {
        case [""]: self = .page
        case ["graph"], ["query"]: self = .graph
        case ["metrics"]: self = .metrics
        case ["federate"]: self = .federate
        case ["version"]: self = .version
        case ["-", "healthy"]: self = .healthy
        case ["-", "ready"]: self = .ready
        case ["-", "reload"]: self = .reload
        case ["-", "quit"]: self = .quit
        default: return nil
        }
    }

    private init?(api segments: [String]) {
        switch segments {
        case ["query"]: self = .query
        case ["query_range"]: self = .queryRange
        case ["query_exemplars"]: self = .queryExemplars
        case ["format_query"]: self = .formatQuery
        case ["parse_query"]: self = .parseQuery
        case ["labels"]: self = .labelNames
        case ["series"]: self = .series
        case ["metadata"]: self = .metadata
        case ["targets"]: self = .targets
        case ["targets", "metadata"]: self = .targetsMetadata
        case ["scrape_pools"]: self = .scrapePools
        case ["alertmanagers"]: self = .alertmanagers
        case ["rules"]: self = .rules
        case ["alerts"]: self = .alerts
        default:
            if segments.count == 3, segments[0] == "label", segments[2] == "values",
                !segments[1].isEmpty
            {
                self = .labelValues(segments[1])
            } else if segments.count == 2, segments[0] == "status",
                let page = StatusPage(rawValue: segments[1])
            {
                self = .status(page)
            } else {
                return nil
            }
        }
    }

    /// Under `/api/v1`: has CORS headers and answers OPTIONS.
    var isAPI: Bool {
        switch self {
        case .healthy, .ready, .reload, .quit, .metrics, .federate, .version, .page, .graph: false
        default: true
        }
    }

    var methods: [String] {
        switch self {
        case .query, .queryRange, .queryExemplars, .formatQuery, .parseQuery, .labelNames, .series:
            ["GET", "POST"]
        case .reload, .quit: ["POST", "PUT"]
        // Go's file and handler functions answer HEAD where GET is registered for both.
        case .healthy, .ready, .metrics, .page, .version, .graph, .federate: ["GET", "HEAD"]
        default: ["GET"]
        }
    }

    /// Answers 503 until the store is open.
    var needsReady: Bool {
        switch self {
        case .healthy, .metrics, .version, .reload, .quit, .page, .graph: false
        case .status(.walreplay): false
        default: true
        }
    }
}
