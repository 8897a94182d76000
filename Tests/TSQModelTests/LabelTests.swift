import TSQBase
import Testing

@testable import TSQModel

@Suite("Labels")
struct LabelTests {
    @Test("a label set sorts by name bytewise, the last of a name wins, empty values go")
    func canonical() {
        let set = LabelSet([
            Label("b", "1"), Label("a", "2"), Label("b", "3"), Label("c", ""), Label("Z", "4"),
        ])
        #expect(set.labels == [Label("Z", "4"), Label("a", "2"), Label("b", "3")])
        #expect(set.description == #"{Z="4", a="2", b="3"}"#)
    }

    @Test("setting a label keeps the order, setting it empty removes it")
    func setting() {
        var set = LabelSet(["a": "1", "c": "3"])
        set["b"] = "2"
        set["a"] = nil
        set["c"] = ""
        #expect(set.labels == [Label("b", "2")])
        set["__name__"] = "x"
        #expect(set.metricName == "x" && set.labels.map(\.name) == ["__name__", "b"])
    }

    @Test("label order compares names and values bytewise, a prefix first")
    func order() {
        let sorted = [
            LabelSet(["a": "1"]), LabelSet(["a": "1", "b": "1"]), LabelSet(["a": "10"]),
            LabelSet(["a": "2"]), LabelSet(["a": "é"]), LabelSet(["b": "0"]),
        ]
        for (i, a) in sorted.enumerated() {
            for (j, b) in sorted.enumerated() {
                #expect(LabelSet.isOrderedBefore(a, b) == (i < j), "\(a) \(b)")
            }
        }
    }

    @Test("strings that Unicode calls equivalent are different labels")
    func bytewise() {
        let composed = "\u{E9}"
        let decomposed = "e\u{301}"
        #expect(isBytewiseLess(decomposed, composed) && !isBytewiseLess(composed, decomposed))
        #expect(LabelSet(["a": composed]) != LabelSet(["a": decomposed]))
        let table = SymbolTable()
        #expect(table.intern(composed) != table.intern(decomposed))
    }

    @Test("a symbol table gives equal strings equal numbers and the strings back")
    func symbols() {
        let table = SymbolTable()
        var numbers: [String: SymbolID] = [:]
        var random = SplitMix64(seed: 3)
        for _ in 0..<20_000 {
            let text = String(UInt64.random(in: 0..<5000, using: &random), radix: 36)
            let symbol = table.intern(text)
            #expect(numbers[text, default: symbol] == symbol)
            numbers[text] = symbol
        }
        #expect(table.count == numbers.count)
        for (text, symbol) in numbers {
            #expect(table.string(symbol) == text && table.lookup(text) == symbol)
        }
        #expect(table.lookup("not there") == nil)
        let empty = table.intern("")
        #expect(table.string(empty) == "" && table.byteCount(empty) == 0)
        #expect(table.isLess(empty, table.intern("a")) && !table.isLess(empty, empty))
    }

    @Test("a matcher sees a missing label as empty")
    func matchers() throws {
        let labels = LabelSet(["job": "api"])
        #expect(LabelMatcher(equal: "job", "api").matches(labels))
        #expect(try LabelMatcher("zone", .equal, "").matches(labels))
        #expect(try LabelMatcher("zone", .notEqual, "x").matches(labels))
        #expect(try !LabelMatcher("zone", .regex, ".+").matches(labels))
        #expect(try LabelMatcher("zone", .regex, ".*").matches(labels))
        #expect(try !LabelMatcher("job", .notRegex, "a.i").matches(labels))
        #expect(try !LabelMatcher("job", .regex, "a").matches(labels), "anchored")
        #expect(try LabelMatcher("job", .regex, "a.i").matches(LabelSet(["job": "a\ni"])))
    }
}
