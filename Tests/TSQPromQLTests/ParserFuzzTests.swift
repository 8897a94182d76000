import TSQBase
import TSQPromQL
import Testing

@Suite("The parser on damaged texts")
struct ParserFuzzTests {
    private static let pieces = [
        "(", ")", "[", "]", "{", "}", ",", ":", "\"", "'", "`", "\\", "#", "@", "^", "*", "/", "%",
        "+", "-", "<", ">", "=", "!", "~", ".", "_", "0", "9", "0x", "e", "5m", "1y", "ms", "inf",
        "NaN", " ", "\n", "sum", "by", "on", "group_left", "offset", "bool", "rate", "foo", "a.b",
        "step()", "range()", "start()", "min_of(", "anchored", "fill", "fill_left(", "é",
        "\u{FFFD}",
        "\u{0}", "\\xff", "\\u00", "</", ">/", "atan2", "and", "or", "unless", "info(", "__name__",
        "99999999999999999999", "1e308", "292y", "topk(", "count_values(", "[5m:", "=~\"(\"",
    ]

    private static func mutate(_ text: String, _ random: inout SplitMix64) -> String {
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(max(1, count))) }
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<(1 + pick(3)) {
            let at = pick(scalars.count + 1)
            switch pick(4) {
            case 0 where !scalars.isEmpty: scalars.remove(at: min(at, scalars.count - 1))
            case 1: scalars.removeSubrange(at..<min(scalars.count, at + pick(8)))
            case 2:
                let end = min(scalars.count, at + pick(12))
                scalars.insert(contentsOf: scalars[at..<end], at: pick(scalars.count + 1))
            default: scalars.insert(contentsOf: pieces[pick(pieces.count)].unicodeScalars, at: at)
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }

    /// Parses; what parses must print as something that parses to the same.
    private static func check(_ text: String, _ note: String) {
        guard let expression = try? PromQLParser.parse(text, options: .all) else { return }
        let printed = expression.description
        #expect(expression.range.start <= expression.range.end, "\(note): \(text)")
        do {
            let again = try PromQLParser.parse(printed, options: .all)
            #expect(again.description == printed, "\(note): \(text)")
        } catch {
            Issue.record("\(note): \(text) printed as \(printed): \(error.message)")
        }
        _ = expression.prettified()
        _ = RoundTripTests.json(expression)
    }

    @Test("mangled queries are refused or printed faithfully", arguments: [1, 2, 3, 4])
    func mutations(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let seeds = RoundTripTests.samples + ConformanceData.scriptQueries
        for _ in 0..<3000 {
            let text = Self.mutate(seeds[Int(random.next() % UInt64(seeds.count))], &random)
            Self.check(text, "seed \(seed)")
            _ = try? PromQLParser.parseSelector(text)
            _ = try? PromQLParser.parseMetric(text)
        }
    }

    @Test("random heaps of tokens are refused or printed faithfully", arguments: [5, 6])
    func heaps(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<5000 {
            let count = 1 + Int(random.next() % 12)
            let text = (0..<count).map { _ in
                Self.pieces[Int(random.next() % UInt64(Self.pieces.count))]
            }.joined(separator: random.next() % 2 == 0 ? " " : "")
            Self.check(text, "seed \(seed)")
        }
    }

    @Test("every beginning of a query is refused or printed faithfully")
    func prefixes() {
        for query in RoundTripTests.samples {
            for count in 0..<query.unicodeScalars.count {
                let prefix = query.unicodeScalars.prefix(count)
                Self.check(String(String.UnicodeScalarView(prefix)), "prefix")
            }
        }
    }
}
