import Glibc
import TSQBase
import TSQEngine
import TSQModel

// `bench-engine [RUNS [QUERY]]`: what queries cost in the engine alone. Prints the median time of
// each, the processor's time (which a busy machine does not change) and a hash of its answer, so
// that a change that makes one faster and wrong is seen. QUERY: only those that begin with it.
//
// `bench-engine store DIR [RUNS [TITLE [THREADS]]]`: the queries of compare-peers.py over a store in DIR,
// which is filled when it is not there, with the time of each phase.

if CommandLine.arguments.dropFirst().first == "store" {
    try StoreBench.main(Array(CommandLine.arguments.dropFirst(2)))
    exit(0)
}

let runs = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 9
let source = BenchSource(seriesCount: 5000, histogramCount: 600)
let engine = QueryEngine()
let endMs: TimestampMs = 1_767_225_600_000

let only = CommandLine.arguments.dropFirst(2).first ?? ""
let queries: [(text: String, steps: Int64)] = [
    ("x", 1),
    ("rate(x[5m])", 1),
    ("sum(x)", 1),
    ("sum by (instance) (rate(x[1m]))", 60),
    ("rate(x[1m])", 60),
    ("rate(x[1m])", 600),
    ("max by (instance) (max_over_time(x[2m]))", 60),
    ("topk(5, sum by (device) (rate(x[1m])))", 60),
    ("quantile by (instance) (0.9, x)", 60),
    ("x + y", 60),
    ("sum(x) / sum(y)", 60),
    ("histogram_quantile(0.9, sum by (le, instance) (rate(latency_bucket[1m])))", 60),
    ("histogram_quantile(0.9, rate(latency_bucket[1m]))", 60),
    ("count_values(\"v\", x)", 1),
    ("max_over_time(sum(x)[5m:10s])", 60),
]

let clock = SystemClock()
for (text, steps) in queries where text.hasPrefix(only) {
    var times: [Double] = []
    var processor: [Double] = []
    var answer: UInt64 = 0
    for _ in 0..<runs {
        let startNs = clock.monotonicNs()
        let startMs = processorMs()
        let result: QueryResult
        do {
            result =
                steps == 1
                ? try engine.instant(text, atMs: endMs, from: source)
                : try engine.range(
                    text, startMs: endMs - (steps - 1) * 15_000, endMs: endMs, stepMs: 15_000,
                    from: source)
        } catch {
            print("\(text): \(error)")
            break
        }
        times.append(Double(clock.monotonicNs() - startNs) / 1e6)
        processor.append(processorMs() - startMs)
        answer = hash(result)
    }
    if times.isEmpty { continue }
    let figures = "\(median(times)) ms, \(median(processor)) ms cpu"
    print("\(figures)  \(String(answer, radix: 16))  \(steps) steps  \(text)")
}
