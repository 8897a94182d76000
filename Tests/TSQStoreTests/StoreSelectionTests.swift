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
}
