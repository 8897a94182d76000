import TSQBase
import TSQIO
import TSQModel
import TSQStore

/// A store with the series of `bench-exporter`: 50 targets of 1,140 series, one row a second, most
/// of it in blocks and the newest rows in the head, as a server has it.
struct StoreWorkload {
    static let targetCount = 50
    static let perKind = 100
    static let kinds = 10
    static let histogramsPerTarget = 10
    /// Rows between two checkpoints: what a server's log bound comes to.
    static let rowsPerBlock = 55
    private static let bounds = [
        "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf",
    ]

    /// Fills `store` with rows every `intervalMs` up to `endMs`.
    static func fill(
        _ store: Store, rowCount: Int, endMs: TimestampMs, intervalMs: Int64 = 1000,
        targetCount: Int = targetCount, rowsPerBlock: Int = rowsPerBlock
    ) throws {
        var batches: [WriteBatch] = []
        for target in 0..<targetCount {
            var batch = WriteBatch(origin: .scrape, group: store.openGroup())
            for labels in series(target) { batch.rowRefs.append(try store.resolve(labels)) }
            batches.append(batch)
        }
        var pages = batches.indices.map { PageColumns(seed: UInt64($0 + 1)) }
        for row in 0..<rowCount {
            let timeMs = endMs - Int64(rowCount - 1 - row) * intervalMs
            for index in batches.indices {
                pages[index].advance()
                batches[index].rowValues = pages[index].values
                batches[index].rowTimeMs = timeMs - Int64(index) * 7
                _ = try store.commit(batches[index])
            }
            if row % rowsPerBlock == rowsPerBlock - 1 { try store.checkpoint() }
        }
    }

    /// The series of a target in the order of its page.
    static func series(_ target: Int) -> [LabelSet] {
        let modes = ["read", "write", "sync", "idle"]
        func labels(_ name: String, _ index: Int, _ le: String? = nil) -> LabelSet {
            var labels = [
                Label("__name__", name), Label("device", "dev\(index % 25)"),
                Label("instance", "web-\(target):9000"), Label("job", "j"),
            ]
            if let le { labels.append(Label("le", le)) }
            labels.append(Label("mode", modes[index / 25 % 4]))
            labels.append(Label("zone", "z\(index / 100)"))
            return LabelSet(sorted: labels)
        }
        var all: [LabelSet] = []
        for kind in 0..<kinds {
            for index in 0..<perKind { all.append(labels("m\(kind)", index)) }
        }
        for index in 0..<histogramsPerTarget {
            for bound in bounds { all.append(labels("h_bucket", index, bound)) }
            all.append(labels("h_sum", index))
            all.append(labels("h_count", index))
        }
        return all
    }

    static func open(_ directory: String) throws -> Store {
        var options = StoreOptions()
        options.retentionMs = .max
        options.runsInBackground = false
        return try Store.open(directory: directory, options: options)
    }
}

/// The values of one target's page, moving as `bench-exporter`'s do.
private struct PageColumns {
    private(set) var values: [Double]
    private var buckets: [Double]
    private var random: SplitMix64

    init(seed: UInt64) {
        random = SplitMix64(seed: seed &* 0x9E37_79B9_7F4A_7C15)
        values = []
        for kind in 0..<StoreWorkload.kinds {
            for _ in 0..<StoreWorkload.perKind {
                let draw = Double(random.next() % 1_000_000)
                switch kind {
                case 3, 5: values.append(draw / 100)
                case 4: values.append(draw * 4096)
                case 6: values.append(1)
                case 9: values.append(draw / 7919 - 60)
                default: values.append(draw)
                }
            }
        }
        let count = StoreWorkload.histogramsPerTarget
        values.append(contentsOf: [Double](repeating: 0, count: count * 14))
        buckets = [Double](repeating: 0, count: count * 12)
    }

    mutating func advance() {
        for kind in 0..<StoreWorkload.kinds {
            for index in 0..<StoreWorkload.perKind {
                move(kind, kind * StoreWorkload.perKind + index)
            }
        }
        let start = StoreWorkload.kinds * StoreWorkload.perKind
        for histogram in 0..<StoreWorkload.histogramsPerTarget {
            for _ in 0..<Int(random.next() % 20) {
                buckets[histogram * 12 + Int(random.next() % 12)] += 1
                values[start + histogram * 14 + 12] += Double(random.next() % 1000) / 1000
            }
            var sum = 0.0
            for bucket in 0..<12 {
                sum += buckets[histogram * 12 + bucket]
                values[start + histogram * 14 + bucket] = sum
            }
            values[start + histogram * 14 + 13] = sum
        }
    }

    private mutating func move(_ kind: Int, _ index: Int) {
        let draw = random.next() >> 16
        switch kind {
        case 0, 1, 2: values[index] += Double(draw % 97)
        case 3: values[index] = ((values[index] * 100).rounded() + Double(draw % 100)) / 100
        case 4: if draw % 4 == 0 { values[index] += (Double(draw >> 8 & 63) - 31) * 4096 }
        case 5: values[index] = ((values[index] * 100).rounded() + Double(draw % 199) - 99) / 100
        case 8: if draw % 20 == 0 { values[index] += 1 }
        case 9: values[index] += Double(draw) / Double(1 << 47) - 1
        default: break
        }
    }
}
