import TSQBase
import TSQEngine
import TSQModel
import TSQTesting
import Testing

/// What is worked out once for several places must answer as if each place had worked it out.
@Suite("Sharing") struct SharingTests {
    static let repeated = [
        "rate(counter_total[1m]) / rate(counter_total[5m])",
        "sum_over_time(counter_total[5m]) / count_over_time(counter_total[5m])",
        "counter_total - on () group_left sum(counter_total)",
        "sum(rate(counter_total[1m])) / sum(rate(counter_total[1m]))",
        "topk(2, counter_total) or counter_total and topk(1, counter_total)",
        "max_over_time(rate(counter_total[1m])[2m:30s]) - min_over_time(rate(counter_total[1m])[2m:30s])",
        "abs(rate(counter_total[1m])) - abs(rate(counter_total[1m])) + rate(counter_total[1m])",
        "count_values(\"v\", counter_total) + count_values(\"v\", counter_total)",
        "clamp_max(counter_total, scalar(sum(counter_total)))",
        "quantile_over_time(scalar(max(counter_total)), counter_total[1m])"
            + " + rate(counter_total[2m]) + max(counter_total)",
        "(counter_total @ 300) / (counter_total @ 300) + sum(counter_total @ 300)",
        "absent(counter_total) or absent_over_time(counter_total[1m]) or rate(counter_total[2m])",
        "counter_total + counter_total offset 1m + counter_total",
        "rate(counter_total[1m] offset 1m) + rate(counter_total[2m] offset 1m)",
    ]

    private func lines(_ text: String, _ edit: (inout EngineOptions) -> Void = { _ in })
        throws -> [String]
    {
        var options = EngineOptions()
        options.helpedNsMin = 0
        edit(&options)
        let result = try QueryEngine(options: options).range(
            text, startMs: 100_000, endMs: 500_000, stepMs: 7_000,
            from: QueryFixture.counters(40))
        return QueryFixture.bits(result) + result.warnings + result.infos + [
            "\(result.statistics.totalQueryableSamples)", "\(result.statistics.samplesRead)",
            "\(result.statistics.peakSamples)",
        ]
    }

    @Test(
        "rows, remarks and counts are those of separate parts, whatever tiles and threads",
        arguments: repeated)
    func sameAsSeparate(_ text: String) throws {
        let separate = try lines(text) {
            $0.sharesParts = false
            $0.threads = 1
        }
        #expect(try lines(text) == separate)
        #expect(try lines(text) { $0.threads = 1 } == separate)
    }

    @Test("tiles of few steps change nothing", arguments: repeated)
    func smallTiles(_ text: String) throws {
        let separate = try lines(text) {
            $0.sharesParts = false
            $0.threads = 1
            $0.tileStepsMax = 5
        }
        #expect(try lines(text) { $0.tileStepsMax = 5 } == separate)
    }

    @Test("random expressions, put beside themselves, answer as separate parts do")
    func random() {
        let sources = (0..<4).map { RandomSeries.source(seed: UInt64($0)) }
        for seed in UInt64(1)...300 {
            var expressions = RandomExpression(seed: seed &* 131)
            let (a, b) = (expressions.next(), expressions.next())
            let text = seed % 2 == 0 ? "(\(a)) or (\(b)) or (\(a))" : "count(\(a)) or (\(a))"
            let answers = [true, false].map { shares in
                var options = EngineOptions.script
                options.sharesParts = shares
                options.helpedNsMin = 0
                options.tileStepsMax = seed % 3 == 0 ? 2 : 8192
                return Result { () throws(QueryError) in
                    let result = try QueryEngine(options: options).range(
                        text, startMs: 600_000, endMs: 960_000, stepMs: 60_000,
                        from: sources[Int(seed % 4)])
                    return QueryFixture.bits(result) + result.warnings + result.infos
                }
            }
            #expect(answers[0] == answers[1], "\(text)")
        }
    }

    /// Counts how often series are read.
    private final class CountingSource: SelectOnlySource {
        let inner: MemorySource
        let reads = Counter()

        init(_ inner: MemorySource) { self.inner = inner }

        func select(
            _ request: SelectRequest, symbols: SymbolTable
        ) throws(SourceError) -> any SeriesSelection {
            CountingSelection(try inner.select(request, symbols: symbols), reads)
        }
    }

    @Test(
        "a part that stands in a query twice is read once",
        arguments: [
            "rate(counter_total[1m]) / rate(counter_total[5m])",
            "sum(counter_total) / count(counter_total)",
            "rate(counter_total[1m]) + rate(counter_total[1m])",
            "max_over_time(counter_total[5m:1m]) - min_over_time(counter_total[5m:1m])",
        ])
    func readOnce(_ text: String) throws {
        let source = CountingSource(QueryFixture.counters(40))
        // A batch whose helper lost its processor is worked out twice.
        var options = EngineOptions()
        options.threads = 1
        _ = try QueryEngine(options: options).range(
            text, startMs: 300_000, endMs: 500_000, stepMs: 10_000, from: source)
        #expect(source.reads.value == 40)
    }

    @Test("rows that would take much of the budget are not kept: each place works out its own")
    func budget() throws {
        var options = EngineOptions()
        options.bytesMax = 60_000
        let result = try QueryEngine(options: options).range(
            "sum(counter_total) / count(counter_total)", startMs: 0, endMs: 590_000, stepMs: 10_000,
            from: QueryFixture.counters(40))
        #expect(QueryFixture.text(result).count == 1)
    }
}
