import TSQBase
import TSQEngine
import TSQModel

// `bench-engine [RUNS]`: what queries cost in the engine alone. Prints the median time of each and
// a hash of its answer, so that a change that makes one faster and wrong is seen.

let runs = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 9
let source = BenchSource(seriesCount: 5000, histogramCount: 600)
let engine = QueryEngine()
let endMs: TimestampMs = 1_767_225_600_000

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

func hash(_ result: QueryResult) -> UInt64 {
    var hasher: UInt64 = 0xCBF2_9CE4_8422_2325
    switch result.value {
    case .vector(let series), .matrix(let series):
        for value in series.values {
            hasher = (hasher ^ value.bitPattern) &* 0x100_0000_01B3
        }
    case .scalar(_, let value): hasher ^= value.bitPattern
    case .string: break
    }
    return hasher
}

let clock = SystemClock()
for (text, steps) in queries {
    var times: [Double] = []
    var answer: UInt64 = 0
    for _ in 0..<runs {
        let startNs = clock.monotonicNs()
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
        answer = hash(result)
    }
    times.sort()
    if times.isEmpty { continue }
    let median = (times[times.count / 2] * 100).rounded() / 100
    print("\(median) ms  \(String(answer, radix: 16))  \(steps) steps  \(text)")
}
