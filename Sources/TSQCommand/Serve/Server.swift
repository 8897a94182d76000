import Foundation
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import TSQBase
import TSQConfig
import TSQEngine
import TSQHTTP
import TSQIO
import TSQMetrics
import TSQModel
import TSQScrape
import TSQStore
import UnixSignals

/// A running server: store, scraper, engine and web server together.
final class Server: Sendable {
    let flags: ServeFlags
    let store: Store
    let scraper: ScrapeManager
    let metrics: PrometheusMetricsFactory
    let logger: Logger
    /// What all queries together may hold.
    let queryMemory: MemoryPool
    private let routes: APIRoutes
    private let state: Mutex<State>
    private let quitStream:
        (stream: AsyncStream<Void>, continuation: AsyncStream<Void>.Continuation)

    private struct State {
        var config: ServerConfig
        var engine: QueryEngine
        var isConfigGood = true
        var configLoadedMs: TimestampMs
    }

    // MARK: Start

    /// Opens the store and prepares everything; `run` then listens and scrapes.
    static func start(flags: ServeFlags, config: ServerConfig) throws -> Server {
        let logger = Self.logger(flags)
        let metrics = PrometheusMetricsFactory()
        let events = MetricsEventSink(metrics: metrics) { level, message, fields in
            logger.log(
                level: level.loggerLevel, "\(message)",
                metadata: Dictionary(
                    fields.map { ($0.key, .string($0.value)) }, uniquingKeysWith: { $1 }))
        }
        let retentionMs = Self.retentionMs(flags, config)
        var options = StoreOptions()
        options.retentionMs = retentionMs
        options.retentionBytes = UInt64(
            clamping: config.storage.retentionBytes ?? Int64(flags.retentionSize?.byteCount ?? 0))
        options.retentionDiskShare =
            (config.storage.retentionPercentage ?? flags.retentionPercentage ?? 0) / 100
        options.memoryLimitBytes = UInt64(flags.memoryLimit?.byteCount ?? 0)
        options.syncIntervalMs = flags.syncInterval.ms
        if config.storage.outOfOrderTimeWindowMs > 0 {
            options.outOfOrderWindowMs = config.storage.outOfOrderTimeWindowMs
        }
        if let exemplars = config.storage.exemplarsMax { options.exemplarsMax = exemplars }
        let startedNs = SystemClock().monotonicNs()
        let store: Store
        do throws(StoreError) {
            store = try Store.open(
                directory: flags.storagePath, options: options, events: events)
        } catch {
            throw CommandFailure("opening storage failed: \(error.message)")
        }
        logger.info(
            "Store opened",
            metadata: [
                "directory": "\(flags.storagePath)",
                "duration": "\((SystemClock().monotonicNs() - startedNs) / 1_000_000)ms",
            ])
        return try Server(
            flags: flags, config: config, store: store, metrics: metrics, logger: logger,
            events: events, retentionMs: retentionMs)
    }

