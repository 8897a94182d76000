import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// More with TSQ_SEEDS=1000.
private let seedCount = getenv("TSQ_SEEDS").flatMap { Int(String(cString: $0)) } ?? 8

/// What is visible, and what each deletion hid of it.
private struct VisibleModel {
    var samples: [LabelSet: [TimestampMs: Double]] = [:]
    var hidden: [UInt64: [LabelSet: [TimestampMs: Double]]] = [:]
    /// What else each would hide.
    private var ranges: [UInt64: (name: String, fromMs: TimestampMs, toMs: TimestampMs)] = [:]

    mutating func add(_ labels: LabelSet, _ timeMs: TimestampMs, _ value: Double) {
        samples[labels, default: [:]][timeMs] = value
    }

    mutating func delete(
        _ id: UInt64?, _ fromMs: TimestampMs, _ toMs: TimestampMs, _ label: String,
        _ name: String
    ) -> Int {
        var count = 0
        if let id { ranges[id] = (name, fromMs, toMs) }
        for (labels, series) in samples where labels[label] == name {
            for (time, value) in series where time >= fromMs && time <= toMs {
                count += 1
                guard let id else { continue }
                hidden[id, default: [:]][labels, default: [:]][time] = value
                samples[labels]?[time] = nil
            }
        }
        return count
    }

    /// What was written again since counts; a later deletion hides what was hidden when it was made
    /// as well.
    mutating func undo(_ id: UInt64) {
        let mine = hidden.removeValue(forKey: id) ?? [:]
        for (labels, series) in mine {
            for (time, value) in series {
                let later = hidden.keys.filter { other in
                    guard other > id, let range = ranges[other] else { return false }
                    return range.name == labels["__name__"] && time >= range.fromMs
                        && time <= range.toMs && refs(of: other).contains(labels)
                }.min()
                if let later {
                    if hidden[later]?[labels]?[time] == nil {
                        hidden[later]?[labels, default: [:]][time] = value
                    }
                } else if samples[labels]?[time] == nil {
                    samples[labels, default: [:]][time] = value
                }
            }
        }
    }

    /// The series that a deletion hides samples of.
    private func refs(of id: UInt64) -> Set<LabelSet> { Set((hidden[id] ?? [:]).keys) }

    var table: [LabelSet: [Sample]] {
        samples.compactMapValues { series in
            series.isEmpty
                ? nil : series.sorted { $0.key < $1.key }.map { Sample($0.key, $0.value) }
        }
    }
}

@Suite("Deletions, snapshots and merges at random")
struct StoreFeatureRandomTests {
    private func everything(_ source: some SeriesSource) throws -> [LabelSet: [Sample]] {
        try source.samples([try LabelMatcher("__name__", .regex, "m.*")])
    }

