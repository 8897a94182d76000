import Synchronization
import TSQBase
import TSQConfig
import TSQHTTPClient
import TSQModel

/// Scrapes what a configuration names into a `SampleAppender`.
///
/// All methods are safe from any thread; `apply` and `stop` one call at a time.
package final class ScrapeManager: Sendable {
    /// Makes the client of a pool; may throw a `ConfigError`.
    package typealias FetcherFactory = @Sendable (HTTPClientConfig) throws -> any Fetcher

    /// Threads that parse and commit: pages of many targets, few cores.
    package static let threadCount = 2

    private let context: LoopContext
    private let makeFetcher: FetcherFactory?
    private let userAgent: String
    private let state = Mutex(State())

    private struct State {
        /// In the configuration's order.
        var pools: [ScrapePool] = []
        /// Waiting to write the stale markers of targets that are gone.
        var farewells: [UInt64: Task<Void, Never>] = [:]
        var nextFarewell: UInt64 = 0
        var isStopped = false
    }

    /// - Parameters:
    ///   - makeFetcher: For tests; the default is an `HTTPFetcher`.
    ///   - onScrape: Called after every scrape, from a task; must not block.
    package init(
        appender: any SampleAppender, clock: any WallClock = SystemClock(),
        events: any EventSink = NullEventSink(), userAgent: String = "tsq",
        makeFetcher: FetcherFactory? = nil,
        onScrape: (@Sendable (ScrapeOutcome) -> Void)? = nil
    ) {
        context = LoopContext(
            appender: appender, clock: clock, events: events,
            threads: ScrapeThreads(count: Self.threadCount),
            loops: PageLoops(count: Self.threadCount), onScrape: onScrape)
        self.makeFetcher = makeFetcher
        self.userAgent = userAgent
    }

    private func fetcher(_ config: HTTPClientConfig) throws(ConfigError) -> any Fetcher {
        guard let makeFetcher else { return try HTTPFetcher(config, userAgent: userAgent) }
        do {
            return try makeFetcher(config)
        } catch {
            throw error as? ConfigError ?? ConfigError("\(error)")
        }
    }

    /// Makes the running pools those of `config`. Targets whose section did not change go on
    /// untouched; of the others, those that stay keep their series and their place in the schedule.
    ///
    /// - Throws: `ConfigError` when a client cannot be made; then everything runs on as before.
    package func apply(_ config: ServerConfig) async throws(ConfigError) {
        let old = state.withLock { $0.pools }
        var next: [ScrapePool] = []
        do {
            for section in config.scrapeConfigs {
                let known = old.first { $0.name == section.jobName }
                if let known, known.isSame(section) {
                    next.append(known)
                } else {
                    next.append(ScrapePool(section, fetcher: try fetcher(section.httpClient)))
                }
            }
        } catch {
            for pool in next where !old.contains(where: { $0 === pool }) {
                await pool.shutdownFetcher()
            }
            throw error
        }
        let kept = Set(next.map(ObjectIdentifier.init))
        for pool in old where !kept.contains(ObjectIdentifier(pool)) {
            let heir = next.first { $0.name == pool.name }
            await retire(pool, heir: heir)
        }
        for pool in next { pool.start(context) }
        state.withLock { $0.pools = next }
    }

    /// Ends a pool's loops. Targets that its heir has too hand over their series, the others say
    /// farewell.
    private func retire(_ pool: ScrapePool, heir: ScrapePool?) async {
        for loop in await pool.stopLoops() {
            if let heir, heir.inherits(loop) {
                loop.scraper.finish(staleAtMs: nil)
            } else {
                sayFarewell(loop)
            }
        }
        await pool.shutdownFetcher()
    }

    /// Stale markers for a target that is gone, when two more scrapes and a tenth of an interval have
    /// passed: by then a target that only moved to another section has been scraped again, and the
    /// store refuses the late markers of series that have newer samples.
    /// - Source: Prometheus scrape.go, endOfRunStaleness.
    private func sayFarewell(_ loop: TargetLoop) {
        let intervalMs = loop.scraper.target.intervalMs
        let number = state.withLock { state in
            state.nextFarewell += 1
            return state.nextFarewell
        }
        let task = Task { [self] in
            try? await Task.sleep(for: .milliseconds(intervalMs))
            let staleAtMs = max(context.clock.nowMs(), (loop.lastMs ?? 0) + 1)
            try? await Task.sleep(for: .milliseconds(intervalMs + intervalMs / 10))
            let isCancelled = Task.isCancelled
            await context.threads.run {
                loop.scraper.finish(staleAtMs: isCancelled ? nil : staleAtMs)
            }
            state.withLock { _ = $0.farewells.removeValue(forKey: number) }
        }
        state.withLock { $0.farewells[number] = task }
    }

    /// Ends every loop and returns when the last scrape that was under way is committed or given up.
    /// As Prometheus at shutdown, it writes no stale markers: a restart goes on where this ended.
    package func stop() async {
        let (pools, farewells) = state.withLock { state in
            let result = (state.pools, Array(state.farewells.values))
            state.pools = []
            return state.isStopped ? ([], []) : result
        }
        let wasStopped = state.withLock { state in
            let was = state.isStopped
            state.isStopped = true
            return was
        }
        if wasStopped { return }
        for task in farewells { task.cancel() }
        for task in farewells { await task.value }
        for pool in pools {
            for loop in await pool.stopLoops() { loop.scraper.finish(staleAtMs: nil) }
            await pool.shutdownFetcher()
        }
        context.threads.stop()
        await context.loops.shutdown()
    }

    /// In the configuration's order.
    package func pools() -> [ScrapePoolStatus] {
        state.withLock { $0.pools }.map(\.status)
    }

    /// Of the active targets, in the order of `pools()`.
    package func metadata() -> [TargetMetadata] {
        state.withLock { $0.pools }.flatMap(\.metadata)
    }
}
