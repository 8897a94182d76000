import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Store")
struct StoreTests {
    @Test("what was committed in rows and loose is read back")
    func readsBack() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let group = store.openGroup()
        let a = try store.resolve(labels("up", ["job": "a"]))
        let b = try store.resolve(labels("up", ["job": "b"]))
        let start = harness.clock.nowMs()
        for step in 0..<10 {
            try store.addRow(
                group, start + Int64(step) * 1000, [(a, Double(step)), (b, Double(-step))])
        }
        try store.add(labels("loose"), [(1000, 1.5), (2000, .nan)])
        let up = try store.samples(named: "up")
        #expect(up.count == 2)
        #expect(
            up[labels("up", ["job": "b"])]
                == (0..<10).map { Sample(start + Int64($0) * 1000, Double(-$0)) })
        #expect(
            try store.samples(named: "loose")[labels("loose")]
                == [Sample(1000, 1.5), Sample(2000, .nan)])
        store._checkInvariants()
    }

    @Test("ranges are open on the left and closed on the right")
    func bounds() throws {
        let store = try StoreHarness().open()
        try store.add(labels("x"), [(1000, 1), (2000, 2), (3000, 3)])
        let found = try store.samples(named: "x", fromMs: 1000, toMs: 3000)
        #expect(found[labels("x")] == [Sample(2000, 2), Sample(3000, 3)])
        #expect(try store.samples(named: "x", fromMs: 3000, toMs: 9000).isEmpty)
    }

    @Test("series come in label order with equal times identified", arguments: [false, true])
    func timesIdentity(checkpointed: Bool) throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let group = store.openGroup()
        let refs = try (0..<5).map { try store.resolve(labels("m", ["i": "\(9 - $0)"])) }
        let start = harness.clock.nowMs()
        for step in 0..<7 {
            try store.addRow(
                group, start + Int64(step), refs.map { ($0, Double($0.rawValue)) })
        }
        if checkpointed { try store.checkpoint() }
        let symbols = SymbolTable()
        let selection = try store.select(
            SelectRequest(
                matchers: [LabelMatcher(equal: "__name__", "m")], fromMs: 0, toMs: .max),
            symbols: symbols)
        let names = (0..<selection.count).map { selection.labels.labelSet($0, symbols)["i"] }
        #expect(names == ["5", "6", "7", "8", "9"])
        var columns = SampleColumns()
        var identities: Set<UInt64> = []
        for index in 0..<selection.count {
            try selection.read(index, fromMs: start, toMs: start + 5, into: &columns)
            #expect(columns.times == (1...5).map { start + Int64($0) })
            identities.insert(columns.timesID)
        }
        #expect(identities.count == 1 && !identities.contains(0))
        try selection.read(0, fromMs: start, toMs: start + 4, into: &columns)
        #expect(!identities.contains(columns.timesID))
    }

    @Test("a group's series may come, go and change their order", arguments: [false, true])
    func changingGroup(checkpointed: Bool) throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let group = store.openGroup()
        let refs = try (0..<6).map { try store.resolve(labels("m", ["i": "\($0)"])) }
        let start = harness.clock.nowMs()
        let rows: [[Int]] = [
            [0, 1, 2, 3], [0, 1, 2, 3], [3, 2, 1, 0], [0, 1, 3], [0, 1, 3, 4], [5, 4, 3, 1, 0],
            [2, 5], [2, 5], [0, 1, 2, 3, 4, 5],
        ]
        var expected = [[Sample]](repeating: [], count: 6)
        for (step, row) in rows.enumerated() {
            let time = start + Int64(step) * 1000
            let report = try store.addRow(
                group, time, row.map { (refs[$0], Double(step * 10 + $0)) })
            #expect(report.acceptedCount == row.count)
            for series in row { expected[series].append(Sample(time, Double(step * 10 + series))) }
            if checkpointed && step % 4 == 3 { try store.checkpoint() }
            store._checkInvariants()
        }
        let found = try store.samples(named: "m")
        for series in 0..<6 {
            #expect(found[labels("m", ["i": "\(series)"])] == expected[series])
        }
    }

    @Test("what is refused, and what silently is not, follows the table of origins")
    func acceptance() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let now = harness.clock.nowMs()
        let x = labels("x")
        func reasons(
            _ time: TimestampMs, _ value: Double, _ origin: WriteOrigin
        ) throws -> [RefusalReason] {
            try store.add(x, [(time, value)], origin: origin).refusals.map(\.reason)
        }
        #expect(try reasons(now, 1, .scrape) == [])
        #expect(try reasons(now - 1000, 1, .scrape) == [.outOfOrder])
        #expect(try reasons(now, 1, .timestamped) == [])
        #expect(try reasons(now, 2, .timestamped) == [.duplicate])
        #expect(try reasons(now - 3_600_000, 3, .timestamped) == [])
        #expect(try reasons(now - 3_600_001, 3, .timestamped) == [.outOfOrder])
        #expect(try reasons(now - 9_999_999, 4, .backfill(overwrite: false)) == [])
        #expect(try reasons(now - 9_999_999, 4, .backfill(overwrite: false)) == [])
        #expect(try reasons(now - 9_999_999, 5, .backfill(overwrite: false)) == [.duplicate])
        #expect(try reasons(now - 9_999_999, 6, .backfill(overwrite: true)) == [])
        #expect(try reasons(now + 600_000, 7, .scrape) == [])
        #expect(try reasons(now + 600_001, 7, .backfill(overwrite: true)) == [.future])
        #expect(
            try store.samples(named: "x")[x]
                == [
                    Sample(now - 9_999_999, 6), Sample(now - 3_600_000, 3), Sample(now, 1),
                    Sample(now + 600_000, 7),
                ])
        let refused = store.statistics().samplesRefused
        #expect(refused == ["out_of_order": 2, "duplicate": 2, "future": 1])
    }

    @Test("a second writer is refused with a clear message; a reader is not")
    func lock() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        #expect(throws: StoreError.self) { try harness.open() }
        do {
            _ = try harness.open()
        } catch {
            #expect(error.message.contains("is in use"))
        }
        try store.add(labels("x"), [(1, 1)])
        let reader = try harness.openReadOnly()
        #expect(try reader.samples(named: "x").count == 1)
        try store.add(labels("y"), [(1, 1)])
        #expect(try reader.samples(named: "y").isEmpty)
        try reader.refresh()
        #expect(try reader.samples(named: "y").count == 1)
        try store.close()
        _ = try harness.open()
    }

    @Test("two groups that write the same series lose nothing")
    func sharedSeries() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let (g, h) = (store.openGroup(), store.openGroup())
        let refs = try (0..<3).map { try store.resolve(labels("m", ["i": "\($0)"])) }
        let start = harness.clock.nowMs()
        for step in 0..<6 {
            let time = start + Int64(step) * 1000
            try store.addRow(g, time, [(refs[0], Double(step)), (refs[1], 1)])
            let report = try store.addRow(h, time + 500, [(refs[1], 2), (refs[2], Double(step))])
            #expect(report.refusedCount == 0)
            store._checkInvariants()
        }
        let found = try store.samples(named: "m")
        #expect(found[labels("m", ["i": "0"])]?.count == 6)
        #expect(found[labels("m", ["i": "1"])]?.count == 12)
        #expect(found[labels("m", ["i": "2"])]?.count == 6)
    }

    @Test("the private bits of absent cells are stored like any value")
    func absentBits() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let group = store.openGroup()
        let ref = try store.resolve(labels("m"))
        let odd = Double(bitPattern: 0x7FF4_7B5D_A1C3_9E06)
        let start = harness.clock.nowMs()
        try store.addRow(group, start, [(ref, 1)])
        try store.addRow(group, start + 1, [(ref, odd)])
        try store.addRow(group, start + 2, [(ref, 2)])
        #expect(
            try store.samples(named: "m")[labels("m")]
                == [Sample(start, 1), Sample(start + 1, odd), Sample(start + 2, 2)])
    }

    @Test("a writer that follows the log sees each batch once, without what was refused")
    func logReader() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let group = store.openGroup()
        let a = try store.resolve(labels("a"))
        let b = try store.resolve(labels("b"))
        let start = harness.clock.nowMs()
        var position = store.endPosition()
        try store.addRow(group, start, [(a, 1), (b, 2)])
        try store.addRow(group, start + 1, [(b, 3)])
        try store.add(labels("a"), [(start, 9), (start + 5, 4)], origin: .timestamped)
        var seen: [[String]] = []
        while true {
            let next = try store.read(from: position, batchesMax: 1) { batch in
                var texts: [String] = []
                for index in batch.rowRefs.indices {
                    let name = store.labels(of: batch.rowRefs[index])?.metricName ?? ""
                    texts.append("\(name)@\(batch.rowTimeMs - start)=\(batch.rowValues[index])")
                }
                for index in batch.refs.indices {
                    let name = store.labels(of: batch.refs[index])?.metricName ?? ""
                    texts.append("\(name)@\(batch.times[index] - start)=\(batch.values[index])")
                }
                seen.append(texts)
            }
            if next == position { break }
            position = next
        }
        #expect(seen == [["a@0=1.0", "b@0=2.0"], ["b@1=3.0"], ["a@5=4.0"]])
        #expect(position == store.endPosition())
    }

    @Test("exemplars are found by series and time")
    func exemplars() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let ref = try store.resolve(labels("m"))
        var batch = WriteBatch(origin: .scrape)
        let trace = Exemplar(labels: LabelSet(["trace": "1"]), value: 3, timeMs: 1000)
        batch.exemplars = [(ref, trace)]
        _ = try store.commit(batch)
        let found = try store.exemplars(matching: [], fromMs: 0, toMs: 2000)
        #expect(found.count == 1 && found.first?.exemplars == [trace])
        #expect(try store.exemplars(matching: [], fromMs: 1001, toMs: 2000).isEmpty)
        try store.close()
        let again = try harness.open()
        #expect(try again.exemplars(matching: [], fromMs: 0, toMs: 2000).count == 1)
    }
}
