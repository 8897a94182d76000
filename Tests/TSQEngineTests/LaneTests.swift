import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import TSQTesting
import Testing

/// What several threads do with one query must not be seen in its answer.
@Suite("Lanes") struct LaneTests {
    private static func options(threads: Int, tileSteps: Int = 8192) -> EngineOptions {
        var options = EngineOptions.script
        options.threads = threads
        options.tileStepsMax = tileSteps
        // However little there is to do.
        options.helpedNsMin = 0
        return options
    }

    private struct Answer: Equatable {
        var lines: [String] = []
        var remarks: [String] = []
        var totalSamples: Int64 = 0
        var readSamples: Int64 = 0
        var peakSamples: Int64 = 0
        var error: QueryError?
    }

    private static func answer(
        _ text: String, _ options: EngineOptions, _ source: MemorySource, startMs: Int64,
        stepCount: Int64, stepMs: Int64
    ) -> Answer {
        let engine = QueryEngine(options: options)
        var answer = Answer()
        do throws(QueryError) {
            let result =
                stepCount == 0
                ? try engine.instant(text, atMs: startMs, from: source)
                : try engine.range(
                    text, startMs: startMs, endMs: startMs + stepCount * stepMs, stepMs: stepMs,
                    from: source)
            answer.lines = QueryFixture.bits(result)
            answer.remarks = result.warnings + result.infos
            answer.totalSamples = result.statistics.totalQueryableSamples
            answer.readSamples = result.statistics.samplesRead
            answer.peakSamples = result.statistics.peakSamples
        } catch {
            answer.error = error
        }
        return answer
    }

    @Test("random expressions give the same answer, remarks and counts with one thread and two")
    func sameAnswers() {
        let sources = (0..<4).map { RandomSeries.source(seed: UInt64($0)) }
        for seed in UInt64(1)...400 {
            var expressions = RandomExpression(seed: seed &* 77)
            let text = expressions.next()
            var random = SplitMix64(seed: seed)
            let startMs = Int64.random(in: 0...RandomSeries.lengthMs, using: &random)
            let stepMs = Int64.random(in: 1...120, using: &random) * 1000
            let stepCount =
                Bool.random(using: &random) ? 0 : Int64.random(in: 1...9, using: &random)
            let tileSteps = seed % 3 == 0 ? 3 : 8192
            let answers = [1, 2].map {
                Self.answer(
                    text, Self.options(threads: $0, tileSteps: tileSteps),
                    sources[Int(seed % 4)], startMs: startMs, stepCount: stepCount, stepMs: stepMs)
            }
            #expect(
                answers[0] == answers[1],
                "\(text) from \(startMs), \(stepCount) steps of \(stepMs), tiles of \(tileSteps)")
        }
    }

    @Test("many series come in order from many batches")
    func manySeries() throws {
        let source = QueryFixture.counters(3000)
        for text in [
            "counter_total", "-rate(counter_total[1m])", "sum by (even) (rate(counter_total[1m]))",
            "counter_total + on (i) group_left counter_total * 2",
            "quantile(0.5, counter_total)", "topk(3, counter_total)",
            "max_over_time(rate(counter_total[1m])[2m:30s])", "absent(counter_total)",
            "sum(rate(counter_total[1m])) / count(counter_total)",
            "2 * sum by (even) (counter_total) > on (even) group_left sum by (even) (-counter_total)",
            "avg(counter_total) - on () group_right -max by (i) (rate(counter_total[30s]))",
            "sum(irate(counter_total[1m]) / 2) / (sum(counter_total) / sum(counter_total offset 1m))",
        ] {
            let answers = [1, 2, 4].map {
                Self.answer(
                    text, Self.options(threads: $0), source, startMs: 60_000, stepCount: 20,
                    stepMs: 10_000)
            }
            #expect(answers[0].error == nil)
            #expect(answers[0] == answers[1] && answers[0] == answers[2], "\(text)")
        }
    }

    @Test("the sample limit strikes at the same row however many threads there are")
    func sampleLimit() {
        let source = QueryFixture.counters(500)
        for limit in stride(from: Int64(100), to: 12_000, by: 997) {
            let answers = [1, 2].map { threads in
                var options = Self.options(threads: threads)
                options.samplesMax = limit
                return Self.answer(
                    "counter_total", options, source, startMs: 0, stepCount: 19, stepMs: 10_000)
            }
            #expect(answers[0] == answers[1], "at most \(limit) samples")
        }
    }

    @Test("the sample limit strikes alike where the sides of an operation are worked out at once")
    func sampleLimitBeside() {
        let source = QueryFixture.counters(300)
        for limit in stride(from: Int64(100), to: 12_000, by: 797) {
            let answers = [1, 2].map { threads in
                var options = Self.options(threads: threads)
                options.samplesMax = limit
                return Self.answer(
                    "sum(counter_total) / sum by (even) (counter_total)", options, source,
                    startMs: 0, stepCount: 19, stepMs: 10_000)
            }
            #expect(answers[0] == answers[1], "at most \(limit) samples")
        }
    }

    @Test("a query that ends early leaves its helpers in peace, and they its memory")
    func earlyEnd() {
        let pool = MemoryPool(bytesMax: 1 << 30)
        let source = QueryFixture.counters(2000)
        for limit in stride(from: Int64(1), to: 4000, by: 301) {
            var options = Self.options(threads: 2)
            options.memoryPool = pool
            options.samplesMax = limit
            for text in ["sum(counter_total)", "sum(counter_total) / sum(counter_total * 2)"] {
                let answer = Self.answer(
                    text, options, source, startMs: 0, stepCount: 5, stepMs: 10_000)
                #expect(answer.error != nil)
            }
        }
        // A helper may still be at its last row.
        let clock = SystemClock()
        let untilNs = clock.monotonicNs() + 5_000_000_000
        while pool.bytesInUse != 0 && clock.monotonicNs() < untilNs {}
        #expect(pool.bytesInUse == 0)
    }

    @Test("many queries at once share the helpers and all answer")
    func manyQueries() async {
        let source = QueryFixture.counters(800)
        let expected = Self.answer(
            "sum(rate(counter_total[1m]))", Self.options(threads: 1), source, startMs: 60_000,
            stepCount: 20, stepMs: 10_000)
        await withTaskGroup(of: Answer.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    Self.answer(
                        "sum(rate(counter_total[1m]))", Self.options(threads: 2), source,
                        startMs: 60_000, stepCount: 20, stepMs: 10_000)
                }
            }
            for await answer in group { #expect(answer == expected) }
        }
    }
}
