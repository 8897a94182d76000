import TSQBase
import TSQEngine
import TSQModel
import TSQTesting
import Testing

@Suite("Query memory") struct QueryMemoryTests {
    let source = QueryFixture.counters(200)

    private func run(_ text: String, _ options: EngineOptions) throws(QueryError) -> QueryResult {
        try QueryEngine(options: options).range(
            text, startMs: 0, endMs: 590_000, stepMs: 10_000, from: source)
    }

    /// A helper may still be at its last row.
    private func isGivenBack(_ pool: MemoryPool) -> Bool {
        let clock = SystemClock()
        let untilNs = clock.monotonicNs() + 10_000_000_000
        while pool.bytesInUse != 0 && clock.monotonicNs() < untilNs {}
        return pool.bytesInUse == 0
    }

    @Test("an answer is charged until it goes, and its JSON with it")
    func answer() throws {
        let pool = MemoryPool(bytesMax: 1 << 30)
        var options = EngineOptions()
        options.memoryPool = pool
        do {
            let result = try run("counter_total", options)
            let held = pool.bytesInUse
            #expect(held >= 200 * 60 * 16)
            try result.memory?.hold(1000, for: "the JSON")
            #expect(pool.bytesInUse == held + 1000)
            #expect(result.memory?.bytesInUse == held + 1000)
        }
        #expect(isGivenBack(pool))
    }

    @Test("what all queries hold together is bounded, and the error says so")
    func together() throws {
        let pool = MemoryPool(bytesMax: 300_000)
        var options = EngineOptions()
        options.memoryPool = pool
        let first = try run("counter_total", options)
        let error = QueryFixture.error { () throws(QueryError) in try run("counter_total", options)
        }
        #expect(
            error?.message.hasPrefix(
                "all queries together would use more than their 300000 bytes of memory: ") == true)
        #expect(first.memory?.bytesInUse == pool.bytesInUse)
    }

    @Test("a refused query gives back what it held", arguments: [1_000, 30_000, 100_000, 200_000])
    func givenBack(_ limit: Int64) {
        let pool = MemoryPool(bytesMax: 1 << 30)
        var options = EngineOptions()
        options.memoryPool = pool
        options.bytesMax = limit
        for text in [
            "counter_total", "counter_total + counter_total", "count_values(\"v\", counter_total)",
            "max_over_time(counter_total[5m:1s])", "quantile(0.5, counter_total)",
        ] {
            _ = QueryFixture.error { () throws(QueryError) in try run(text, options) }
        }
        #expect(isGivenBack(pool))
    }

    @Test("a join's tile follows the budget: little memory takes more tiles, not an error")
    func joinTiles() throws {
        let text = "sum(counter_total + on (i) counter_total offset 10s)"
        var options = EngineOptions()
        options.threads = 1
        let wide = try run(text, options)
        options.bytesMax = 130_000
        let narrow = try run(text, options)
        #expect(QueryFixture.bits(narrow) == QueryFixture.bits(wide))
        #expect(narrow.statistics.peakBytes < 130_000)
        #expect(wide.statistics.peakBytes > 130_000)
    }
}
