import TSQBase
import TSQIndex
import TSQModel

/// A million series with seven labels: registering, writing, opening, resolving.
enum IndexBench {
    struct SinkError: Error {}

    static func run(seriesCount: Int) throws {
        let instances = 10_000
        let metrics = max(1, seriesCount / instances)
        print("index, \(seriesCount) series, \(metrics) metrics × \(instances) instances")
        var delta = SeriesDelta()
        var sets: [LabelSet] = []
        for instance in 0..<instances {
            for metric in 0..<metrics { sets.append(labels(metric, instance)) }
        }
        let registerNs = Measure.fastestNs(rounds: 1) {
            for labels in sets { _ = delta.register(labels, hash: LabelHash.hash(labels)) }
        }
        let perSeries = Double(seriesCount)
        print("  register         ns a series", Measure.column(registerNs / perSeries))
        print(
            "  delta            bytes a series", Measure.column(Double(delta.byteCount) / perSeries)
        )
        let lookupNs = Measure.fastestNs(rounds: 1) {
            for labels in sets { _ = delta.lookup(labels, hash: LabelHash.hash(labels)) }
        }
        print("  delta lookup     ns", Measure.column(lookupNs / perSeries))
        var bytes: [UInt8] = []
        let start = Measure.threadNs()
        try IndexSegmentWriter.write([delta], keep: { _ in true }) {
            (span: Span<UInt8>) throws(SinkError) in
            span.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        }
        print("  write segment    ms", Measure.column(Double(Measure.threadNs() - start) / 1e6))
        print("  segment          bytes a series", Measure.column(Double(bytes.count) / perSeries))
        let buffer = IndexBuffer(bytes)
        let openNs = Measure.fastestNs(rounds: 5) { _ = try? IndexSegment(buffer) }
        print("  open             ms", Measure.column(openNs / 1e6, digits: 3))
        let segment = try IndexSegment(buffer)
        let segmentLookupNs = Measure.fastestNs(rounds: 2) {
            for labels in sets { _ = try? segment.lookup(labels, hash: LabelHash.hash(labels)) }
        }
        print("  segment lookup   ns", Measure.column(segmentLookupNs / perSeries))
        try select("delta", delta)
        try select("segment", segment)
        try select("cold segment", segment, cold: buffer)
        try selectOver([segment], "a segment")
        try selectOver([delta], "the delta")
        var other = SeriesDelta(firstRef: UInt32(seriesCount))
        for instance in instances..<(instances + 1000) {
            let labels = labels(1, instance)
            _ = other.register(labels, hash: LabelHash.hash(labels))
        }
        try selectOver([segment, other], "a segment and a delta")
    }

    /// What a query pays for its series: matchers, labels, merge in label order.
    private static func selectOver(_ parts: [any SeriesIndexPart], _ text: String) throws {
        let matchers = [
            LabelMatcher(equal: "__name__", "m1"), try LabelMatcher("zone", .regex, "z[0-3]"),
        ]
        var count = 0
        let ns = Measure.fastestNs(rounds: 9) {
            let selected = try? SelectedSeries(parts, matching: matchers, symbols: SymbolTable())
            count = selected?.count ?? 0
        }
        print("  select over \(text): \(count) series", Measure.column(ns / 1e6, digits: 3), "ms")
    }

    static func labels(_ metric: Int, _ instance: Int) -> LabelSet {
        LabelSet(sorted: [
            Label("__name__", "m\(metric)"), Label("device", "d\(instance % 4)"),
            Label("instance", "web-\(instance):9090"), Label("job", "j"),
            Label("mode", "mode\(metric % 8)"), Label("region", "r\(instance % 3)"),
            Label("zone", "z\(instance % 7)"),
        ])
    }

    static func select(
        _ name: String, _ part: any SeriesIndexPart, cold: IndexBuffer? = nil
    ) throws {
        let m1 = LabelMatcher(equal: "__name__", "m1")
        let j = LabelMatcher(equal: "job", "j")
        let cases: [(String, [LabelMatcher])] = [
            (
                "m1, j, web-(1|2)[0-9]:.*",
                [m1, j, try LabelMatcher("instance", .regex, "web-(1|2)[0-9]:.*")]
            ),
            (
                "m1, j, web-(1|2)[0-9]{1,3}:.*",
                [m1, j, try LabelMatcher("instance", .regex, "web-(1|2)[0-9]{1,3}:.*")]
            ),
            ("m1, instance=~.*9:.*", [m1, try LabelMatcher("instance", .regex, ".*9:.*")]),
            ("one series", [m1, LabelMatcher(equal: "instance", "web-77:9090")]),
            (
                "m1 zone!=z1 region!~r0|r1",
                [
                    m1, try LabelMatcher("zone", .notEqual, "z1"),
                    try LabelMatcher("region", .notRegex, "r0|r1"),
                ]
            ),
            ("instance=~web-77.:9090", [try LabelMatcher("instance", .regex, "web-77.:9090")]),
            ("m1 half (zone=~z[0-3])", [m1, try LabelMatcher("zone", .regex, "z[0-3]")]),
        ]
        for (text, matchers) in cases {
            var ordinals: [UInt32] = []
            let ns = Measure.fastestNs(rounds: cold == nil ? 9 : 5) {
                let target: any SeriesIndexPart =
                    cold.flatMap { try? IndexSegment($0) } ?? part
                ordinals = (try? target.select(matchers)) ?? []
            }
            let labelsNs = Measure.fastestNs(rounds: 5) {
                var labels = SeriesLabels()
                try? part.appendLabels(of: ordinals.span, into: &labels, symbols: SymbolTable())
            }
            print(
                "  \(Measure.name(name, width: 12)) \(Measure.name(text, width: 32))",
                Measure.column(ns / 1e6, digits: 3), "ms",
                Measure.column(Double(ordinals.count), digits: 0),
                "series, labels", Measure.column(labelsNs / 1e6, digits: 3), "ms")
        }
    }
}
