import Foundation
import TSQBase
import TSQConfig
import TSQExposition
import TSQModel
import TSQStore
import TSQTesting
import Testing

@testable import TSQScrape

/// Scraper and store together: what the pages said is what is read.
@Suite struct ScrapeIntoStoreTests {
    static let startMs: TimestampMs = 1_700_000_000_000

    /// Name → time → value bits.
    typealias Samples = [String: [TimestampMs: UInt64]]

    static func read(_ source: some SeriesSource) throws -> Samples {
        let symbols = SymbolTable()
        let selection = try source.select(
            SelectRequest(
                matchers: [LabelMatcher(equal: "job", "j")], fromMs: 0, toMs: .max),
            symbols: symbols)
        var result: Samples = [:]
        var columns = SampleColumns()
        for index in 0..<selection.count {
            try selection.read(index, fromMs: 0, toMs: .max, into: &columns)
            let name = selection.labels.labelSet(index, symbols).metricName ?? ""
            if name.hasPrefix("scrape_") { continue }
            for (time, value) in zip(columns.times, columns.values) {
                result[name, default: [:]][time] = value.bitPattern
            }
        }
        return result
    }

    static func target() throws -> (Target, ScrapeConfig) {
        var config = ScrapeConfig(jobName: "j")
        config.staticConfigs = [StaticConfig(targets: ["h:1"])]
        for case .target(let target) in Target.all(config) { return (target, config) }
        throw ScrapeFailure("no target")
    }

    @Test(
        "series that come, go, fail and carry times are stored as the pages had them",
        arguments: [UInt64(1), 2, 3])
    func random(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let disk = SimFileSystem(seed: seed)
        let clock = SimClock(nowMs: Self.startMs)
        var options = StoreOptions()
        options.runsInBackground = false
        options.retentionMs = .max
        var store = try Store.open(
            directory: "d", options: options, fileSystem: disk, clock: clock)
        let (target, config) = try Self.target()
        var scraper = TargetScraper(target, config, appender: store, events: NullEventSink())
        var expected: Samples = [:]
        var live: Set<String> = []
        var names = (0..<20).map { "m\($0)" }
        for step in 1...150 {
            let timeMs = Self.startMs + Int64(step) * 1000
            clock.advance(byMs: 1000)
            switch random.next() % 6 {
            case 0: names.append("m\(20 + step)")
            case 1 where names.count > 3: names.remove(at: Int(random.next() % UInt64(names.count)))
            case 2: names.swapAt(0, names.count - 1)
            default: break
            }
            var seen: Set<String> = []
            var text = ""
            for name in names {
                let value = Double(random.next() % 100_000) / 8
                if name.hasSuffix("7") {
                    // With a time of its own.
                    let ownMs = timeMs - 300
                    text += "\(name) \(value) \(ownMs)\n"
                    expected[name, default: [:]][ownMs] = value.bitPattern
                } else {
                    text += "\(name) \(value)\n"
                    expected[name, default: [:]][timeMs] = value.bitPattern
                    seen.insert(name)
                }
            }
            let isFailing = random.next() % 15 == 0
            if isFailing {
                for name in names {
                    expected[name]?[timeMs] = nil
                    expected[name]?[timeMs - 300] = nil
                }
                seen = []
            }
            for name in live.subtracting(seen) {
                expected[name, default: [:]][timeMs] = StaleMarker.bits
            }
            live = seen
            expected["up", default: [:]][timeMs] = (isFailing ? 0.0 : 1.0).bitPattern
            let result: PageResult =
                isFailing
                ? .failure("down", bodyByteCount: 0)
                : .page(body: Array(text.utf8), format: .prometheusText)
            let outcome = scraper.commit(result, timeMs: timeMs, startedNs: 0, nowNs: { 0 })
            #expect(outcome.error == (isFailing ? "down" : nil))
            if step == 75 {
                // A restart in the middle: the new scraper knows nothing of the old one's series.
                scraper.finish(staleAtMs: nil)
                try store.close()
                store = try Store.open(
                    directory: "d", options: options, fileSystem: disk, clock: clock)
                scraper = TargetScraper(target, config, appender: store, events: NullEventSink())
                live = []
            }
        }
        expected = expected.filter { !$0.value.isEmpty }
        let found = try Self.read(store)
        #expect(Set(found.keys) == Set(expected.keys), "seed \(seed)")
        for (name, samples) in expected {
            #expect(found[name] == samples, "seed \(seed), \(name)")
        }
        try store.close()
    }
}
