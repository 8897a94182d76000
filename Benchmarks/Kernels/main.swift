import Glibc
import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

// `bench-kernels [RUNS]`: what the kernels alone cost, in thread CPU time. Prints the best time of
// each per sample (samples in all windows for range functions, elements otherwise) and a hash of the
// answer, so that a change that makes one faster and wrong is seen.

let runs = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 15

/// 600 steps 15 s apart over samples 5 s apart: windows of 1 minute hold 12, of 5 minutes 60.
let stepCount = 600
let sampleCount = 1800 + 60

struct Case {
    let name: String
    let rangeMs: Int64
    let parameters: [[Double]]

    init(_ name: String, _ rangeMs: Int64, _ parameters: [[Double]] = []) {
        self.name = name
        self.rangeMs = rangeMs
        self.parameters = parameters
    }
}

let constant = [Double](repeating: 0.9, count: stepCount)
let cases = [
    Case("rate", 60_000), Case("rate", 300_000), Case("increase", 300_000),
    Case("irate", 300_000), Case("delta", 300_000),
    Case("sum_over_time", 60_000), Case("sum_over_time", 300_000),
    Case("avg_over_time", 300_000), Case("max_over_time", 60_000),
    Case("max_over_time", 300_000), Case("min_over_time", 3_600_000),
    Case("count_over_time", 300_000), Case("last_over_time", 300_000),
    Case("changes", 300_000), Case("resets", 300_000), Case("stddev_over_time", 300_000),
    Case("quantile_over_time", 300_000, [constant]), Case("mad_over_time", 300_000),
    Case("deriv", 300_000), Case("predict_linear", 300_000, [constant]),
]

func cpuNs() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func hash(_ row: StepRow) -> UInt64 {
    var state: UInt64 = 0xCBF2_9CE4_8422_2325
    for step in 0..<row.stepCount where row.tags[step] == StepRow.Tag.float {
        state = (state ^ row.values[step].bitPattern) &* 0x100_0000_01B3
    }
    return state
}

func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.utf8.count))
}

func hundredths(_ value: Double) -> String {
    let scaled = GoNumber.int((value * 100).rounded())
    return "\(scaled / 100).\(scaled % 100 < 10 ? "0" : "")\(scaled % 100)"
}

/// Best of `runs`, divided by `elements`.
func measure(_ name: String, elements: Int, _ body: () -> UInt64) {
    var best = UInt64.max
    var answer: UInt64 = 0
    for _ in 0..<runs {
        let startNs = cpuNs()
        answer = body()
        best = min(best, cpuNs() - startNs)
    }
    let perElement = Double(best) / Double(elements)
    print(
        padded(name, 34) + padded(hundredths(perElement) + " ns", 12)
            + padded(hundredths(1000 / perElement) + " M/s", 14) + String(answer, radix: 16))
}

func columns() -> SampleColumns {
    var random = SplitMix64(seed: 42)
    var columns = SampleColumns()
    var value = 0.0
    for index in 0..<sampleCount {
        value += Double(random.next() % 97)
        if random.next() % 500 == 0 { value = 0 }
        columns.times.append(Int64(index) * 5000)
        columns.values.append(value)
    }
    return columns
}

func windows(_ columns: SampleColumns, rangeMs: Int64) -> Windows {
    var windows = Windows()
    windows.firstEndMs = 300_000
    windows.stepMs = 15_000
    windows.rangeMs = rangeMs
    var (start, end) = (0, 0)
    for step in 0..<stepCount {
        while end < columns.times.count && columns.times[end] <= windows.endMs(step) { end += 1 }
        while start < end && columns.times[start] <= windows.startMs(step) { start += 1 }
        windows.floatStarts.append(start)
        windows.floatEnds.append(end)
        windows.histogramStarts.append(0)
        windows.histogramEnds.append(0)
    }
    return windows
}

func rangeFunctions() {
    let columns = columns()
    let repeats = 20
    for test in cases {
        guard let kernel = RangeFunctions.kernel(named: test.name) else { continue }
        let windows = windows(columns, rangeMs: test.rangeMs)
        var context = KernelContext(
            steps: StepRange(firstMs: 300_000, stepMs: 15_000, count: stepCount),
            range: SourceRange(0, 1), parameters: test.parameters)
        var row = StepRow(stepCount: stepCount)
        let samples = zip(windows.floatStarts, windows.floatEnds).map { $1 - $0 }.reduce(0, +)
        measure("\(test.name)[\(test.rangeMs / 1000)s]", elements: samples * repeats) {
            for _ in 0..<repeats {
                row.reset(stepCount: stepCount)
                do { try kernel(columns, windows, &context, &row) } catch { return 0 }
            }
            return hash(row)
        }
    }
}

func rows() {
    var random = SplitMix64(seed: 5)
    let inputs = (0..<200).map { _ in
        var row = StepRow(stepCount: stepCount)
        for step in 0..<stepCount {
            row.setFloat(step, Double(Int64(truncatingIfNeeded: random.next() >> 30)) * 1e-3)
        }
        return row
    }
    var context = KernelContext(
        steps: StepRange(firstMs: 0, stepMs: 15_000, count: stepCount), range: SourceRange(0, 1))
    var output = StepRow(stepCount: stepCount)
    for op in [AggregateOperator.sum, .avg, .count, .max, .stddev] {
        var group = GroupAccumulator(op, stepCount: stepCount)
        measure("\(op.rawValue) by", elements: inputs.count * stepCount) {
            group.reset(stepCount: stepCount)
            for row in inputs { group.add(row, &context) }
            output.reset(stepCount: stepCount)
            group.finish(&context, into: &output)
            return hash(output)
        }
    }
    for op in [BinaryOperator.add, .divide, .greater, .modulo, .power] {
        measure("vector \(op.rawValue) vector", elements: (inputs.count - 1) * stepCount) {
            for index in 1..<inputs.count {
                output.reset(stepCount: stepCount)
                BinaryKernels.apply(
                    op, inputs[index], inputs[index - 1], returnsBool: false, swapped: false,
                    &context, into: &output)
            }
            return hash(output)
        }
    }
    for name in ["abs", "sqrt", "round", "ln", "hour", "clamp_max"] {
        guard let kernel = ElementFunctions.kernel(named: name) else { continue }
        context.parameters = name == "clamp_max" ? [constant] : []
        measure(name, elements: inputs.count * stepCount) {
            for row in inputs {
                output = row
                do { try kernel(&context, &output) } catch { return 0 }
            }
            return hash(output)
        }
    }
    var values: [Double] = []
    let numbers = inputs.map(\.values)
    measure("quantile of 200", elements: inputs.count * stepCount) {
        var sum = 0.0
        for step in 0..<stepCount {
            values.removeAll(keepingCapacity: true)
            for index in numbers.indices { values.append(numbers[index][step]) }
            sum += Quantiles.quantile(0.9, &values)
        }
        return sum.bitPattern
    }
}

rangeFunctions()
rows()
