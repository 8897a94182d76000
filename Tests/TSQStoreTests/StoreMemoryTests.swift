import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Memory limit, statistics and refusals")
struct StoreMemoryTests {
    private let start: TimestampMs = 1_700_000_000_000

    @Test("beyond the memory limit new series are refused by name, and the old ones live on")
    func limit() throws {
        let events = LineEvents()
        var harness = StoreHarness(nowMs: start)
        harness.options.memoryLimitBytes = 8 << 20
        let store = try Store.open(
            directory: "d", options: harness.options, fileSystem: harness.disk,
            clock: harness.clock, events: events)
        let first = try store.resolve(labels("grow", ["user": "0"]))
        var taken = 1
        var refusal = ""
        do {
            while taken < 200_000 {
                _ = try store.resolve(
                    labels("grow", ["user": "u\(taken)", "job": "j", "instance": "i:\(taken % 7)"]))
                taken += 1
            }
        } catch {
            guard case .seriesLimit(let reason) = error else { throw error }
            refusal = reason
        }
        #expect(taken > 1000 && taken < 100_000)
        #expect(refusal.contains("metric grow") && refusal.contains("label user has"))
        let memory = store.statistics().memory
        #expect(memory.usedBytes <= 4 << 20 && memory.limitBytes == 4 << 20)
        // Known series are found and written as before; many refusals are one line.
        for index in 0..<100 {
            #expect(throws: AppendError.self) { try store.resolve(labels("other\(index)")) }
        }
        #expect(try store.resolve(labels("grow", ["user": "0"])) == first)
        #expect(try store.add(labels("grow", ["user": "0"]), [(start, 1)]).acceptedCount == 1)
        #expect(store.statistics().seriesRefused == 101)
        #expect(events.lines.count { $0.contains("new series are refused") } == 1)
        // Cut to an index segment, labels need no memory any more.
        try store.checkpoint()
        _ = try store.resolve(labels("after"))
    }

    @Test("each part of a limit is a share of it, and a limit of 0 is none")
    func shares() throws {
        let shares = try #require(MemoryShares(limitBytes: 1001))
        #expect(shares.storeBytes + shares.queryBytes + shares.restBytes == 1001)
        #expect(MemoryShares(limitBytes: 0) == nil)
    }

    @Test("the head is cut before it takes more than its share")
    func headShare() throws {
        var harness = StoreHarness(nowMs: start)
        harness.options.memoryLimitBytes = 4 << 20
        harness.options.checkpointLogBytes = 1 << 40
        let store = try harness.open()
        let group = store.openGroup()
        let refs = try (0..<100).map { try store.resolve(labels("m", ["i": "\($0)"])) }
        for step in 0..<3000 {
            harness.clock.advance(byMs: 1000)
            try store.addRow(
                group, start + Int64(step) * 1000, refs.map { ($0, Double(step)) })
            try store.maintain()
            #expect(store.statistics().memory.headBytes <= 1 << 20)
        }
        #expect(store.statistics().checkpoints > 0)
        #expect(
            try store.samples(named: "m")[labels("m", ["i": "7"])]?.count == 3000)
    }

    @Test("refused samples are named in the log: reason, series and number, once a minute")
    func refusals() throws {
        let events = LineEvents()
        let harness = StoreHarness(nowMs: start)
        let store = try Store.open(
            directory: "d", options: harness.options, fileSystem: harness.disk,
            clock: harness.clock, events: events)
        let series = labels("m", ["instance": "web:1"])
        try store.add(series, [(start, 1)], origin: .timestamped)
        for _ in 0..<50 { try store.add(series, [(start, 2)], origin: .timestamped) }
        for _ in 0..<3 {
            try store.add(series, [(start + 3_600_000, 2)], origin: .timestamped)
        }
        func lines() -> [String] { events.lines.filter { $0.contains("samples are refused") } }
        #expect(lines().count == 2)
        #expect(lines().allSatisfy { $0.contains("web:1") })
        #expect(lines().contains { $0.contains("reason=duplicate samples=1 ") })
        harness.clock.advance(byMs: 60_000)
        try store.add(series, [(start, 2)], origin: .timestamped)
        #expect(lines().last?.contains("reason=duplicate samples=50 ") == true)
        #expect(store.statistics().samplesRefused["duplicate"] == 51)
    }
}
