import TSQBase
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("A selection of a store")
struct StoreSelectionTests {
    @Test(
        "reads the same however few chunks may be kept, in any order and outside of its range",
        arguments: [0, 1, 2, 3, 4, 7, 1000])
    func windows(chunksMax: Int) throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let group = store.openGroup()
        let refs = try (0..<5).map { try store.resolve(labels("m", ["i": "\(9 - $0)"])) }
        let start = harness.clock.nowMs()
        var times: [TimestampMs] = []
        // Three blocks and open rows.
        for step in 0..<24 {
            let time = start + Int64(step) * 1000
            try store.addRow(
                group, time, refs.map { ($0, Double(time - start) + Double($0.rawValue)) })
            times.append(time)
            if step % 7 == 6 { try store.checkpoint() }
        }
        #expect(store.statistics().blockCount == 3)
        // The second block is the first that overlaps the range.
        let fromMs = times[8]
        let selection = try store.select(
            SelectRequest(
                matchers: [LabelMatcher(equal: "__name__", "m")], fromMs: fromMs, toMs: .max),
            symbols: SymbolTable())
        try #require(selection as? StoreSelection).chunksMax = chunksMax
        #expect(selection.count == 5)
        var columns = SampleColumns()
        for index in [0, 1, 2, 3, 4, 4, 2, 0, 3, 1] {
            for first in [9, 0, 16] {
                try selection.read(
                    index, fromMs: times[first] - 1, toMs: times[22], into: &columns)
                let expected = Array(times[first...22])
                #expect(columns.times == expected)
                let ref = Double(refs[4 - index].rawValue)
                #expect(columns.values == expected.map { Double($0 - start) + ref })
                #expect(columns.timesID != 0)
            }
        }
    }

    /// A fork on its way to another thread.
    private struct Fork: @unchecked Sendable {
        // Safe to send because: the thread that gets it is the only one to use it.
        let selection: any SeriesSelection
    }

    @Test("forks read on threads of their own what the selection reads")
    func forks() async throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let group = store.openGroup()
        let refs = try (0..<300).map { try store.resolve(labels("m", ["i": "\(1000 + $0)"])) }
        let start = harness.clock.nowMs()
        for step in 0..<24 {
            let time = start + Int64(step) * 1000
            try store.addRow(group, time, refs.map { ($0, Double(step) + Double($0.rawValue)) })
            if step % 7 == 6 { try store.checkpoint() }
        }
        let selection = try store.select(
            SelectRequest(
                matchers: [LabelMatcher(equal: "__name__", "m")], fromMs: .min, toMs: .max),
            symbols: SymbolTable())
        var columns = SampleColumns()
        var expected: [[Double]] = []
        for index in 0..<selection.count {
            try selection.read(index, fromMs: start + 2000, toMs: .max, into: &columns)
            expected.append(columns.values)
            #expect(columns.values.count == 21)
        }
        let all = expected
        let forks = (0..<3).map { _ in Fork(selection: selection.fork()) }
        await withTaskGroup(of: Bool.self) { tasks in
            for (number, fork) in forks.enumerated() {
                tasks.addTask {
                    var columns = SampleColumns()
                    return stride(from: number, to: all.count, by: 1).allSatisfy { index in
                        do {
                            try fork.selection.read(
                                index, fromMs: start + 2000, toMs: .max, into: &columns)
                            return columns.values == all[index]
                        } catch {
                            return false
                        }
                    }
                }
            }
            for await isEqual in tasks { #expect(isEqual) }
        }
    }

    /// Rows of two groups with gaps, loose and late samples, over blocks and the head.
    private func fill(_ store: Store, _ clock: SimClock, seed: UInt64) throws -> TimestampMs {
        var random = SplitMix64(seed: seed)
        let groups = [store.openGroup(), store.openGroup()]
        let refs = try (0..<80).map { try store.resolve(labels("m", ["i": "\($0)"])) }
        let start = clock.nowMs() - 100_000
        for step in 0..<90 {
            for group in 0..<2 {
                let members = refs[(group * 40)..<(group * 40 + 40)]
                let isShort = random.next() % 9 == 0
                let time = start + Int64(step) * 1000 + Int64(group) * 13
                try store.addRow(
                    groups[group], time,
                    members.dropLast(isShort ? 2 : 0).map {
                        ($0, Double(random.next() % 1000) / ($0.rawValue % 3 == 0 ? 7 : 1))
                    })
            }
            if random.next() % 12 == 0 {
                let late = start + Int64(step) * 1000 - Int64(random.next() % 9000) - 501
                try store.add(labels("m", ["i": "4"]), [(late, 0.5)])
            }
            if random.next() % 17 == 0 { try store.checkpoint() }
        }
        return start
    }

    @Test("reads the same samples as the plain form", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func aligned(seed: UInt64) throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let start = try fill(store, harness.clock, seed: seed)
        var random = SplitMix64(seed: seed)
        var alignedCount = 0
        for _ in 0..<6 {
            let fromMs = start + Int64(random.next() % 90_000) - 3000
            let toMs = fromMs + Int64(random.next() % 60_000)
            let request = SelectRequest(
                matchers: [LabelMatcher(equal: "__name__", "m")], fromMs: fromMs, toMs: toMs)
            let fast = try store.select(request, symbols: SymbolTable())
            let plain = try store.select(request, symbols: SymbolTable())
            try #require(plain as? StoreSelection).wantsPlainReads = true
            // Never asked for all: only the chunks of the newest samples are looked up.
            let newest = try store.select(request, symbols: SymbolTable())
            try #require(newest as? StoreSelection).chunksMax = [40, 1000][Int(random.next() % 2)]
            try #require(newest as? StoreSelection).wantsPlainReads = random.next() % 3 == 0
            let leastMs = fromMs + Int64(random.next() % 60_000)
            #expect(fast.labels.ends == plain.labels.ends)
            var (a, b) = (SampleColumns(), SampleColumns())
            var timesOf: [UInt64: [TimestampMs]] = [:]
            for index in 0..<fast.count {
                try fast.read(index, fromMs: fromMs, toMs: toMs, into: &a)
                try plain.read(index, fromMs: fromMs, toMs: toMs, into: &b)
                #expect(a.times == b.times)
                #expect(a.values.map(\.bitPattern) == b.values.map(\.bitPattern))
                if a.timesID != 0 {
                    alignedCount += 1
                    #expect(timesOf[a.timesID] ?? a.times == a.times)
                    timesOf[a.timesID] = a.times
                }
                for (selection, leastMs) in [(fast, fromMs), (newest, leastMs)] {
                    let newestAtMs = min(toMs, leastMs + Int64(random.next() % 40_000))
                    try selection.read(
                        index, fromMs: fromMs, newestAtMs: newestAtMs, toMs: toMs, into: &a)
                    expectNewest(a, newestAtMs, of: b)
                }
            }
        }
        #expect(alignedCount > 20)
    }

    /// Of what is old only the newest sample has to be there.
    private func expectNewest(
        _ a: SampleColumns, _ newestAtMs: TimestampMs, of b: SampleColumns
    ) {
        let all = zip(b.times, b.values).map { Sample($0, $1) }
        let some = zip(a.times, a.values).map { Sample($0, $1) }
        let needed = Array(
            all.filter { $0.timeMs <= newestAtMs }.suffix(1)
                + all.filter { $0.timeMs > newestAtMs })
        #expect(some.suffix(needed.count).elementsEqual(needed))
        #expect(some.allSatisfy(all.contains))
    }
}
