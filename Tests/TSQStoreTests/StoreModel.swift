import TSQBase
import TSQModel
import TSQStore

/// What a store must hold, in the plainest form: series and time to value bits.
struct StoreModel {
    private(set) var series: [LabelSet: [TimestampMs: UInt64]] = [:]

    mutating func add(_ labels: LabelSet, _ timeMs: TimestampMs, _ value: Double) {
        series[labels, default: [:]][timeMs] = value.bitPattern
    }

    func samples(fromMs: TimestampMs = .min, toMs: TimestampMs = .max) -> [LabelSet: [Sample]] {
        var result: [LabelSet: [Sample]] = [:]
        for (labels, samples) in series {
            let inside = samples.filter { $0.key > fromMs && $0.key <= toMs }.sorted {
                $0.key < $1.key
            }
            if inside.isEmpty { continue }
            result[labels] = inside.map { Sample($0.key, Double(bitPattern: $0.value)) }
        }
        return result
    }

    /// Whether everything in this model is in `found` with the same bits.
    func isContained(in found: [LabelSet: [Sample]]) -> Bool {
        samples().allSatisfy { labels, samples in
            guard let there = found[labels] else { return false }
            let bits = Dictionary(
                there.map { ($0.timeMs, $0.bits) }, uniquingKeysWith: { first, _ in first })
            return samples.allSatisfy { bits[$0.timeMs] == $0.bits }
        }
    }
}

/// Random operations on a store and its model at once.
struct StoreScript {
    var random: SplitMix64
    /// What was acknowledged.
    var model = StoreModel()
    /// What was tried last and not acknowledged: it may be there or not.
    var uncertain = StoreModel()
    private var groups: [(group: WriteGroup, members: [Int])] = []
    private let labelSets: [LabelSet]
    private var step = 0

    init(seed: UInt64, seriesCount: Int = 24) {
        random = SplitMix64(seed: seed)
        labelSets = (0..<seriesCount).map {
            labels("m\($0 % 3)", ["i": "\($0)", "job": $0 % 2 == 0 ? "even" : "odd"])
        }
    }

    /// Groups belong to one opening of the store.
    mutating func reopened() { groups = [] }

    private mutating func value() -> Double {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: Double(bitPattern: UInt64.random(in: 0 ... .max, using: &random))
        case 1: StaleMarker.value
        case 2: -0.0
        case 3: Double(Int.random(in: -5...5, using: &random)) / 10
        default: Double(Int.random(in: 0...1_000_000, using: &random))
        }
    }

    mutating func commitRow(_ store: Store, nowMs: TimestampMs) throws {
        if groups.count < 3 {
            let first = Int.random(in: 0..<labelSets.count, using: &random)
            let members = (0..<8).map { (first + $0) % labelSets.count }
            groups.append((store.openGroup(), members))
        }
        let index = Int.random(in: 0..<groups.count, using: &random)
        // Now and then a series goes, comes, or the order changes.
        var members = groups[index].members
        switch Int.random(in: 0..<6, using: &random) {
        case 0: members.removeLast()
        case 1: members.reverse()
        case 2:
            let extra = Int.random(in: 0..<labelSets.count, using: &random)
            if !members.contains(extra) { members.append(extra) }
        default: break
        }
        if members.isEmpty { members = [0] }
        groups[index].members = members
        step += 1
        let time = nowMs + Int64(step)
        var batch = WriteBatch(origin: .scrape, group: groups[index].group)
        batch.rowTimeMs = time
        for member in members {
            batch.rowRefs.append(try store.resolve(labelSets[member]))
            batch.rowValues.append(value())
        }
        uncertain = StoreModel()
        for (at, member) in members.enumerated() {
            uncertain.add(labelSets[member], time, batch.rowValues[at])
        }
        let report = try store.commit(batch)
        precondition(report.refusedCount == 0, "a row was refused: \(report)")
        acknowledge()
    }

    mutating func commitLoose(_ store: Store, nowMs: TimestampMs) throws {
        var batch = WriteBatch(origin: .backfill(overwrite: true))
        uncertain = StoreModel()
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let member = Int.random(in: 0..<labelSets.count, using: &random)
            let ref = try store.resolve(labelSets[member])
            if batch.refs.contains(ref) { continue }
            // Times far back, near, and the same again.
            var time =
                nowMs - Int64.random(in: 0...5, using: &random) * 1_000_000
                - Int64.random(in: 0...20, using: &random)
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                let sample = value()
                batch.refs.append(ref)
                batch.times.append(time)
                batch.values.append(sample)
                uncertain.add(labelSets[member], time, sample)
                time += Int64.random(in: 1...3, using: &random)
            }
        }
        let report = try store.commit(batch)
        precondition(report.refusedCount == 0, "a back-fill was refused: \(report)")
        acknowledge()
    }

    private mutating func acknowledge() {
        for (labels, samples) in uncertain.series {
            for (time, bits) in samples { model.add(labels, time, Double(bitPattern: bits)) }
        }
        uncertain = StoreModel()
    }

    /// `found` must be the model, with or without samples of the commit that was not acknowledged.
    func accepts(_ found: [LabelSet: [Sample]]) -> Bool {
        if found == model.samples() { return true }
        var both = model
        for (labels, samples) in uncertain.series {
            for (time, bits) in samples { both.add(labels, time, Double(bitPattern: bits)) }
        }
        return found == both.samples()
    }
}
