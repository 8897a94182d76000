import Synchronization
import TSQBase
import TSQConfig
import TSQExposition
import TSQHTTPClient
import TSQModel

/// What all loops of a manager share.
struct LoopContext: Sendable {
    let appender: any SampleAppender
    let clock: any WallClock
    let events: any EventSink
    let threads: ScrapeThreads
    let onScrape: (@Sendable (ScrapeOutcome) -> Void)?
}

/// Scrapes one target on its schedule until it is stopped.
final class TargetLoop: Sendable {
    let scraper: TargetScraper
    private let context: LoopContext
    private let fetcher: any Fetcher
    /// Set when the pool has too many targets: then every scrape fails with this.
    private let poolFailure: String?
    private let state: Mutex<State>

    private struct State {
        var schedule: Schedule
        var task: Task<Void, Never>?
    }

    init(
        _ scraper: TargetScraper, fetcher: any Fetcher, context: LoopContext,
        poolFailure: String?
    ) {
        self.scraper = scraper
        self.fetcher = fetcher
        self.context = context
        self.poolFailure = poolFailure
        state = Mutex(
            State(
                schedule: Schedule(
                    intervalMs: scraper.target.intervalMs, offsetHash: scraper.target.offsetHash)))
    }

    var lastMs: TimestampMs? { state.withLock { $0.schedule.lastMs } }

    /// Begins; the first scrape comes at the next scheduled time.
    func start(after lastMs: TimestampMs? = nil) {
        state.withLock { state in
            precondition(state.task == nil, "BUG: a loop is started twice")
            state.schedule.resume(after: lastMs)
            state.task = Task { [self] in await run() }
        }
    }

    /// No scrape begins any more; returns when the one under way has been committed or given up.
    func stop() async {
        let task = state.withLock { $0.task }
        task?.cancel()
        await task?.value
    }

    private func run() async {
        let intervalMs = scraper.target.intervalMs
        var dueMs = state.withLock { $0.schedule }.next(atOrAfter: context.clock.nowMs())
        while !Task.isCancelled {
            await sleep(untilMs: dueMs, intervalMs)
            if Task.isCancelled { return }
            let nowMs = context.clock.nowMs()
            let timeMs = state.withLock { $0.schedule.timestamp(atMs: nowMs) }
            await scrape(timeMs: timeMs)
            dueMs = nextDue(after: max(nowMs, dueMs), intervalMs)
        }
    }

    /// The scheduled time after `usedMs`. A scrape that took longer than its interval is followed by
    /// the next at once; what was missed beyond that is not made up for.
    private func nextDue(after usedMs: TimestampMs, _ intervalMs: Int64) -> TimestampMs {
        let schedule = state.withLock { $0.schedule }
        let nowMs = context.clock.nowMs()
        let nextMs = schedule.next(atOrAfter: usedMs + 1)
        if nextMs <= nowMs { return nowMs }
        // The clock stepped back.
        if nextMs - nowMs > intervalMs { return schedule.next(atOrAfter: nowMs + 1) }
        return nextMs
    }

    private func sleep(untilMs dueMs: TimestampMs, _ intervalMs: Int64) async {
        let waitMs = min(dueMs - context.clock.nowMs(), intervalMs)
        if waitMs <= 0 { return }
        try? await Task.sleep(for: .milliseconds(waitMs), tolerance: .zero)
    }

    /// One scrape: fetch on the event loops, parse and commit on a scrape thread.
    func scrape(timeMs: TimestampMs) async {
        let startedNs = context.clock.monotonicNs()
        let result = await fetch()
        // Cancelled in the middle: the target did not fail, so nothing is written.
        if Task.isCancelled, case .failure = result { return }
        let outcome = await context.threads.run { [scraper, context] in
            scraper.commit(
                result, timeMs: timeMs, startedNs: startedNs, nowNs: context.clock.monotonicNs)
        }
        context.onScrape?(outcome)
    }

    private func fetch() async -> PageResult {
        if let poolFailure { return .failure(poolFailure, bodyByteCount: 0) }
        let target = scraper.target
        let config = scraper.config
        let limit = config.limits.bodyBytes
        let request = FetchRequest(
            url: target.url, headers: Negotiation.headers(config, timeoutMs: target.timeoutMs),
            timeoutMs: target.timeoutMs, bodyBytesMax: limit > 0 ? limit : nil)
        do {
            let response = try await fetcher.fetch(request)
            guard response.status == 200 else {
                let status = Negotiation.statusText(response.status)
                return .failure("server returned HTTP status \(status)", bodyByteCount: 0)
            }
            let format = try Negotiation.format(
                response.contentType, fallback: config.fallbackScrapeProtocol)
            return .page(body: response.body, format: format)
        } catch let error as FetchError {
            switch error {
            case .bodyTooLarge: return .failure(error.message, bodyByteCount: -1)
            case .timeout, .connection:
                return .failure(
                    "Get \(GoQuote.quoted(target.url)): \(error.message)", bodyByteCount: 0)
            }
        } catch let error as ScrapeFailure {
            return .failure(error.message, bodyByteCount: 0)
        } catch {
            return .failure("\(error)", bodyByteCount: 0)
        }
    }
}
