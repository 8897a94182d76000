import TSQBase
import TSQEngine
import TSQJSON
import TSQModel
import TSQStore

/// What the thirteen queries of `compare-peers.py` cost over a real store, phase by phase.
///
/// Times are the processor's, in ms, medians; `rest` is what the engine needs beside selecting and
/// reading: kernels, aggregation, matching, laying out the result.
struct StoreBench {
    struct Query {
        var title: String
        var text: String
        var steps: Int64
        /// What is selected and how far back it is read, for the phases.
        var selectors: [(matchers: [LabelMatcher], rangeMs: Int64)]
    }

    static let lookbackMs: Int64 = 300_000

    static let queries: [Query] = [
        Query("instant", "m1", 1, [("m1", lookbackMs)]),
        Query("rate at one instant", "rate(m1[1m])", 1, [("m1", 60_000)]),
        Query("sum by (rate)", "sum by (instance)(rate(m1[1m]))", 60, [("m1", 60_000)]),
        Query("bare rate", "rate(m1[1m])", 60, [("m1", 60_000)]),
        Query(
            "heat map", "sum(increase(h_bucket[30s])) by (le)", 60, [("h_bucket", 30_000)]),
        Query(
            "histogram quantile", "histogram_quantile(0.9, sum by (le)(rate(h_bucket[1m])))", 60,
            [("h_bucket", 60_000)]),
        Query(
            "ratio of two sums", "sum(rate(h_sum[1m])) / sum(rate(h_count[1m]))", 60,
            [("h_sum", 60_000), ("h_count", 60_000)]),
        Query("max by", "max by (zone)(max_over_time(m5[2m]))", 60, [("m5", 120_000)]),
        Query("topk", "topk(5, sum by (device)(rate(m2[1m])))", 60, [("m2", 60_000)]),
        Query(
            "regex selection", "sum(m3{instance=~\"web-(1|2).*\",mode!~\"re.*\"})", 60,
            [("m3", lookbackMs)],
            extra: [
                try? LabelMatcher("instance", .regex, "web-(1|2).*"),
                try? LabelMatcher("mode", .notRegex, "re.*"),
            ]),
        Query("quantile by", "quantile by (mode)(0.5, m5)", 60, [("m5", lookbackMs)]),
        Query("join", "m0 / m1", 60, [("m0", lookbackMs), ("m1", lookbackMs)]),
        Query(
            "one series", "m0{instance=\"web-1:9000\",device=\"dev1\",mode=\"read\"}", 60,
            [("m0", lookbackMs)],
            extra: [
                LabelMatcher(equal: "instance", "web-1:9000"),
                LabelMatcher(equal: "device", "dev1"), LabelMatcher(equal: "mode", "read"),
            ]),
    ]

    let store: Store
    let engine: QueryEngine
    let endMs: TimestampMs
    let stepMs: Int64
    let runs: Int

    /// Rows in the store, one a second.
    static let rowCount = 240
    private static let newestMs: TimestampMs = 1_767_225_600_000

    static func main(_ arguments: [String]) throws {
        let directory = arguments.first ?? "bench-data"
        let runs = arguments.count > 1 ? Int(arguments[1]) ?? 9 : 9
        let only = arguments.count > 2 ? arguments[2] : ""
        var options = EngineOptions()
        if arguments.count > 3, let threads = Int(arguments[3]) { options.threads = threads }
        let store = try StoreWorkload.open(directory)
        if store.statistics().blockCount == 0 {
            try StoreWorkload.fill(store, rowCount: rowCount, endMs: newestMs)
        }
        let bench = StoreBench(
            store: store, engine: QueryEngine(options: options), endMs: newestMs, stepMs: 3000,
            runs: runs)
        for query in queries where query.title.hasPrefix(only) { try bench.run(query) }
        try store.close()
    }

    func run(_ query: Query) throws {
        var phases = [[Double]](repeating: [], count: 4)
        var walls: [Double] = []
        var (bytes, points, samples) = (0, 0, 0)
        var answer: UInt64 = 0
        let startMs = endMs - (query.steps - 1) * stepMs
        for _ in 0..<runs {
            var selections: [any SeriesSelection] = []
            let select = try processor {
                let symbols = SymbolTable()
                for (matchers, rangeMs) in query.selectors {
                    selections.append(
                        try store.select(
                            SelectRequest(
                                matchers: matchers, fromMs: startMs - rangeMs, toMs: endMs),
                            symbols: symbols))
                }
            }
            samples = 0
            let read = try processor {
                var columns = SampleColumns()
                for (number, selection) in selections.enumerated() {
                    let rangeMs = query.selectors[number].rangeMs
                    for index in 0..<selection.count {
                        try selection.read(
                            index, fromMs: startMs - rangeMs, toMs: endMs, into: &columns)
                        samples += columns.times.count
                    }
                }
            }
            var result: QueryResult?
            let evaluationNs = clock.monotonicNs()
            let whole = try processor { result = try evaluate(query) }
            walls.append(Double(clock.monotonicNs() - evaluationNs) / 1e6)
            guard let result else { return }
            let json = processor {
                let body = Envelope.success(
                    warnings: result.warnings, infos: result.infos,
                    reserving: JSONWriter.byteCountEstimate(result)
                ) { $0.queryData(result, statistics: nil) }
                bytes = body.count
            }
            for (index, time) in [select, read, whole - select - read, json].enumerated() {
                phases[index].append(time)
            }
            points = result.pointCount
            answer = hash(result)
        }
        let figures = phases.map { median($0) }
        let total = figures.reduce(0, +)
        let columns = zip(["select", "read", "rest", "json"], figures).map { "\($0) \($1)" }
        print(
            "\((total * 100).rounded() / 100) ms: evaluated in \(median(walls)), \(columns.joined(separator: ", ")); "
                + "\(samples) samples, \(points) points, \(bytes) bytes, "
                + "\(String(answer, radix: 16))  \(query.title)")
    }

    private func evaluate(_ query: Query) throws -> QueryResult {
        query.steps == 1
            ? try engine.instant(query.text, atMs: endMs, from: store)
            : try engine.range(
                query.text, startMs: endMs - (query.steps - 1) * stepMs, endMs: endMs,
                stepMs: stepMs, from: store)
    }
}

extension StoreBench.Query {
    init(
        _ title: String, _ text: String, _ steps: Int64,
        _ metrics: [(name: String, rangeMs: Int64)], extra: [LabelMatcher?] = []
    ) {
        self.title = title
        self.text = text
        self.steps = steps
        selectors = metrics.map {
            ([LabelMatcher(equal: "__name__", $0.name)] + extra.compactMap { $0 }, $0.rangeMs)
        }
    }
}

extension QueryResult {
    var pointCount: Int {
        switch value {
        case .vector(let series), .matrix(let series): series.values.count
        case .scalar, .string: 1
        }
    }
}
