import Synchronization

/// Prometheus's flags that mean nothing here: taken out of the arguments, named in one log line.
enum IgnoredFlags {
    /// By name; true where a value follows.
    static let known: [String: Bool] = [
        "web.config.file": true, "web.read-timeout": true, "web.max-connections": true,
        "web.max-notifications-subscribers": true, "web.route-prefix": true,
        "web.user-assets": true, "web.console.templates": true, "web.console.libraries": true,
        "web.page-title": true,
        "web.enable-remote-write-receiver": false, "web.enable-otlp-receiver": false,
        "web.remote-write-receiver.accepted-protobuf-messages": true,
        "storage.tsdb.retention": true,
        "storage.tsdb.no-lockfile": false, "storage.tsdb.head-chunks-write-queue-size": true,
        "storage.tsdb.min-block-duration": true, "storage.tsdb.max-block-duration": true,
        "storage.tsdb.max-block-chunk-segment-size": true,
        "storage.tsdb.wal-segment-size": true, "storage.tsdb.wal-compression": false,
        "storage.tsdb.wal-compression-type": true, "storage.tsdb.allow-overlapping-blocks": false,
        "storage.tsdb.allow-overlapping-compaction": false,
        "storage.tsdb.samples-per-chunk": true, "storage.tsdb.max-bytes-to-compact": true,
        "storage.tsdb.delayed-compaction.max-percent": true,
        "storage.agent.path": true, "storage.agent.wal-segment-size": true,
        "storage.agent.wal-compression": false, "storage.agent.wal-compression-type": true,
        "storage.agent.wal-truncate-frequency": true, "storage.agent.retention.min-time": true,
        "storage.agent.retention.max-time": true, "storage.agent.no-lockfile": false,
        "storage.remote.flush-deadline": true, "storage.remote.read-sample-limit": true,
        "storage.remote.read-concurrent-limit": true,
        "storage.remote.read-max-bytes-in-frame": true,
        "rules.alert.for-outage-tolerance": true, "rules.alert.for-grace-period": true,
        "rules.alert.resend-delay": true, "rules.max-concurrent-evals": true,
        "alertmanager.notification-queue-capacity": true,
        "alertmanager.notification-batch-size": true,
        "alertmanager.drain-notification-queue-on-shutdown": false,
        "scrape.adjust-timestamps": false, "scrape.timestamp-tolerance": true,
        "scrape.discovery-reload-interval": true, "auto-gomemlimit": false,
        "auto-gomemlimit.ratio": true, "auto-gomaxprocs": false, "agent": false,
        "config.auto-reload": false, "config.auto-reload-interval": true,
    ]

    /// What was taken out, for the log: set once, before the command runs.
    private static let taken = Mutex<[String]>([])

    static var found: [String] { taken.withLock { $0 } }

    /// `arguments` without the flags that are ignored.
    static func extract(from arguments: [String]) -> [String] {
        let (rest, ignored) = split(arguments)
        taken.withLock { $0 = ignored }
        return rest
    }

    static func split(_ arguments: [String]) -> (rest: [String], ignored: [String]) {
        var rest: [String] = []
        var ignored: [String] = []
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            guard let (name, hasValue) = flag(argument), let takesValue = known[name] else {
                rest.append(argument)
                continue
            }
            ignored.append("--" + name)
            if takesValue && !hasValue { index += 1 }
        }
        return (rest, ignored)
    }

    /// Go's flag parser takes one dash as well as two; `--no-x` turns a switch off.
    private static func flag(_ argument: String) -> (name: String, hasValue: Bool)? {
        guard argument.hasPrefix("-") else { return nil }
        let text = argument.drop { $0 == "-" }
        let name = text.prefix { $0 != "=" }
        let plain = name.hasPrefix("no-") && known[String(name)] == nil ? name.dropFirst(3) : name
        return (String(plain), name.count < text.count)
    }
}
