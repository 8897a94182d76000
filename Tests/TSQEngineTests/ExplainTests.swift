import TSQBase
import TSQEngine
import TSQModel
import TSQTesting
import Testing

@Suite("Explain") struct ExplainTests {
    private func tree(_ text: String, threads: Int = 1) throws -> [String] {
        var options = EngineOptions()
        options.threads = threads
        var query = QueryOptions()
        query.explain = true
        let result = try QueryEngine(options: options).range(
            text, startMs: 100_000, endMs: 190_000, stepMs: 10_000,
            from: QueryFixture.counters(8), options: query)
        return result.explain.map { lines($0, "") } ?? []
    }

    private func lines(_ node: ExplainNode, _ indent: String) -> [String] {
        let detail = node.detail.isEmpty ? "" : " \(node.detail)"
        return [
            "\(indent)\(node.name)\(detail): \(node.seriesCount) series, \(node.rowCount) rows, "
                + "\(node.sampleCount) samples"
        ] + node.children.flatMap { lines($0, indent + "  ") }
    }

    @Test("an aggregation over a function of a range shows each step of the way")
    func aggregation() throws {
        #expect(
            try tree("sum by (even) (rate(counter_total[1m]))") == [
                "query: 2 series, 0 rows, 20 samples",
                "  sum by (even): 2 series, 2 rows, 20 samples",
                "    rate: 8 series, 8 rows, 80 samples",
                "      select counter_total[1m]: 8 series, 8 rows, 120 samples",
            ])
    }

    @Test("a join shows both sides and the part that is worked out once")
    func join() throws {
        #expect(
            try tree("counter_total{even=\"1\"} > bool on (i) abs(counter_total @ 150)") == [
                "query: 4 series, 0 rows, 40 samples",
                "  > bool on (i): 4 series, 4 rows, 40 samples",
                "    select counter_total{even=\"1\"}: 4 series, 4 rows, 80 samples",
                "    once: 8 series, 8 rows, 80 samples",
                "      abs: 8 series, 8 rows, 8 samples",
                "        select counter_total @ 150.000: 8 series, 8 rows, 128 samples",
            ])
    }

    @Test("windows of one selector show one read and what shares it")
    func shared() throws {
        #expect(
            try tree("rate(counter_total[1m]) / rate(counter_total[2m])") == [
                "query: 8 series, 0 rows, 80 samples",
                "  /: 8 series, 8 rows, 80 samples",
                "    rate: 8 series, 8 rows, 80 samples",
                "      shared counter_total[1m]: 8 series, 0 rows, 0 samples",
                "        select counter_total: 8 series, 8 rows, 160 samples",
                "    rate: 8 series, 8 rows, 80 samples",
                "      shared counter_total[2m]: 8 series, 0 rows, 0 samples",
            ])
    }

    @Test("a subquery shows its inside")
    func subquery() throws {
        #expect(
            try tree("max_over_time(sum(counter_total)[1m:20s])") == [
                "query: 1 series, 0 rows, 10 samples",
                "  max_over_time: 1 series, 1 rows, 10 samples",
                "    subquery [1m:20s]: 1 series, 0 rows, 0 samples",
                "      sum: 1 series, 1 rows, 7 samples",
                "        select counter_total: 8 series, 8 rows, 152 samples",
            ])
    }

    @Test("lanes are shown, and their copies counted with the rest")
    func lanes() throws {
        let one = try tree("sum(rate(counter_total[1m]))").joined()
        let two = try tree("sum(rate(counter_total[1m]))", threads: 2)
        #expect(two.contains { $0.hasPrefix("    lanes ") })
        let rest = two.filter { !$0.hasPrefix("    lanes ") }.joined()
        #expect(rest.filter { $0 != " " } == one.filter { $0 != " " })
    }

    @Test("times are measured, bytes told, and nothing is shown unasked")
    func measures() throws {
        let engine = QueryEngine()
        var query = QueryOptions()
        query.explain = true
        let source = QueryFixture.counters(8)
        let result = try engine.range(
            "sum(counter_total)", startMs: 0, endMs: 590_000, stepMs: 10_000, from: source,
            options: query)
        let root = try #require(result.explain)
        let sum = try #require(root.children.first)
        #expect(root.timeNs >= sum.timeNs && sum.timeNs > 0)
        #expect(sum.byteCount == 60 * 25)
        #expect(root.byteCount >= sum.byteCount)
        let plain = try engine.range(
            "sum(counter_total)", startMs: 0, endMs: 590_000, stepMs: 10_000, from: source)
        #expect(plain.explain == nil)
    }
}
