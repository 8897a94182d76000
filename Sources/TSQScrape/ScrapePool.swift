import Synchronization
import TSQBase
import TSQConfig
import TSQHTTPClient
import TSQModel

/// The targets of one `scrape_configs` entry and their loops.
final class ScrapePool: Sendable {
    let config: ScrapeConfig
    private let fetcher: any Fetcher
    private let targets: [Target]
    private let dropped: [LabelSet]
    private let invalid: [String]
    private let state = Mutex(State())

    private struct State {
        var loops: [TargetLoop] = []
        var heritage: [String: Heritage] = [:]
        var isStarted = false
    }

    /// What a loop leaves to the loop of the same target in the next pool.
    private struct Heritage {
        var refs: [SeriesRef]
        var lastMs: TimestampMs?
    }

    init(_ config: ScrapeConfig, fetcher: any Fetcher) {
        self.config = config
        self.fetcher = fetcher
        var targets: [Target] = []
        var dropped: [LabelSet] = []
        var invalid: [String] = []
        for outcome in Target.all(config) {
            switch outcome {
            case .target(let target): targets.append(target)
            case .dropped(let labels): dropped.append(labels)
            case .invalid(let reason): invalid.append(reason)
            }
        }
        self.targets = targets
        self.dropped = dropped
        self.invalid = invalid
    }

    var name: String { config.jobName }

    /// Whether a section means what this pool does already.
    func isSame(_ section: ScrapeConfig) -> Bool {
        section.yaml == config.yaml && section.httpClient == config.httpClient
    }

    /// Takes over from `loop` if its target is one of this pool's.
    func inherits(_ loop: TargetLoop) -> Bool {
        let key = loop.scraper.target.key
        guard targets.contains(where: { $0.key == key }) else { return false }
        let heritage = Heritage(refs: loop.scraper.liveRefs(), lastMs: loop.lastMs)
        state.withLock { $0.heritage[key] = heritage }
        return true
    }

    /// Starts the loops of a new pool; nothing for one that runs.
    func start(_ context: LoopContext) {
        let heritage: [String: Heritage]? = state.withLock { state in
            if state.isStarted { return nil }
            state.isStarted = true
            return state.heritage
        }
        guard let heritage else { return }
        for reason in invalid {
            context.events.log(
                .error, "target dropped", [("scrape_pool", name), ("reason", reason)])
        }
        let limit = config.limits.targets
        let failure =
            limit > 0 && targets.count > limit
            ? "target_limit exceeded (number of targets: \(targets.count), limit: \(limit))" : nil
        var loops: [TargetLoop] = []
        for target in targets {
            let scraper = TargetScraper(
                target, config, appender: context.appender, events: context.events)
            let loop = TargetLoop(
                scraper, fetcher: fetcher, context: context, poolFailure: failure)
            let left = heritage[target.key]
            if let left { scraper.inherit(left.refs) }
            loop.start(after: left?.lastMs)
            loops.append(loop)
        }
        state.withLock { state in
            state.loops = loops
            state.heritage = [:]
        }
    }

    /// Ends all loops at once and waits for them.
    func stopLoops() async -> [TargetLoop] {
        let loops = state.withLock { state in
            let loops = state.loops
            state.loops = []
            return loops
        }
        await withTaskGroup(of: Void.self) { group in
            for loop in loops { group.addTask { await loop.stop() } }
        }
        return loops
    }

    func shutdownFetcher() async {
        if let fetcher = fetcher as? HTTPFetcher { await fetcher.shutdown() }
    }

    var status: ScrapePoolStatus {
        let loops = state.withLock { $0.loops }
        let keep = config.limits.keepDroppedTargets
        let shown = keep > 0 ? Array(dropped.prefix(keep)) : dropped
        return ScrapePoolStatus(
            name: name, active: loops.map(\.scraper.status),
            dropped: shown.map { DroppedTarget(discoveredLabels: $0, scrapePool: name) },
            droppedCount: dropped.count)
    }

    var metadata: [TargetMetadata] {
        state.withLock { $0.loops }.map {
            TargetMetadata(target: $0.scraper.target.labels, families: $0.scraper.families)
        }
    }
}