    private init(
        flags: ServeFlags, config: ServerConfig, store: Store, metrics: PrometheusMetricsFactory,
        logger: Logger, events: any EventSink, retentionMs: Int64
    ) throws {
        self.flags = flags
        self.store = store
        self.metrics = metrics
        self.logger = logger
        queryMemory = MemoryPool(bytesMax: Self.queryBytesMax(flags))
        scraper = ScrapeManager(appender: store, events: events)
        quitStream = AsyncStream.makeStream(of: Void.self)
        let engine = QueryEngine(
            options: flags.engineOptions(
                evaluationIntervalMs: config.global.evaluationIntervalMs, pool: queryMemory))
        state = Mutex(
            State(config: config, engine: engine, configLoadedMs: SystemClock().nowMs()))
        let box = ServerBox()
        var context = APIContext(source: store, engine: { box.engine }, metrics: metrics)
        context.events = events
        context.options = Self.apiOptions(flags, retentionMs: retentionMs)
        let (scraper, quit) = (scraper, quitStream.continuation)
        context.readOnlyReason = { store.readOnlyReason }
        if flags.enableImport { context.importer = store }
        if flags.enableAdminAPI { context.admin = StoreAdmin(store) }
        context.blocks = { BlockStatus.all(of: store) }
        context.scrapePools = { scraper.pools() }
        context.scrapePoolConfig = { name in
            let config = box.server?.state.withLock { $0.config }
            return config?.scrapeConfigs.first { $0.jobName == name }.map {
                ScrapePoolConfig(yaml: $0.yaml, relabelRules: $0.relabelRules)
            }
        }
        context.targetMetadata = { scraper.metadata() }
        context.headStatus = { HeadStatus(store, limit: $0) }
        context.configText = { box.server?.state.withLock { $0.config.yaml } ?? "" }
        context.externalLabels = {
            box.server?.state.withLock { $0.config.global.externalLabels } ?? LabelSet()
        }
        context.configState = {
            box.server?.state.withLock { ($0.isConfigGood, $0.configLoadedMs) } ?? (true, 0)
        }
        if flags.enableLifecycle {
            context.reload = { try await box.server?.reload() }
            context.quit = { quit.yield() }
        }
        do throws(RegexError) {
            routes = try APIRoutes(context)
        } catch {
            throw CommandFailure("--web.cors.origin: \(error)", code: TSQ.Exit.usage)
        }
        box.set(self)
        StoreMetrics.register(
            store: store, scraper: scraper, routes: routes, queryMemory: queryMemory, in: metrics)
    }

    var engine: QueryEngine { state.withLock { $0.engine } }

    /// The routes are made before the server that they ask; this is what they hold. The server lives
    /// as long as the process answers.
    private final class ServerBox: Sendable {
        private let content = Mutex<Server?>(nil)

        var server: Server? { content.withLock { $0 } }
        var engine: QueryEngine { server?.engine ?? QueryEngine() }

        func set(_ server: Server) { content.withLock { $0 = server } }
    }

    // MARK: Run

