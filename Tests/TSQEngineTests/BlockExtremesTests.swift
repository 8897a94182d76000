import TSQBase
import TSQEngine
import Testing

@Suite("Extremes by blocks")
struct BlockExtremesTests {
    /// Values of few kinds, so that many are equal; zeros of both signs.
    private func values(_ count: Int, _ random: inout SplitMix64) -> [Double] {
        (0..<count).map { _ in [-0.0, 0, 1, -1, 2.5][Int(random.next() % 5)] }
    }

    @Test(
        "give the earliest of the best values, bit for bit",
        arguments: 1...40 as ClosedRange<UInt64>)
    func earliest(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var columns = floatColumns(values(Int(random.next() % 300) + 1, &random))
        // Gaps, so that windows are of uneven length.
        for index in columns.times.indices.dropFirst() {
            let gapMs = random.next() % 9 == 0 ? Int64(random.next() % 20_000) : 1000
            columns.times[index] = columns.times[index - 1] + max(1, gapMs)
        }
        let lastMs = columns.times.last ?? 0
        let all = windows(
            columns, firstEndMs: Int64(random.next() % 5000),
            stepMs: max(1, lastMs / 50), count: Int(random.next() % 60) + 1,
            rangeMs: Int64(random.next() % 60_000) + 1)
        var context = kernelContext(count: all.count)
        for name in ["max_over_time", "min_over_time"] {
            let row = try evaluate(name, columns, all, &context)
            for step in 0..<all.count {
                let window = columns.values[all.floatStarts[step]..<all.floatEnds[step]]
                guard var best = window.first else {
                    #expect(row.floats[step] == nil)
                    continue
                }
                for value in window where name == "max_over_time" ? value > best : value < best {
                    best = value
                }
                #expect(row.floats[step]?.bitPattern == best.bitPattern)
            }
        }
    }
}
