import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import TSQTesting
import Testing

@Suite struct QueryLimitTests {
    let source = QueryFixture.counters(20)

    func error(_ options: EngineOptions, _ query: String, _ one: QueryOptions = QueryOptions())
        -> QueryError?
    {
        QueryFixture.error { () throws(QueryError) in
            try QueryEngine(options: options).range(
                query, startMs: 0, endMs: 590_000, stepMs: 10_000, from: source, options: one)
        }
    }

    @Test("more samples than allowed give Prometheus's error")
    func samples() {
        var options = EngineOptions()
        options.samplesMax = 100
        #expect(
            error(options, "counter_total")
                == .execution(
                    "query processing would load too many samples into memory in query execution"))
        options.samplesMax = 100_000
        #expect(error(options, "counter_total") == nil)
    }

    @Test("reduced input is given back: many aggregations need no more than one")
    func samplesGivenBack() {
        var options = EngineOptions()
        options.samplesMax = 20 * 60 + 400
        let sum = "sum(counter_total)"
        #expect(error(options, ([String](repeating: sum, count: 5)).joined(separator: "+")) == nil)
    }

    @Test("the byte budget is named with the part that wanted too much")
    func bytes() {
        var options = EngineOptions()
        options.bytesMax = 20_000
        let text = error(options, "1 + count_values(\"v\", counter_total)")?.message ?? ""
        #expect(
            text.hasPrefix(
                "query would use more than its 20000 bytes of memory: "
                    + "count_values(\"v\", counter_total) wants 480 bytes, "))
    }

    @Test("a query that nobody wants any more ends")
    func cancellation() {
        var one = QueryOptions()
        let cancellation = QueryCancellation()
        one.cancellation = cancellation
        cancellation.cancel()
        #expect(
            error(EngineOptions(), "counter_total", one)
                == .canceled("query was canceled in expression evaluation"))
    }

    @Test("a query past its time ends")
    func timeout() {
        var options = EngineOptions()
        options.timeoutMs = 0
        #expect(
            error(options, "counter_total")
                == .timeout("query timed out in expression evaluation"))
    }

    @Test("queryable samples count every step, windows included")
    func statistics() throws {
        let engine = QueryEngine()
        let vector = try engine.range(
            "counter_total", startMs: 0, endMs: 590_000, stepMs: 10_000, from: source)
        #expect(vector.statistics.totalQueryableSamples == 20 * 60)
        let windows = try engine.instant("rate(counter_total[1m])", atMs: 590_000, from: source)
        #expect(windows.statistics.totalQueryableSamples == 20 * 6)
        let invariant = try engine.range(
            "rate(counter_total[1m] @ 590)", startMs: 0, endMs: 50_000, stepMs: 10_000,
            from: source)
        #expect(invariant.statistics.totalQueryableSamples == 20 * 6 * 6)
    }

    @Test("samples read are points of selectors and what windows add to the step before")
    func samplesRead() throws {
        let engine = QueryEngine()
        func read(_ text: String, tileSteps: Int = 8192) throws -> Int64 {
            var options = EngineOptions()
            options.tileStepsMax = tileSteps
            return try QueryEngine(options: options).range(
                text, startMs: 300_000, endMs: 400_000, stepMs: 10_000, from: source
            ).statistics.samplesRead
        }
        for tileSteps in [8192, 3, 1] {
            #expect(try read("counter_total", tileSteps: tileSteps) == 20 * 11)
            // Windows of 30 samples, ten more to the end.
            #expect(try read("rate(counter_total[5m])", tileSteps: tileSteps) == 20 * 40)
            // Windows that leave gaps.
            #expect(try read("count_over_time(counter_total[5s])", tileSteps: tileSteps) == 20 * 11)
        }
        #expect(
            try engine.instant("max_over_time(counter_total[1m:10s])", atMs: 300_000, from: source)
                .statistics.samplesRead == 20 * 12)
    }

    @Test("extreme times, steps and durations give answers or errors, never a trap")
    func extremes() {
        var options = EngineOptions()
        options.parse = .all
        options.bytesMax = 64 << 20
        let engine = QueryEngine(options: options)
        let times: [TimestampMs] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
        let queries = [
            "counter_total", "rate(counter_total[5m])", "counter_total offset 100y",
            "counter_total offset -100y", "max_over_time(counter_total[100y])",
            "max_over_time(counter_total[10m:5m])", "counter_total @ 9.2e15",
            "counter_total @ -9.2e15", "topk(1e300, counter_total)", "topk(-1e300, counter_total)",
            "year(vector(1e300))", "predict_linear(counter_total[5m], 1e308)",
            "quantile(NaN, counter_total)", "time()", "timestamp(counter_total)",
        ]
        for timeMs in times {
            for query in queries {
                _ = QueryFixture.error { () throws(QueryError) in
                    try engine.instant(query, atMs: timeMs, from: source)
                }
            }
        }
    }
}
