/// What a path means.
enum Route: Equatable {
    case query, queryRange, queryExemplars, formatQuery, parseQuery
    case labelNames, labelValues(String), series, metadata
    case targets, targetsMetadata, relabelSteps, scrapePools, scrapePoolConfig
    case alertmanagers, rules, alerts, features, notifications
    case status(StatusPage)
    case admin(AdminAction), importSamples
    case healthy, ready, reload, quit, metrics, federate, version, page, graph

    enum StatusPage: String {
        case buildinfo, runtimeinfo, config, flags, tsdb, walreplay
        case blocks = "tsdb/blocks"
    }

    enum AdminAction: String {
        case deleteSeries = "delete_series"
        case cleanTombstones = "clean_tombstones"
        case snapshot, deletions
        case undoDeletion = "undo_deletion"
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
        case ["targets", "relabel_steps"]: self = .relabelSteps
        case ["scrape_pools"]: self = .scrapePools
        case ["scrape_pools", "config"]: self = .scrapePoolConfig
        case ["features"]: self = .features
        case ["notifications"]: self = .notifications
        case ["import"]: self = .importSamples
        case ["alertmanagers"]: self = .alertmanagers
        case ["rules"]: self = .rules
        case ["alerts"]: self = .alerts
        default:
            if segments.count == 3, segments[0] == "label", segments[2] == "values",
                !segments[1].isEmpty
            {
                self = .labelValues(segments[1])
            } else if segments.first == "status",
                let page = StatusPage(rawValue: segments.dropFirst().joined(separator: "/"))
            {
                self = .status(page)
            } else if segments.count == 3, segments[0] == "admin", segments[1] == "tsdb",
                let action = AdminAction(rawValue: segments[2])
            {
                self = .admin(action)
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
        case .admin(.deletions): ["GET"]
        case .reload, .quit, .admin: ["POST", "PUT"]
        case .importSamples: ["POST"]
        // Go's file and handler functions answer HEAD where GET is registered for both.
        case .healthy, .ready, .metrics, .page, .version, .graph, .federate: ["GET", "HEAD"]
        default: ["GET"]
        }
    }

    /// Answers 503 until the store is open.
    var needsReady: Bool {
        switch self {
        case .healthy, .metrics, .version, .reload, .quit, .page, .graph: false
        case .status(.walreplay), .notifications: false
        default: true
        }
    }
}
