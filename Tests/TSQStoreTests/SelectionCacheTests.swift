import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Selections that are kept")
struct SelectionCacheTests {
    private let harness = StoreHarness()

    private func fill(_ store: Store, _ names: [String]) throws {
        let group = store.openGroup()
        let refs = try names.map { try store.resolve(labels("m", ["i": $0])) }
        try store.addRow(group, harness.clock.nowMs(), refs.map { ($0, 1) })
    }

    /// What `matchers` select, as text.
    private func select(
        _ store: Store, _ matchers: [LabelMatcher], _ symbols: SymbolTable = SymbolTable()
    ) throws -> [String] {
        let selection = try store.select(
            SelectRequest(matchers: matchers, fromMs: .min, toMs: .max), symbols: symbols)
        return (0..<selection.count).map {
            selection.labels.labelSet($0, symbols).description
        }
    }

    private let all = [LabelMatcher(equal: "__name__", "m")]

    @Test("a series that comes later is among them, before and after a checkpoint")
    func newSeries() throws {
        let store = try harness.open()
        try fill(store, ["b", "c"])
        let before = [#"{__name__="m", i="b"}"#, #"{__name__="m", i="c"}"#]
        #expect(try select(store, all) == before)
        #expect(try select(store, all) == before)
        try fill(store, ["a"])
        #expect(try select(store, all) == [#"{__name__="m", i="a"}"#] + before)
        try store.checkpoint()
        #expect(try select(store, all) == [#"{__name__="m", i="a"}"#] + before)
        try fill(store, ["d"])
        #expect(try select(store, all).count == 4)
    }

    @Test("the labels are right in a table that has other symbols, or the same ones, already")
    func symbols() throws {
        let store = try harness.open()
        try fill(store, ["b", "c"])
        let first = SymbolTable()
        _ = first.intern("i")
        let expected = try select(store, all, first)
        for known in [[], ["i"], ["c", "__name__", "x"], ["i", "q"]] {
            let table = SymbolTable()
            for text in known { _ = table.intern(text) }
            #expect(try select(store, all, table) == expected)
            for (number, text) in known.enumerated() {
                #expect(table.string(SymbolID(UInt32(number))) == text)
            }
        }
    }

    @Test("only those asked for last are kept, and no large ones")
    func bounds() throws {
        let store = try harness.open()
        try fill(store, (0..<300).map { "\($0)" })
        for number in 0..<(SelectionCache.countMax * 2) {
            #expect(try select(store, all + [LabelMatcher(equal: "i", "\(number)")]).count == 1)
        }
        let kept = store.registry.withLock { $0.selections }
        #expect(kept.count == SelectionCache.countMax)
        #expect(kept.byteCount > 0 && kept.byteCount <= SelectionCache.bytesMax)
        let before = kept.byteCount
        var large = SelectedRefs(labels: SeriesLabels(), refs: [], order: [])
        large.refs = [UInt32](repeating: 0, count: SelectionCache.entryBytesMax / 4)
        let revision = store.registry.withLock { $0.revision }
        kept.keep(large, of: [LabelMatcher(equal: "a", "large")], revision, SymbolTable())
        #expect(kept.byteCount == before)
        try fill(store, ["new"])
        _ = try select(store, all)
        #expect(kept.count == 1)
    }
}
