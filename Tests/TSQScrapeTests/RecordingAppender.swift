import Foundation
import Synchronization
import TSQBase
import TSQConfig
import TSQExposition
import TSQHTTPClient
import TSQModel

@testable import TSQScrape

/// An appender that keeps what it is given.
final class RecordingAppender: SampleAppender {
    struct State: Sendable {
        var labels: [LabelSet] = []
        var numbers: [LabelSet: UInt32] = [:]
        var batches: [WriteBatch] = []
        var groupsOpened = 0
        var groupsClosed = 0
        var seriesMax = Int.max
        var failure: AppendError?
    }

    let state = Mutex(State())

    func resolve(_ labels: LabelSet) throws(AppendError) -> SeriesRef {
        let result: Result<SeriesRef, AppendError> = state.withLock { state in
            if let number = state.numbers[labels] { return .success(SeriesRef(number)) }
            if state.labels.count >= state.seriesMax { return .failure(.seriesLimit("full")) }
            let number = UInt32(state.labels.count)
            state.labels.append(labels)
            state.numbers[labels] = number
            return .success(SeriesRef(number))
        }
        return try result.get()
    }

    func openGroup() -> WriteGroup {
        state.withLock { state in
            state.groupsOpened += 1
            return WriteGroup(UInt32(state.groupsOpened))
        }
    }

    func closeGroup(_ group: WriteGroup) { state.withLock { $0.groupsClosed += 1 } }

    func commit(_ batch: borrowing WriteBatch) throws(AppendError) -> CommitReport {
        let copy = copy batch
        let failure = state.withLock { state in
            if state.failure == nil { state.batches.append(copy) }
            return state.failure
        }
        if let failure { throw failure }
        return CommitReport()
    }

    var batches: [WriteBatch] { state.withLock { $0.batches } }

    /// `up{…} 1` lines of a batch: the row without times, loose samples with theirs; `S` is a stale
    /// marker. Durations are left out.
    func lines(_ index: Int) -> [String] {
        state.withLock { state in
            let batch = state.batches[index]
            func line(_ ref: SeriesRef, _ value: Double) -> String {
                let labels = state.labels[Int(ref.rawValue)]
                let rest = LabelSet(sorted: labels.labels.filter { $0.name != "__name__" })
                let text =
                    StaleMarker.isStale(value) ? "S" : DecimalPrint.string(value, .general)
                return "\(labels.metricName ?? "")\(rest) \(text)"
            }
            var result: [String] = []
            for (ref, value) in zip(batch.rowRefs, batch.rowValues) {
                let text = line(ref, value)
                if !text.hasPrefix("scrape_duration") || text.hasSuffix(" S") {
                    result.append(text)
                }
            }
            for index in batch.refs.indices {
                result.append(
                    line(batch.refs[index], batch.values[index]) + " @\(batch.times[index])")
            }
            return result
        }
    }
}

/// A clock that tests move.
final class TestClock: WallClock {
    let now: Mutex<Int64>

    init(_ nowMs: Int64 = 1_000_000) { now = Mutex(nowMs) }

    func nowMs() -> TimestampMs { now.withLock { $0 } }
    func monotonicNs() -> UInt64 { UInt64(now.withLock { $0 }) * 1_000_000 }
}

/// A scraper of one target that is fed by hand.
struct HandFed {
    let appender = RecordingAppender()
    let scraper: TargetScraper
    let clock = TestClock()

    init(_ change: (inout ScrapeConfig) -> Void = { _ in }) {
        var config = ScrapeConfig(jobName: "j")
        config.staticConfigs = [StaticConfig(targets: ["h:1"])]
        change(&config)
        var targets: [Target] = []
        for case .target(let target) in Target.all(config) { targets.append(target) }
        scraper = TargetScraper(
            targets[0], config, appender: appender, events: NullEventSink())
    }

    @discardableResult
    func feed(_ text: String, at timeMs: Int64 = 1000) -> ScrapeOutcome {
        scraper.commit(
            .page(body: Array(text.utf8), format: .prometheusText), timeMs: timeMs,
            startedNs: 0, nowNs: { 5_000_000 })
    }

    @discardableResult
    func fail(_ reason: String, at timeMs: Int64 = 1000) -> ScrapeOutcome {
        scraper.commit(
            .failure(reason, bodyByteCount: 0), timeMs: timeMs, startedNs: 0,
            nowNs: { 5_000_000 })
    }

    /// The page's own samples of a batch: without the report's.
    func samples(_ index: Int) -> [String] {
        appender.lines(index).filter { !$0.hasPrefix("scrape_") && !$0.hasPrefix("up{") }
    }

    /// scraped, post relabelling, added.
    func counts(_ index: Int) -> [String] {
        ["scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"]
            .map { name in
                appender.lines(index).first { $0.hasPrefix(name + "{") }
                    .map { String($0.split(separator: " ").last ?? "") } ?? "-"
            }
    }
}

func withoutTarget(_ line: String) -> String {
    line.replacingOccurrences(of: #"instance="h:1", job="j""#, with: "T")
}
