import TSQBase
import TSQIndex
import TSQModel

/// Random label sets and what a list of them answers: the model that indexes are compared with.
struct IndexModel {
    /// By ref.
    var series: [UInt32: LabelSet] = [:]

    static let values: [String: [String]] = [
        "__name__": ["up", "http_requests_total", "node_cpu_seconds_total", "Go", "ä"],
        "job": ["api", "node", "a", "ab", "abc", "b"],
        "instance": (0..<20).map { "web-\($0 / 10 + 1)\($0 % 10):9090" } + ["db:1"],
        "mode": ["idle", "user", "system", "\u{FF}", "x\"y"],
        "Zone": ["eu", "us"],
    ]

    static func labels(_ random: inout SplitMix64) -> LabelSet {
        var labels: [Label] = []
        for (name, values) in values.sorted(by: { $0.key < $1.key }) {
            // Some series lack some labels.
            if Int.random(in: 0..<4, using: &random) == 0 { continue }
            labels.append(Label(name, values.randomElement(using: &random) ?? ""))
        }
        return LabelSet(labels)
    }

    static func matchers(_ random: inout SplitMix64) -> [LabelMatcher] {
        let patterns = [
            "", "a", "api|node", "a.*", "a.+", ".*", ".+", "web-(1|2)[0-9]:.*", "web-1.*", "idle",
            "idle|", "(up|Go)", "nothing", "[^a]*", "user|system|missing", "ä|up", ".*o.*",
        ]
        return (0..<Int.random(in: 1...4, using: &random)).map { _ in
            let name =
                Int.random(in: 0..<15, using: &random) == 0
                ? "absent" : values.keys.sorted().randomElement(using: &random) ?? ""
            let operation = LabelMatcher.Operation.allCases.randomElement(using: &random) ?? .equal
            let isLiteral = Bool.random(using: &random)
            let literal = values[name]?.randomElement(using: &random) ?? ""
            let value =
                isLiteral
                ? literal : patterns.randomElement(using: &random) ?? ""
            // A literal may be no regular expression.
            return (try? LabelMatcher(name, operation, value)) ?? LabelMatcher(equal: name, value)
        }
    }

    func select(_ matchers: [LabelMatcher]) -> [(labels: LabelSet, ref: UInt32)] {
        series.filter { entry in matchers.allSatisfy { $0.matches(entry.value) } }
            .map { ($0.value, $0.key) }
            .sorted { LabelSet.isOrderedBefore($0.labels, $1.labels) }
    }

    func labelNames() -> [String] {
        Array(Set(series.values.flatMap { $0.labels.map(\.name) })).sorted(by: isBytewiseLess)
    }

    func labelValues(_ name: String) -> [(value: String, seriesCount: Int)] {
        var counts: [String: Int] = [:]
        for labels in series.values {
            if let value = labels[name] { counts[value, default: 0] += 1 }
        }
        return counts.map { ($0.key, $0.value) }
            .sorted { isBytewiseLess($0.value, $1.value) }
    }
}

/// Compares everything a part answers with the model of the series that it should have.
func differences(
    _ part: any SeriesIndexPart, _ model: IndexModel, seed: UInt64, rounds: Int
) throws -> [String] {
    var random = SplitMix64(seed: seed)
    var result: [String] = []
    func check(_ isRight: Bool, _ what: @autoclosure () -> String) {
        if !isRight && result.count < 10 { result.append("seed \(seed): \(what())") }
    }
    check(part.seriesCount == model.series.count, "series count")
    check(try part.labelNames() == model.labelNames(), "label names")
    for name in model.labelNames() + ["absent"] {
        let (found, expected) = (try part.labelValues(name), model.labelValues(name))
        check(
            found.map(\.value) == expected.map(\.value)
                && found.map(\.seriesCount) == expected.map(\.seriesCount), "values of \(name)")
    }
    for (ref, labels) in model.series {
        let hash = LabelHash.hash(labels)
        check(try part.lookup(labels, hash: hash) == ref, "lookup of \(labels)")
        guard let ordinal = try part.ordinal(ref: ref) else {
            check(false, "no ordinal of \(ref)")
            continue
        }
        check(try part.ref(ordinal) == ref, "ref of \(ordinal)")
        check(try part.labelSet(ordinal) == labels, "labels of \(ref)")
    }
    for _ in 0..<20 {
        let labels = IndexModel.labels(&random)
        let expected = model.series.first { $0.value == labels }?.key
        check(
            try part.lookup(labels, hash: LabelHash.hash(labels)) == expected,
            "lookup of \(labels)")
    }
    for _ in 0..<rounds {
        let matchers = IndexModel.matchers(&random)
        let expected = model.select(matchers)
        let ordinals = try part.select(matchers)
        let refs = try ordinals.map { ordinal throws(IndexError) in try part.ref(ordinal) }
        check(refs == expected.map(\.ref), "\(matchers): \(refs.count) of \(expected.count)")
        let symbols = SymbolTable()
        var labels = SeriesLabels()
        try part.appendLabels(of: ordinals.span, into: &labels, symbols: symbols)
        check(
            (0..<labels.count).map { labels.labelSet($0, symbols) } == expected.map(\.labels),
            "labels for \(matchers)")
        var selected = IndexModel()
        for (labels, ref) in expected { selected.series[ref] = labels }
        check(
            try part.labelNames(of: ordinals.span) == selected.labelNames(),
            "label names for \(matchers)")
        check(
            try part.labelValues("instance", of: ordinals.span)
                == selected.labelValues("instance").map(\.value), "values for \(matchers)")
    }
    return result
}
