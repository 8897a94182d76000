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
    /// Where targets of plain HTTP are scraped.
    let loops: PageLoops
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
        var direct: DirectScrapes?
        var isStopped = false
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
        let direct = makeDirect()
        state.withLock { state in
            precondition(
                state.task == nil && state.direct == nil, "BUG: a loop is started twice")
            state.schedule.resume(after: lastMs)
            state.direct = direct
            if direct == nil { state.task = Task { [self] in await run() } }
        }
        direct?.start()
    }

    /// No scrape begins any more; returns when the one under way has been committed or given up.
    func stop() async {
        let (direct, task) = state.withLock { state in
            state.isStopped = true
            return (state.direct, state.task)
        }
        await direct?.stop()
        state.withLock { $0.direct = nil }
        // A target may just have left its loop.
        let last = state.withLock { $0.task } ?? task
        last?.cancel()
        await last?.value
    }

    /// nil when the target cannot be scraped that way.
    private func makeDirect() -> DirectScrapes? {
        if poolFailure != nil { return nil }
        let target = scraper.target
        let headers = Negotiation.headers(scraper.config, timeoutMs: target.timeoutMs)
        guard
            let connection = fetcher.connection(
                url: target.url, headers: headers, on: context.loops.assign())
        else { return nil }
        let clock = context.clock
        let steps = DirectScrapes.Steps(
            begin: { [self] in
                state.withLock { $0.schedule.timestamp(atMs: clock.nowMs()) }
            },
            waitMs: { [self] startedMs in
                let intervalMs = target.intervalMs
                let dueMs =
                    startedMs.map { nextDue(after: $0, intervalMs) }
                    ?? state.withLock { $0.schedule }.next(atOrAfter: clock.nowMs())
                return min(dueMs - clock.nowMs(), intervalMs)
            },
            nowMs: { clock.nowMs() },
            commit: { [self] outcome, timeMs, startedNs in
                let result: PageResult =
                    switch outcome {
                    case .response(let response): page(response)
                    case .failure(let error): failed(error)
                    }
                let outcome = scraper.commit(
                    result, timeMs: timeMs, startedNs: startedNs, nowNs: clock.monotonicNs)
                context.onScrape?(outcome)
            },
            leave: { [self] timeMs in
                state.withLock { state in
                    state.direct = nil
                    if state.isStopped { return }
                    state.task = Task { [self] in
                        await scrape(timeMs: timeMs)
                        await run()
                    }
                }
            },
            nowNs: { clock.monotonicNs() })
        let limit = scraper.config.limits.bodyBytes
        return DirectScrapes(
            connection, timeoutMs: target.timeoutMs, bodyBytesMax: limit > 0 ? limit : nil, steps)
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
        do throws(FetchError) {
            return page(try await fetcher.fetch(request))
        } catch {
            return failed(error)
        }
    }

    private func page(_ response: FetchResponse) -> PageResult {
        guard response.status == 200 else {
            let status = Negotiation.statusText(response.status)
            return .failure("server returned HTTP status \(status)", bodyByteCount: 0)
        }
        do throws(ScrapeFailure) {
            let format = try Negotiation.format(
                response.contentType, fallback: scraper.config.fallbackScrapeProtocol)
            return .page(body: response.body, format: format)
        } catch {
            return .failure(error.message, bodyByteCount: 0)
        }
    }

    private func failed(_ error: FetchError) -> PageResult {
        switch error {
        case .bodyTooLarge: .failure(error.message, bodyByteCount: -1)
        case .timeout, .connection:
            .failure(
                "Get \(GoQuote.quoted(scraper.target.url)): \(error.message)", bodyByteCount: 0)
        }
    }
}
