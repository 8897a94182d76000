import TSQBase
import TSQModel
import TSQPromQL
import Testing

@testable import TSQEngine

@Suite("rate, increase and delta over shared times")
struct RateSpansTests {
    /// Times with jitter and gaps; values of a counter with resets, or a gauge with special values.
    private func columns(_ random: inout SplitMix64, timesOf other: SampleColumns?) -> SampleColumns
    {
        var columns = SampleColumns()
        if let other {
            columns.times = other.times
            columns.timesID = other.timesID
        } else {
            var timeMs = Int64(random.next() % 5000)
            for _ in 0..<Int(random.next() % 80) {
                timeMs += Int64(random.next() % 2000) + (random.next() % 20 == 0 ? 40_000 : 1)
                columns.times.append(timeMs)
            }
            columns.timesID = random.next() | 1
        }
        // Half of the counters only rise.
        let rises = random.next() % 2 == 0
        columns.areFinite = rises && random.next() % 2 == 0
        var value = Double(random.next() % 100) - 5
        for _ in columns.times {
            value += Double(random.next() % 50) / 8
            if !rises && random.next() % 15 == 0 { value = Double(random.next() % 10) - 2 }
            let isSpecial = !rises && random.next() % 60 == 0
            columns.values.append(
                isSpecial ? [.nan, .infinity, -0.0, 1e308][Int(random.next() % 4)] : value)
        }
        return columns
    }

    @Test("give the plain form's results, bit for bit", arguments: [3, 17, 99] as [UInt64])
    func spans(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<60 {
            var windows = Windows()
            windows.firstEndMs = Int64(random.next() % 60_000)
            windows.stepMs = Int64(random.next() % 20_000) + 1
            windows.rangeMs = Int64(random.next() % 40_000) + 1
            windows.resize(Int(random.next() % 20) + 1)
            var cache = WindowSpansCache()
            var shared: SampleColumns?
            for _ in 0..<8 {
                let columns = columns(&random, timesOf: random.next() % 2 == 0 ? shared : nil)
                shared = columns
                windows.bound(floats: columns.times)
                for kind in [ChangeKind.rate, .increase, .delta] {
                    var (fast, plain) = (
                        StepRow(stepCount: windows.count), StepRow(stepCount: windows.count)
                    )
                    var notes: WindowNotes = []
                    RangeFunctions.alignedChange(columns, windows, kind, &cache, &fast)
                    RangeFunctions.floatChange(columns, windows, kind, false, &notes, &plain)
                    #expect(fast.tags == plain.tags)
                    #expect(
                        fast.values.map(\.bitPattern) == plain.values.map(\.bitPattern))
                }
            }
        }
    }
}