    /// Serves until a signal or a quit request, then stops: no new requests, last scrapes stored, log
    /// made durable.
    ///
    /// - Parameter onRunning: called for each address that is listened on.
    func run(onRunning: @escaping @Sendable () async -> Void = {}) async throws {
        if !IgnoredFlags.found.isEmpty {
            logger.warning(
                "Flags without a meaning here are ignored",
                metadata: ["flags": "\(IgnoredFlags.found.joined(separator: ","))"])
        }
        logUnknownFeatures()
        var services: [any Service] = []
        let server = APIServer(routes)
        let logger = logger
        for text in flags.addresses {
            guard let address = ListenAddress(text) else { continue }
            let application = server.application(
                host: address.host, port: address.port, logger: Self.quiet(logger)
            ) { port in
                logger.info(
                    "Server is ready to receive web requests.",
                    metadata: ["address": "\(address.host):\(port)"])
                await onRunning()
            }
            services.append(WebService(application: application))
        }
        services.append(ScrapeService(server: self))
        services.append(ReloadService(server: self))
        services.append(QueryEndService(server: server))
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Self.quiet(logger)))
        // Seldom enough to cost nothing; often enough that what a query read does not stay.
        let trimming = Worker(intervalMs: 5000) { ProcessMemory.trim() }
        // What only the start needed goes before the first pages come with all their new series.
        let afterStart = Task {
            try await Task.sleep(for: .milliseconds(500))
            trimming?.wake()
        }
        defer {
            afterStart.cancel()
            trimming?.stop()
        }
        let quitting = Task { [quitStream] in
            for await _ in quitStream.stream { await group.triggerGracefulShutdown() }
        }
        defer { quitting.cancel() }
        do {
            try await group.run()
        } catch {
            await finish()
            throw CommandFailure(Self.message(error, addresses: flags.addresses))
        }
        await finish()
    }

    private static func message(_ error: any Error, addresses: [String]) -> String {
        let place = addresses.joined(separator: ", ")
        switch error {
        case let error as NIOCore.IOError where error.errnoCode == EADDRINUSE:
            return "cannot listen on \(place): another process listens there "
                + "(--web.listen-address takes another address)"
        case let error as NIOCore.IOError:
            return "cannot listen on \(place): \(String(cString: strerror(error.errnoCode)))"
        case let error as CommandFailure: return error.message
        default: return "server failed: \(error)"
        }
    }

    private func finish() async {
        await scraper.stop()
        routes.shutDown()
        do throws(StoreError) {
            try store.close()
            logger.info("See you next time!")
        } catch {
            logger.error("closing the store failed", metadata: ["err": "\(error.message)"])
        }
    }

    // MARK: Configuration

    func applyConfig() async throws {
        let config = state.withLock { $0.config }
        for warning in config.warnings { logger.warning("\(warning)") }
        do throws(ConfigError) {
            try await scraper.apply(config)
        } catch {
            throw CommandFailure(error.description)
        }
    }

    /// Reads the file again. A bad one leaves everything as it is.
    func reload() async throws {
        let startedMs = SystemClock().nowMs()
        do throws(ConfigError) {
            let config = try ServerConfig.load(path: flags.configFile)
            try await scraper.apply(config)
            let engine = QueryEngine(
                options: flags.engineOptions(
                    evaluationIntervalMs: config.global.evaluationIntervalMs,
                    pool: queryMemory))
            state.withLock {
                $0 = State(config: config, engine: engine, configLoadedMs: startedMs)
            }
            for warning in config.warnings { logger.warning("\(warning)") }
            logger.info(
                "Completed loading of configuration file",
                metadata: ["filename": "\(flags.configFile)"])
        } catch {
            state.withLock { $0.isConfigGood = false }
            logger.error("Error reloading config", metadata: ["err": "\(error.description)"])
            throw CommandFailure(error.description)
        }
    }

    // MARK: Settings

    private static func retentionMs(_ flags: ServeFlags, _ config: ServerConfig) -> Int64 {
        let wanted = config.storage.retentionTimeMs ?? flags.retention?.ms ?? 0
        return wanted > 0 ? wanted : ServeFlags.retentionDefaultMs
    }

    /// Queries' share of the memory limit; without one half of the machine's memory.
    private static func queryBytesMax(_ flags: ServeFlags) -> Int64 {
        let limit = UInt64(flags.memoryLimit?.byteCount ?? 0)
        if let shares = MemoryShares(limitBytes: limit) {
            return Int64(clamping: shares.queryBytes)
        }
        let half = Int64(clamping: ProcessInfo.processInfo.physicalMemory / 2)
        return max(half, Int64(flags.queryMaxBytes.byteCount))
    }

    private static func apiOptions(_ flags: ServeFlags, retentionMs: Int64) -> APIOptions {
        var options = APIOptions()
        options.flags = flags.all(retentionMs: retentionMs)
        options.queryConcurrency = flags.queryMaxConcurrency
        options.tellsStepStatistics = flags.featureNames.contains("promql-per-step-stats")
        options.corsOrigin = flags.corsOrigin
        options.storageRetention = PromDuration.format(ms: retentionMs)
        if let size = flags.retentionSize { options.storageRetention += " or \(size.text)" }
        options.workingDirectory = FileManager.default.currentDirectoryPath
        options.hostname = ProcessInfo.processInfo.hostName
        options.startedMs = SystemClock().nowMs()
        options.processorCount = ProcessInfo.processInfo.activeProcessorCount
        options.revision = "tsq-" + Version.text
        options.features = Features.byArea(flags)
        return options
    }

    private func logUnknownFeatures() {
        var options = EngineOptions()
        let unknown = Features.apply(flags.featureNames, to: &options)
        if !unknown.isEmpty {
            logger.warning(
                "Unknown option for --enable-feature",
                metadata: ["option": "\(unknown.joined(separator: ","))"])
        }
    }

    private static func logger(_ flags: ServeFlags) -> Logger {
        let levels: [String: Logger.Level] = [
            "debug": .debug, "info": .info, "warn": .warning, "error": .error,
        ]
        let level = levels[flags.logLevel] ?? .info
        let format = LogFormat(rawValue: flags.logFormat) ?? .logfmt
        return Logger(label: "tsq") { _ in LineLogHandler(level: level, format: format) }
    }

    /// The web server's own lines: only what goes wrong.
    private static func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        if logger.logLevel > .debug { quiet.logLevel = max(logger.logLevel, .warning) }
        return quiet
    }
}
