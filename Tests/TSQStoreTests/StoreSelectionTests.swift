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
}
