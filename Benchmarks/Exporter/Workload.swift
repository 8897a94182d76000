import TSQBase

/// The series of one target and how they move: the mix that `docs/PERFORMANCE.md` describes.
///
/// Per ten series: three integer counters with steps below 97, a seconds counter with a resolution
/// of 0.01, a gauge of whole pages that moves one scrape in four, a gauge with two decimals, two
/// constants, a slow counter and a full-precision random walk; and a histogram of 12 buckets per
/// hundred series.
struct Workload {
    static let kinds = 10
    static let bucketBounds: [String] = [
        "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf",
    ]

    private let seriesPerKind: Int
    private let histogramCount: Int
    private var random: SplitMix64
    /// kind × series
    private var values: [[Double]]
    /// histogram × bucket, not cumulative
    private var buckets: [[Double]]
    private var sums: [Double]
    /// The constant part of every line, in page order.
    private let plainPrefixes: [[[UInt8]]]
    private let bucketPrefixes: [[[UInt8]]]
    private let sumPrefixes: [[UInt8]]
    private let countPrefixes: [[UInt8]]

    init(target: Int, plainSeries: Int) {
        random = SplitMix64(seed: UInt64(target) &* 0x1234_5678_9ABC_DEF1 &+ 7)
        let perKind = plainSeries / Self.kinds
        seriesPerKind = perKind
        histogramCount = plainSeries / 100
        values = []
        for kind in 0..<Self.kinds {
            var row: [Double] = []
            for _ in 0..<perKind { row.append(Self.start(kind: kind, &random)) }
            values.append(row)
        }
        buckets = .init(
            repeating: .init(repeating: 0, count: Self.bucketBounds.count), count: histogramCount)
        sums = .init(repeating: 0, count: histogramCount)
        func labels(_ index: Int) -> String {
            "device=\"dev\(index % 25)\",mode=\"\(["read", "write", "sync", "idle"][index / 25 % 4])\""
                + ",zone=\"z\(index / 100)\""
        }
        plainPrefixes = (0..<Self.kinds).map { kind in
            (0..<perKind).map { Array("m\(kind){\(labels($0))} ".utf8) }
        }
        bucketPrefixes = (0..<histogramCount).map { index in
            Self.bucketBounds.map {
                Array("h_bucket{\(labels(index)),le=\"\($0)\"} ".utf8)
            }
        }
        sumPrefixes = (0..<histogramCount).map { Array("h_sum{\(labels($0))} ".utf8) }
        countPrefixes = (0..<histogramCount).map { Array("h_count{\(labels($0))} ".utf8) }
    }

    private static func start(kind: Int, _ random: inout SplitMix64) -> Double {
        switch kind {
        case 0, 1, 2, 8: Double(UInt64.random(in: 0..<1_000_000, using: &random))
        case 3: Double(UInt64.random(in: 0..<10_000_000, using: &random)) / 100
        case 4: Double(UInt64.random(in: 1000..<1_000_000, using: &random)) * 4096
        case 5: Double(UInt64.random(in: 0..<10_000, using: &random)) / 100
        case 6: 1
        case 7: Double(UInt64.random(in: 1..<64, using: &random)) * 1024
        default: Double.random(in: -100...100, using: &random)
        }
    }

    /// One second later.
    mutating func advance() {
        for index in 0..<seriesPerKind {
            for kind in 0..<3 {
                values[kind][index] += Double(UInt64.random(in: 0..<97, using: &random))
            }
            let hundredths = (values[3][index] * 100).rounded()
            values[3][index] =
                (hundredths + Double(UInt64.random(in: 0..<100, using: &random))) / 100
            if UInt64.random(in: 0..<4, using: &random) == 0 {
                values[4][index] += Double(Int64.random(in: -50...50, using: &random)) * 4096
            }
            let moved = (values[5][index] * 100).rounded()
            values[5][index] = (moved + Double(Int64.random(in: -99...99, using: &random))) / 100
            if UInt64.random(in: 0..<20, using: &random) == 0 { values[8][index] += 1 }
            values[9][index] += Double.random(in: -1...1, using: &random)
        }
        for index in 0..<histogramCount {
            for _ in 0..<Int.random(in: 0..<20, using: &random) {
                let bucket = Int.random(in: 0..<Self.bucketBounds.count, using: &random)
                buckets[index][bucket] += 1
                sums[index] += Double(UInt64.random(in: 0..<1000, using: &random)) / 1000
            }
        }
    }

    /// The page as it stands.
    func render(into page: inout [UInt8]) {
        page.removeAll(keepingCapacity: true)
        for kind in 0..<Self.kinds {
            let type = [0, 1, 2, 3, 8].contains(kind) ? "counter" : "gauge"
            page.append(contentsOf: "# TYPE m\(kind) \(type)\n".utf8)
            for index in 0..<seriesPerKind {
                Self.line(plainPrefixes[kind][index], values[kind][index], &page)
            }
        }
        page.append(contentsOf: "# TYPE h histogram\n".utf8)
        for index in 0..<histogramCount {
            var cumulative: Double = 0
            for bucket in 0..<Self.bucketBounds.count {
                cumulative += buckets[index][bucket]
                Self.line(bucketPrefixes[index][bucket], cumulative, &page)
            }
            Self.line(sumPrefixes[index], sums[index], &page)
            Self.line(countPrefixes[index], cumulative, &page)
        }
    }

    private static func line(_ prefix: [UInt8], _ value: Double, _ page: inout [UInt8]) {
        page.append(contentsOf: prefix)
        DecimalPrint.append(value, .json, to: &page)
        page.append(0x0A)
    }
}
