import TSQBase

/// The workload of the design page: a target's series, by kind.
enum SeriesKind: String, CaseIterable {
    case counter, seconds, pages, twoDecimals, constant, slowCounter, randomWalk, bucket

    /// How many of a hundred series (and the buckets beside them) are of this kind.
    var weight: Int {
        switch self {
        case .counter: 30
        case .seconds, .pages, .twoDecimals, .slowCounter, .randomWalk: 10
        case .constant: 20
        case .bucket: 14
        }
    }
}

struct Workload {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// A column of `count` samples, one a second.
    mutating func column(_ kind: SeriesKind, _ count: Int) -> [Double] {
        switch kind {
        case .counter: walk(count) { Double(Int.random(in: 0..<97, using: &$0)) }
        case .seconds:
            walk(count) { Double(Int.random(in: 0..<100, using: &$0)) }.map { $0 / 100 }
        case .pages:
            walk(count) {
                Int.random(in: 0..<4, using: &$0) == 0
                    ? Double(Int.random(in: -64...64, using: &$0) * 4096) : 0
            }
        case .twoDecimals:
            (0..<count).map { _ in Double(Int.random(in: 0..<10_000, using: &random)) / 100 }
        case .constant: [Double](repeating: 8_589_934_592, count: count)
        case .slowCounter: walk(count) { Int.random(in: 0..<30, using: &$0) == 0 ? 1 : 0 }
        // Near 100, so that the sums are no short decimals.
        case .randomWalk: walk(count, from: 100) { Double.random(in: -0.5...0.5, using: &$0) }
        case .bucket: walk(count) { Double(Int.random(in: 0..<4, using: &$0)) }
        }
    }

    private mutating func walk(
        _ count: Int, from start: Double? = nil, _ step: (inout SplitMix64) -> Double
    ) -> [Double] {
        var value = start ?? Double(Int.random(in: 1000..<1_000_000, using: &random))
        return (0..<count).map { _ in
            value += step(&random)
            return value
        }
    }
}
