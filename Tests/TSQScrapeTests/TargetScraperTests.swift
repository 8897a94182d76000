import Foundation
import Synchronization
import TSQBase
import TSQConfig
import TSQExposition
import TSQModel
import TSQRelabel
import Testing

@testable import TSQScrape

@Suite struct TargetScraperTests {
    @Test("a page becomes one row, the scraper's own series at its end")
    func row() {
        let fed = HandFed()
        let outcome = fed.feed("# TYPE a gauge\na 1\na{x=\"y\"} 2.5\nb{z=\"1\"} +Inf\n")
        #expect(
            fed.appender.lines(0).map(withoutTarget) == [
                "a{T} 1", #"a{T, x="y"} 2.5"#, #"b{T, z="1"} +Inf"#, "up{T} 1",
                "scrape_samples_scraped{T} 3", "scrape_samples_post_metric_relabeling{T} 3",
                "scrape_series_added{T} 3",
            ])
        #expect(fed.appender.batches[0].rowTimeMs == 1000)
        #expect(fed.appender.batches[0].origin == .scrape)
        #expect(fed.appender.batches[0].group != nil)
        #expect(outcome.error == nil)
        #expect(outcome.sampleCount == 3)
        let status = fed.scraper.status
        #expect(status.health == .up && status.lastScrapeMs == 1000 && status.lastError.isEmpty)
        #expect(status.lastScrapeDurationSeconds == 0.005)
        #expect(status.scrapeURL == "http://h:1/metrics")
    }

    @Test("the same page again gives the same refs in the same order and parses no labels")
    func steady() {
        let fed = HandFed()
        let page = { (value: Int) in
            "# HELP a x\n# TYPE a gauge\n"
                + (0..<500).map { "a{i=\"\($0)\"} \(value + $0)\n" }.joined()
        }
        fed.feed(page(0))
        let resolved = fed.appender.state.withLock { $0.labels.count }
        fed.feed(page(7), at: 2000)
        fed.feed(page(9), at: 3000)
        let batches = fed.appender.batches
        #expect(batches[1].rowRefs == batches[0].rowRefs)
        #expect(batches[2].rowRefs == batches[0].rowRefs)
        #expect(batches[2].rowValues[499] == 508)
        #expect(fed.appender.state.withLock { $0.labels.count } == resolved)
        #expect(fed.counts(1) == ["500", "500", "0"])
    }

    @Test("a series that vanishes gets one stale marker, and counts as added when it returns")
    func vanish() {
        let fed = HandFed()
        fed.feed("a 1\nb 2\nc 3\n")
        fed.feed("a 1\nc 3\n", at: 2000)
        fed.feed("a 1\nc 3\n", at: 3000)
        fed.feed("c 3\nb 2\na 1\n", at: 4000)
        #expect(fed.samples(1).map(withoutTarget) == ["a{T} 1", "c{T} 3", "b{T} S @2000"])
        #expect(fed.samples(2).map(withoutTarget) == ["a{T} 1", "c{T} 3"])
        #expect(fed.samples(3).map(withoutTarget) == ["c{T} 3", "b{T} 2", "a{T} 1"])
        #expect(fed.counts(1) == ["2", "2", "0"])
        #expect(fed.counts(3) == ["3", "3", "1"])
    }

    @Test("a failed scrape marks every series stale once and says so in up")
    func failure() {
        let fed = HandFed()
        fed.feed("a 1\nb 2\n")
        let outcome = fed.fail("connection refused", at: 2000)
        fed.fail("connection refused", at: 3000)
        fed.feed("a 1\nb 2\n", at: 4000)
        #expect(fed.samples(1).map(withoutTarget) == ["a{T} S", "b{T} S"])
        #expect(fed.appender.lines(1).map(withoutTarget).contains("up{T} 0"))
        #expect(fed.samples(2).isEmpty)
        #expect(fed.samples(3).map(withoutTarget) == ["a{T} 1", "b{T} 2"])
        // They were never forgotten.
        #expect(fed.counts(3) == ["2", "2", "0"])
        #expect(outcome.error == "connection refused")
        #expect(fed.scraper.status.health == .up)
        // What does not return after the failure has had its marker.
        fed.fail("x", at: 5000)
        fed.feed("b 2\n", at: 6000)
        #expect(fed.samples(5).map(withoutTarget) == ["b{T} 2"])
    }

    @Test("a page that cannot be read is refused as a whole")
    func malformed() {
        let fed = HandFed()
        fed.feed("a 1\n")
        let outcome = fed.feed("a 2\nnew 3\nbroken{\n", at: 2000)
        #expect(fed.samples(1).map(withoutTarget) == ["a{T} S"])
        #expect(outcome.error?.hasPrefix("line 3, column 8:") == true, "\(outcome.error ?? "")")
        fed.feed("a 2\n", at: 3000)
        #expect(fed.samples(2).map(withoutTarget) == ["a{T} 2"])
    }

    @Test("the second sample of a series on a page is dropped")
    func duplicates() {
        let fed = HandFed()
        fed.feed("a{x=\"1\",y=\"2\"} 1\na{x=\"1\",y=\"2\"} 2\na{y=\"2\",x=\"1\"} 3\nb 1\n")
        #expect(fed.samples(0).map(withoutTarget) == [#"a{T, x="1", y="2"} 1"#, "b{T} 1"])
        #expect(fed.counts(0) == ["4", "4", "2"])
        fed.feed(
            "a{x=\"1\",y=\"2\"} 1\na{x=\"1\",y=\"2\"} 2\na{y=\"2\",x=\"1\"} 3\nb 1\n", at: 2000)
        #expect(fed.samples(1).count == 2)
        #expect(fed.counts(1) == ["4", "4", "0"])
    }

    @Test("times of a page are kept, and series with times get no stale markers")
    func timestamps() {
        let fed = HandFed()
        fed.feed("a 1 500\nb 2\n")
        fed.feed("b 2\n", at: 2000)
        #expect(fed.samples(0).map(withoutTarget) == ["b{T} 2", "a{T} 1 @500"])
        #expect(fed.appender.batches[0].origin == .timestamped)
        #expect(fed.samples(1).map(withoutTarget) == ["b{T} 2"])
        #expect(fed.appender.batches[1].origin == .scrape)

        let tracking = HandFed { $0.trackTimestampsStaleness = true }
        tracking.feed("a 1 500\nb 2\n")
        tracking.feed("b 2\n", at: 2000)
        #expect(tracking.samples(1).map(withoutTarget) == ["b{T} 2", "a{T} S @2000"])

        let ignoring = HandFed { $0.honorTimestamps = false }
        ignoring.feed("a 1 500\nb 2\n")
        #expect(ignoring.samples(0).map(withoutTarget) == ["a{T} 1", "b{T} 2"])

        let several = HandFed()
        several.feed("a 3 700\na 1 500\na 2 600\na 9 600\n")
        #expect(
            several.samples(0).map(withoutTarget) == [
                "a{T} 1 @500", "a{T} 2 @600", "a{T} 3 @700",
            ])
    }

    @Test("labels of the page give way to the target's, or not")
    func honorLabels() {
        let page = "a{job=\"x\",instance=\"y\",exported_job=\"z\"} 1\n"
        let plain = HandFed()
        plain.feed(page)
        #expect(
            plain.samples(0) == [
                #"a{exported_exported_job="x", exported_instance="y", exported_job="z", instance="h:1", job="j"} 1"#
            ])
        let honoring = HandFed { $0.honorLabels = true }
        honoring.feed(page + "b 1\n")
        #expect(
            honoring.samples(0) == [
                #"a{exported_job="z", instance="y", job="x"} 1"#,
                #"b{instance="h:1", job="j"} 1"#,
            ])
    }

    @Test("metric relabelling drops and renames, and is remembered")
    func relabelling() throws {
        let rules = [
            try RelabelRule(sourceLabels: ["__name__"], regex: "go_.*", action: .drop),
            try RelabelRule(
                sourceLabels: ["__name__"], regex: "(a)", targetLabel: "__name__",
                replacement: "x_$1"),
        ]
        let fed = HandFed { $0.metricRelabelRules = rules }
        for time in [1000, 2000] as [Int64] { fed.feed("go_x 1\na 2\ngo_y 1\n", at: time) }
        for index in [0, 1] {
            #expect(fed.samples(index).map(withoutTarget) == ["x_a{T} 2"])
            #expect(fed.counts(index) == ["3", "1", index == 0 ? "1" : "0"])
        }
    }

    @Test("a limit refuses the whole scrape and keeps its new series out of the store")
    func limits() {
        let samples = HandFed { $0.limits.samples = 2 }
        samples.feed("a 1\nb 2\n")
        let outcome = samples.feed("a 1\nb 2\nc 3\nd 4\n", at: 2000)
        #expect(outcome.error == "sample limit exceeded")
        #expect(samples.samples(1).map(withoutTarget) == ["a{T} S", "b{T} S"])
        #expect(samples.counts(1) == ["4", "4", "0"])
        #expect(!samples.appender.state.withLock { $0.labels.contains { $0.metricName == "d" } })
        #expect(samples.appender.lines(1).map(withoutTarget).contains("up{T} 0"))

        let labels = HandFed { $0.limits.labels = 3 }
        #expect(labels.feed("a 1\n").error == nil)
        #expect(
            labels.feed("a{x=\"y\"} 1\n").error
                == "label_limit exceeded (metric: a, number of labels: 4, limit: 3)")
        let names = HandFed { $0.limits.labelNameBytes = 9 }
        #expect(
            names.feed("a{long_label=\"y\"} 1\n").error
                == "label_name_length_limit exceeded (metric: a, label name: long_label, "
                + "length: 10, limit: 9)")
        let values = HandFed { $0.limits.labelValueBytes = 4 }
        #expect(
            values.feed("a{x=\"yyyyy\"} 1\n").error
                == "label_value_length_limit exceeded (metric: a, label name: x, value: \"yyyyy\", "
                + "length: 5, limit: 4)")
    }

    @Test("a store without room for new series keeps the old ones going")
    func seriesLimit() {
        let fed = HandFed()
        fed.feed("a 1\n")
        fed.appender.state.withLock { $0.seriesMax = $0.labels.count }
        let outcome = fed.feed("a 2\nb 3\n", at: 2000)
        #expect(outcome.error == nil)
        #expect(fed.samples(1).map(withoutTarget) == ["a{T} 2"])
    }

    @Test("a store that refuses everything shows in the target's error")
    func readOnly() {
        let fed = HandFed()
        fed.appender.state.withLock { $0.failure = .readOnly("disk full") }
        #expect(fed.feed("a 1\n").error == "disk full")
        #expect(fed.scraper.status.lastError == "disk full")
    }

    @Test("a target that is gone leaves stale markers, its own series included")
    func farewell() {
        let fed = HandFed()
        fed.feed("a 1\nb 2\n")
        fed.scraper.finish(staleAtMs: 5000)
        #expect(fed.appender.batches[1].rowTimeMs == 5000)
        #expect(fed.appender.lines(1).map(withoutTarget).allSatisfy { $0.hasSuffix(" S") })
        #expect(fed.appender.lines(1).count == 7)
        #expect(fed.appender.state.withLock { $0.groupsClosed } == 1)
    }

    @Test("a successor marks what it does not see again")
    func inheritance() {
        let fed = HandFed()
        fed.feed("a 1\nb 2\n")
        let refs = fed.scraper.liveRefs()
        #expect(refs.count == 2)
        let next = TargetScraper(
            fed.scraper.target, fed.scraper.config, appender: fed.appender,
            events: NullEventSink())
        next.inherit(refs)
        _ = next.commit(
            .page(body: Array("a 1\n".utf8), format: .prometheusText), timeMs: 2000, startedNs: 0,
            nowNs: { 0 })
        #expect(fed.samples(1).map(withoutTarget) == ["a{T} 1", "b{T} S @2000"])
    }

    @Test("metadata follows the page")
    func metadata() {
        let fed = HandFed()
        fed.feed("# HELP a one\n# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n")
        #expect(fed.scraper.families.map(\.name) == ["a", "b"])
        #expect(fed.scraper.families[0].metadata == MetricMetadata(kind: .counter, help: "one"))
        fed.feed("# HELP a two\n# TYPE a counter\na 1\n", at: 2000)
        #expect(fed.scraper.families.map(\.name) == ["a"])
        #expect(fed.scraper.families[0].metadata.help == "two")
    }

    @Test("a histogram's new bucket is normalised on a page that is known otherwise")
    func normalisedBucket() {
        let fed = HandFed()
        fed.feed("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count 1\n")
        fed.feed("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 1\nh_count 1\n")
        #expect(fed.samples(1).map(withoutTarget).contains(#"h_bucket{T, le="2.0"} 1"#))
    }
}