    @Test(
        "a store shows what a dictionary has, whatever is deleted, undone, merged and written again",
        arguments: 0..<seedCount)
    func model(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed) &+ 9000)
        func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
        var harness = StoreHarness(seed: UInt64(seed))
        harness.options.blockRangeMs = 3_600_000
        harness.options.deletionUndoMs = 400_000
        harness.options.reserveBytes = 3000
        let all = (0..<12).map { labels("m\($0 % 3)", ["i": "\($0)"]) }
        var model = VisibleModel()
        var store = try harness.open()
        var refs: [LabelSet: SeriesRef] = [:]
        for step in 0..<200 {
            harness.clock.advance(byMs: Int64(below(20_000)))
            let now = harness.clock.nowMs()
            switch below(20) {
            case 0..<8:
                let series = all[below(all.count)]
                var time = now - Int64(below(3)) * 2_000_000
                let ref = try refs[series] ?? store.resolve(series)
                refs[series] = ref
                var batch = WriteBatch(origin: .backfill(overwrite: true))
                for _ in 0..<(1 + below(20)) {
                    let value = Double(below(1000)) / 8
                    batch.refs.append(ref)
                    batch.times.append(time)
                    batch.values.append(value)
                    model.add(series, time, value)
                    time += Int64(1 + below(2000))
                }
                let report = try store.commit(batch)
                #expect(report.refusedCount == 0, "step \(step)")
            case 8, 9: try store.checkpoint()
            case 10: while try store.mergeBlocks() {}
            case 11, 12:
                let name = "m\(below(3))"
                let from = now - Int64(below(5_000_000))
                let to = from + Int64(below(3_000_000))
                let matching = [[LabelMatcher(equal: "__name__", name)]]
                let isDry = below(4) == 0
                let report = try store.deleteSeries(
                    matching: matching, fromMs: from, toMs: to, dryRun: isDry)
                let count = model.delete(
                    isDry ? nil : report.id, from, to, "__name__", name)
                #expect(Int(report.sampleCount) == count, "step \(step)")
                #expect((report.id != nil) == (!isDry && count > 0), "step \(step)")
            case 13:
                let list = store.deletions()
                if list.isEmpty { break }
                let id = list[below(list.count)].id
                try store.undoDeletion(id)
                model.undo(id)
            case 14:
                try store.compactDeletions()
                #expect(store.deletions().isEmpty)
            case 15:
                try store.maintain()
            case 16:
                let path = try store.snapshot(name: "s\(step)")
                let reader = try Store.openReadOnly(directory: path, fileSystem: harness.disk)
                let isRight = try everything(reader) == model.table
                #expect(isRight, "step \(step): the snapshot")
                let report = try Store.verify(directory: path, fileSystem: harness.disk)
                #expect(report.problems == [], "step \(step): the snapshot")
            case 17:
                if below(2) == 0 { harness.disk.kill() } else { try store.close() }
                store = try harness.open()
                refs = [:]
            case 18:
                let reader = try harness.openReadOnly()
                let isRight = try everything(reader) == model.table
                #expect(isRight, "step \(step): a reader")
                let report = try Store.verify(directory: "d", fileSystem: harness.disk)
                #expect(report.problems == [], "step \(step)")
            default:
                store._checkInvariants()
                let isRight = try everything(store) == model.table
                #expect(isRight, "step \(step)")
                let names = try store.labelValues(
                    "i", matching: [], fromMs: .min, toMs: .max)
                let expected = Set(model.table.keys.compactMap { $0["i"] })
                #expect(expected.isSubset(of: names), "step \(step)")
            }
            // A deletion that was given back cannot be undone.
            let left = Set(store.deletions().map(\.id))
            model.hidden = model.hidden.filter { left.contains($0.key) }
        }
        #expect(try everything(store) == model.table)
    }

    @Test("kills and full disks in any call cost nothing acknowledged", arguments: 0..<seedCount)
    func faults(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed) &+ 12_000)
        func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
        var harness = StoreHarness(seed: UInt64(seed))
        harness.options.reserveBytes = 3000
        harness.options.deletionUndoMs = 100_000
        var model = VisibleModel()
        var uncertain = false
        let series = (0..<6).map { labels("m", ["i": "\($0)"]) }
        for life in 0..<8 {
            harness.disk.clearFaults()
            harness.disk.kill()
            harness.disk.limit(toBytes: nil)
            var store = try harness.open()
            let found = try everything(store)
            if uncertain {
                // A commit or deletion that was cut off is there or not, as a whole: take it over.
                model = VisibleModel()
                for (labels, samples) in found {
                    for sample in samples {
                        model.add(labels, sample.timeMs, Double(bitPattern: sample.bits))
                    }
                }
                uncertain = false
            }
            let isRight = found == model.table
            #expect(isRight, "seed \(seed), life \(life)")
            if below(2) == 0 {
                harness.disk.plan(.kills, atCall: harness.disk.callCount + 1 + below(300))
            } else {
                harness.disk.limit(toBytes: harness.disk.usedBytes + below(6000))
            }
            for _ in 0..<60 {
                harness.clock.advance(byMs: 5000)
                do {
                    switch below(12) {
                    case 0: try store.checkpoint()
                    case 1, 2: try store.maintain()
                    case 3:
                        let from = harness.clock.nowMs() - Int64(below(200_000))
                        let name = "\(below(6))"
                        let report = try store.deleteSeries(
                            matching: [[LabelMatcher(equal: "i", name)]], fromMs: from)
                        _ = model.delete(report.id, from, .max, "i", name)
                    case 4: try store.compactDeletions()
                    default:
                        let now = harness.clock.nowMs()
                        let labels = series[below(6)]
                        let samples = (0..<10).map { (now + Int64($0), Double(below(100))) }
                        try store.add(labels, samples)
                        for (time, value) in samples { model.add(labels, time, value) }
                    }
                } catch {
                    if harness.disk.isDead {
                        uncertain = true
                        break
                    }
                }
            }
            if !harness.disk.isDead {
                harness.disk.clearFaults()
                let isRight = try everything(store) == model.table
                #expect(isRight, "seed \(seed), life \(life), while it runs")
                harness.disk.limit(toBytes: nil)
                try store.maintain()
                #expect(store.readOnlyReason == nil, "seed \(seed), life \(life)")
                try store.add(series[0], [(harness.clock.nowMs() + 100, 1)])
                model.add(series[0], harness.clock.nowMs() + 100, 1)
                try store.close()
                store = try harness.open()
                let report = try Store.verify(directory: "d", fileSystem: harness.disk)
                #expect(report.problems == [], "seed \(seed), life \(life)")
            }
        }
    }
}
