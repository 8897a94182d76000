import ArgumentParser
import TSQBase
import TSQEngine
import TSQPromQL
import TSQStore

/// The flags of `tsq serve`: Prometheus's names, and a few of its own.
struct ServeFlags: ParsableArguments {
    @Option(name: .customLong("config.file"), help: "The configuration file.")
    var configFile = "prometheus.yml"

    @Option(
        name: .customLong("web.listen-address"),
        help: "Address to listen on; may be given more than once. (default: 0.0.0.0:9090)")
    var listenAddresses: [String] = []

    @Option(
        name: .customLong("web.external-url"),
        help: "The URL under which the server is reachable from outside.")
    var externalURL = ""

    @Option(
        name: .customLong("web.cors.origin"),
        help: "Regular expression for origins that may read the answers.")
    var corsOrigin = ".*"

    @Flag(
        name: .customLong("web.enable-lifecycle"),
        help: "Reload and quit through HTTP requests (POST /-/reload, /-/quit).")
    var enableLifecycle = false

    @Flag(
        name: .customLong("web.enable-admin-api"),
        help: "Delete series and take snapshots through HTTP requests (/api/v1/admin/tsdb/…).")
    var enableAdminAPI = false

    @Flag(
        name: .customLong("web.enable-import"),
        help: "Take samples of any time through HTTP requests (POST /api/v1/import).")
    var enableImport = false

    @Option(name: .customLong("storage.tsdb.path"), help: "The directory of the store.")
    var storagePath = "data/"

    @Option(
        name: .customLong("storage.tsdb.retention.time"),
        help: "How long samples are kept. (default: 15d)")
    var retention: DurationArgument?

    @Option(
        name: .customLong("storage.tsdb.retention.size"),
        help:
            "Bytes that the store may take, as 512MB or 10GB; the oldest blocks go. (default: any)")
    var retentionSize: ByteSizeArgument?

    @Option(
        name: .customLong("storage.tsdb.retention.percentage"),
        help: "The same as a share of the disk, in per cent. (default: any)")
    var retentionPercentage: Double?

    @Option(
        name: .customLong("storage.memory-limit"),
        help: "Bytes that head, caches and queries may take together, as 2GB. (default: any)")
    var memoryLimit: ByteSizeArgument?

    @Option(
        name: .customLong("storage.sync-interval"),
        help: "What a power cut may take at most; 0 makes every scrape durable at once.")
    var syncInterval = DurationArgument(ms: 1000)

    @Option(
        name: .customLong("query.lookback-delta"),
        help: "How old a series' newest sample may be to still count as its value.")
    var lookback = DurationArgument(ms: 300_000)

    @Option(
        name: .customLong("query.timeout"), help: "How long a query may take.")
    var queryTimeout = DurationArgument(ms: 120_000)

    @Option(
        name: .customLong("query.max-samples"),
        help: "How many samples a query may hold in memory.")
    var queryMaxSamples: Int64 = 50_000_000

    @Option(
        name: .customLong("query.max-bytes"),
        help: "How many bytes a query may hold in memory, its answer included, as 512MB.")
    var queryMaxBytes = ByteSizeArgument(byteCount: 1 << 30)

    @Option(
        name: .customLong("query.max-concurrency"),
        help: "How many queries run at once; others wait, clients take turns.")
    var queryMaxConcurrency = 20

    @Option(
        name: .customLong("enable-feature"),
        help: "Features to turn on, separated by commas; may be given more than once.")
    var features: [String] = []

    @Option(name: .customLong("log.level"), help: "debug, info, warn or error.")
    var logLevel = "info"

    @Option(name: .customLong("log.format"), help: "logfmt or json.")
    var logFormat = "logfmt"

    static let retentionDefaultMs: Int64 = 15 * 86_400_000
    /// Each query has a thread.
    private static let concurrencyMax = 1000

    mutating func validate() throws {
        guard ["debug", "info", "warn", "error"].contains(logLevel) else {
            throw ValidationError("--log.level must be one of debug, info, warn, error")
        }
        guard LogFormat(rawValue: logFormat) != nil else {
            throw ValidationError("--log.format must be logfmt or json")
        }
        guard queryMaxConcurrency > 0, queryMaxConcurrency <= Self.concurrencyMax else {
            throw ValidationError(
                "--query.max-concurrency must be above 0 and at most \(Self.concurrencyMax)")
        }
        guard queryMaxSamples > 0 else {
            throw ValidationError("--query.max-samples must be above 0")
        }
        guard queryMaxBytes.byteCount > 0 else {
            throw ValidationError("--query.max-bytes must be above 0")
        }
        for (name, duration) in [
            ("query.timeout", queryTimeout), ("query.lookback-delta", lookback),
        ] where duration.ms <= 0 {
            throw ValidationError("--\(name) must be above 0")
        }
        if let retentionPercentage, !(retentionPercentage >= 0 && retentionPercentage <= 100) {
            throw ValidationError(
                "--storage.tsdb.retention.percentage must be between 0 and 100")
        }
        for address in addresses where ListenAddress(address) == nil {
            throw ValidationError("--web.listen-address: \(address) is no host:port")
        }
    }

    var addresses: [String] { listenAddresses.isEmpty ? ["0.0.0.0:9090"] : listenAddresses }

    var featureNames: [String] {
        features.flatMap { $0.split(separator: ",").map(String.init) }
    }

    /// Settings of the engine; `evaluationIntervalMs` is the configuration's.
    func engineOptions(
        evaluationIntervalMs: Int64, pool: MemoryPool? = nil
    ) -> EngineOptions {
        var options = EngineOptions()
        options.memoryPool = pool
        Features.apply(featureNames, to: &options)
        options.lookbackMs = lookback.ms
        options.timeoutMs = queryTimeout.ms
        options.samplesMax = queryMaxSamples
        options.bytesMax = Int64(queryMaxBytes.byteCount)
        options.subqueryStepMs = evaluationIntervalMs
        return options
    }

    /// By name, for `status/flags`.
    func all(retentionMs: Int64) -> [String: String] {
        [
            "config.file": configFile,
            "web.listen-address": "[" + addresses.joined(separator: " ") + "]",
            "web.external-url": externalURL, "web.cors.origin": corsOrigin,
            "web.enable-lifecycle": "\(enableLifecycle)",
            "web.enable-admin-api": "\(enableAdminAPI)",
            "web.enable-import": "\(enableImport)",
            "storage.tsdb.path": storagePath,
            "storage.tsdb.retention.time": PromDuration.format(ms: retentionMs),
            "storage.tsdb.retention.size": retentionSize?.text ?? "0B",
            "storage.tsdb.retention.percentage": DecimalPrint.string(
                retentionPercentage ?? 0, .general),
            "storage.memory-limit": memoryLimit?.text ?? "0B",
            "storage.sync-interval": PromDuration.format(ms: syncInterval.ms),
            "query.lookback-delta": PromDuration.format(ms: lookback.ms),
            "query.timeout": PromDuration.format(ms: queryTimeout.ms),
            "query.max-samples": "\(queryMaxSamples)",
            "query.max-bytes": queryMaxBytes.text,
            "query.max-concurrency": "\(queryMaxConcurrency)",
            "enable-feature": featureNames.joined(separator: ","),
            "log.level": logLevel, "log.format": logFormat,
        ]
    }
}

/// `host:port`, `:port`, `[::1]:port`.
struct ListenAddress: Equatable {
    let host: String
    let port: Int

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("[") && host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.host = host.isEmpty ? "0.0.0.0" : host
        self.port = port
    }
}
