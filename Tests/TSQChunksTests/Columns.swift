import TSQBase

/// Columns of values that codecs are tried on.
enum Columns {
    /// Name and values; the same for the same count.
    static func all(_ count: Int) -> [(name: String, values: [Double])] {
        var random = SplitMix64(seed: 7)
        var result: [(String, [Double])] = []
        func add(_ name: String, _ next: (Int, inout SplitMix64) -> Double) {
            result.append((name, (0..<count).map { next($0, &random) }))
        }
        add("constant") { _, _ in 42 }
        add("constant full precision") { _, _ in 0.1 + 0.2 }
        add("constant NaN payload") { _, _ in Double(bitPattern: 0xFFF8_0000_1234_5678) }
        add("constant delta") { i, _ in 1e6 + Double(i) * 5 }
        add("counter") { _, _ in 0 }
        result[result.count - 1].1 = walk(count, &random) {
            Double(Int.random(in: 0..<97, using: &$0))
        }
        add("counter with reset") { _, _ in 0 }
        result[result.count - 1].1 = reset(
            walk(count, &random) { Double(Int.random(in: 0..<97, using: &$0)) + 3 })
        add("seconds") { _, _ in 0 }
        result[result.count - 1].1 = walk(count, &random) {
            Double(Int.random(in: 0..<100, using: &$0))
        }
        .map { $0 / 100 }
        add("pages") { _, _ in 0 }
        result[result.count - 1].1 = walk(count, &random) {
            Int.random(in: 0..<4, using: &$0) == 0
                ? Double(Int.random(in: -50...50, using: &$0) * 4096) : 0
        }
        add("two decimals") {
            Double(Int.random(in: 0..<10_000, using: &$1)) / 100 + Double($0 * 0)
        }
        add("full precision walk") { _, _ in 0 }
        result[result.count - 1].1 = walk(count, &random) {
            Double.random(in: -0.5...0.5, using: &$0)
        }
        add("stale marker within") { i, _ in
            i == count / 2 ? StaleMarker.value : Double(i) * 0.25
        }
        add("stale marker in a walk") { i, r in
            i % 97 == 31 ? StaleMarker.value : 50 + Double.random(in: 0...1, using: &r)
        }
        add("NaN runs") { i, _ in
            i % 20 < 10 ? Double(bitPattern: StaleMarker.ordinaryNaNBits) : Double(i % 7) / 10
        }
        add("special values") { i, _ in
            [
                0, -0.0, .infinity, -.infinity, .nan, StaleMarker.value, .leastNonzeroMagnitude,
                -.leastNonzeroMagnitude,
                .greatestFiniteMagnitude, 1, -1, 0.1,
            ][i % 12]
        }
        add("large integers") { i, _ in 0x1p60 + Double(i) * 4096 }
        add("nanosecond times") { i, _ in 1.7e18 + Double(i) * 1e9 }
        add("random bits") { _, r in Double(bitPattern: r.next()) }
        add("floats of 32 bits") { _, r in Double(Float.random(in: 0...100, using: &r)) }
        add("ratios") { i, r in Double(Int.random(in: 1...9, using: &r)) / Double(i % 13 + 1) }
        add("one outlier of many digits") { i, _ in i == 3 ? 0.123456789012 : Double(i * i) }
        add("tiny decimals") { i, _ in Double(i % 50) * 1e-9 }
        add("repeating noise") { i, _ in
            var r = SplitMix64(seed: UInt64(i % 16))
            return Double(bitPattern: r.next() >> 2)
        }
        add("leap of sign") { i, _ in i % 2 == 0 ? 0x1p62 : -0x1p62 }
        add("extreme integers") { i, _ in i % 3 == 0 ? -0x1p63 : 0x1p62 * Double(i % 2) }
        return result
    }

    static func walk(
        _ count: Int, _ random: inout SplitMix64, _ step: (inout SplitMix64) -> Double
    ) -> [Double] {
        var value = 100.0
        return (0..<count).map { _ in
            value += step(&random)
            return value
        }
    }

    static func reset(_ values: [Double]) -> [Double] {
        values.enumerated().map { index, value in
            index < values.count / 3 ? value + 1e6 : value
        }
    }
}

func bits(_ values: [Double]) -> [UInt64] { values.map(\.bitPattern) }
