import TSQBase
import TSQModel
import TSQPromQL
import Testing

@Suite("The parser")
struct ParserTests {
    static func parse(_ query: String) throws -> Expr {
        try PromQLParser.parse(query, options: .all)
    }

    @Test(
        "numbers have Go's values",
        arguments: [
            ("1", 1), ("0x1F", 31), ("0X_1f", 31), ("017", 15), ("08", 8), ("1_000_000", 1e6),
            (".5", 0.5), ("5.", 5), ("1e3", 1000), ("1_0.5", 10.5), ("5m", 300), ("1y", 31_536_000),
            ("1h30m", 5400), ("100ms", 0.1), ("99999999999999999999", 1e20), ("-1", -1),
            ("+-+1", -1),
            ("9223372036854775807", 0x1p63), ("INF", .infinity), ("-inf", -.infinity),
        ] as [(String, Double)])
    func numbers(_ text: String, _ value: Double) throws {
        guard case .number(let literal) = try Self.parse(text) else {
            Issue.record("\(text) is no number")
            return
        }
        #expect(literal.value == value)
        #expect(literal.range == SourceRange(0, text.utf8.count))
    }

    @Test(
        "strings have Go's escapes",
        arguments: [
            ("\"a\\nb\"", "a\nb"), ("'\\''", "'"), ("\"\\u00e9\\U0001F600\"", "é😀"),
            ("\"\\101\\x42\"", "AB"), ("`\\n`", "\\n"), ("'\"'", "\""), ("\"\\xc3\\xa9\"", "é"),
        ])
    func strings(_ text: String, _ value: String) throws {
        guard case .string(let literal) = try Self.parse(text) else {
            Issue.record("\(text) is no string")
            return
        }
        #expect(literal.value == value && literal.invalidBytes == nil)
    }

    @Test("a string of bytes that are no UTF-8 keeps them")
    func invalidBytes() throws {
        guard case .string(let literal) = try Self.parse("\"a\\xc5z\"") else {
            Issue.record("no string")
            return
        }
        #expect(literal.invalidBytes == [0x61, 0xC5, 0x7A])
        #expect(literal.quoted == "\"a\\xc5z\"")
        let selector = try Self.parse(#"m{a!="\xffé\n"}"#)
        #expect(selector.description == #"m{a!="\xffé\n"}"#)
    }

    @Test("all 90 functions are there, each once, with their flags")
    func functions() {
        #expect(FunctionTable.all.count == 90)
        #expect(Set(FunctionTable.all.map(\.name)).count == 90)
        #expect(FunctionTable.all.count { $0.isExperimental } == 17)
        #expect(FunctionTable.find("rate")?.arguments == [.matrix])
        #expect(FunctionTable.find("round")?.variadic == 1)
        #expect(FunctionTable.find("Rate") == nil)
    }

    @Test("operators bind as in Prometheus, shown by parentheses in the tree")
    func precedence() throws {
        func tree(_ expression: Expr) -> String {
            switch expression {
            case .binary(let node):
                "(\(tree(node.left)) \(node.operation.rawValue) \(tree(node.right)))"
            case .unary(let node): "(\(node.isNegation ? "-" : "+")\(tree(node.operand)))"
            default: expression.description
            }
        }
        let cases = [
            ("a + b * c ^ d ^ e", "(a + (b * (c ^ (d ^ e))))"), ("-a ^ b", "(-(a ^ b))"),
            ("-a * b", "((-a) * b)"), ("a - b - c", "((a - b) - c)"),
            ("a or b and c unless d", "(a or ((b and c) unless d))"),
            ("a > b + c == bool d", "((a > (b + c)) == d)"), ("a atan2 b / c", "((a atan2 b) / c)"),
            ("a </ 1 + 2", "(a </ (1 + 2))"), ("a offset 2 ^ 2", "(a offset 2s ^ 2)"),
            ("a offset 1m + b", "(a offset 1m + b)"), ("-a @ 5", "(-a @ 5.000)"),
        ]
        for (query, expected) in cases { #expect(tree(try Self.parse(query)) == expected) }
    }

    @Test("nodes know where they stand in the text")
    func positions() throws {
        guard case .binary(let sum) = try Self.parse("foo{a=\"b\"} offset 5m +  rate(x[5m] @ 3)")
        else {
            Issue.record("no sum")
            return
        }
        #expect(sum.left.range == SourceRange(0, 20))
        #expect(sum.right.range == SourceRange(24, 39))
        guard case .call(let call) = sum.right else { return }
        #expect(call.arguments[0].range == SourceRange(29, 38))
        #expect(try Self.parse("sum(x) by (y)  ").range == SourceRange(0, 13))
        #expect(try Self.parse("(sum(x ) )").range == SourceRange(0, 10))
    }

    @Test("matching is complete after checking")
    func matching() throws {
        func matching(_ query: String) throws -> VectorMatching? {
            guard case .binary(let node) = try Self.parse(query) else { return nil }
            return node.matching
        }
        #expect(try matching("a + 1") == nil)
        #expect(try matching("a and b")?.cardinality == .manyToMany)
        let left = try matching("a * on(x, \"y z\",) group_left(v) fill_right(-2) b")
        #expect(left?.cardinality == .manyToOne && left?.isOn == true)
        #expect(left?.labels == ["x", "y z"] && left?.include == ["v"])
        #expect(left?.fillLeft == nil && left?.fillRight == -2)
        let both = try matching("a + fill(5m) b")
        #expect(both?.fillLeft == 300 && both?.fillRight == 300)
    }

    @Test(
        "durations are worked out with the query's step and range",
        arguments: [
            ("[5m]", 300_000), ("[1.5]", 1500), ("[5m*2]", 600_000), ("[step()+1ms]", 15_001),
            ("[range()/2]", 1_800_000), ("[2^3]", 8000), ("[1h30m % 1h]", 1_800_000),
            ("[min_of(step(), 1s)]", 1000), ("[max_of(step(), 1s)]", 15_000),
            ("[-(5m-10m)]", 300_000), ("[24m+((1.5*2m)+2m)]", 1_740_000),
            ("[(9m30s+30s)*3]", 1_800_000),
        ] as [(String, Int64)])
    func durations(_ text: String, _ ms: Int64) throws {
        let context = DurationContext(stepMs: 15_000, rangeMs: 3_600_000)
        guard case .matrixSelector(let node) = try Self.parse("foo" + text) else {
            Issue.record("no range")
            return
        }
        #expect(try node.length.evaluateMs(in: context, allowsNegative: false) == ms)
    }

    @Test(
        "a duration that cannot be is an error with its place",
        arguments: [
            ("[5m-5m]", "4:9: duration must be greater than 0"),
            ("[1/(step()-15)]", "4:16: division by zero"),
            ("[1 % (range()*0)]", "4:18: modulo by zero"),
            ("[1e9^9]", "4:9: duration is out of range"),
            ("[(0-1)^0.5]", "5:13: duration must be greater than 0"),
        ])
    func badDurations(_ text: String, _ message: String) throws {
        let context = DurationContext(stepMs: 15_000, rangeMs: 3_600_000)
        guard case .matrixSelector(let node) = try Self.parse("foo" + text) else {
            Issue.record("no range")
            return
        }
        do {
            let ms = try node.length.evaluateMs(in: context, allowsNegative: false)
            Issue.record("\(text) is \(ms) ms")
        } catch {
            #expect(error.message == message)
        }
    }

    @Test("offsets may be negative and take one term unless they are in parentheses")
    func offsets() throws {
        let context = DurationContext(stepMs: 5000, rangeMs: 0)
        func offset(_ query: String) throws -> Int64? {
            guard case .vectorSelector(let node) = try Self.parse(query) else { return nil }
            return try node.offset?.evaluateMs(in: context, allowsNegative: true) ?? 0
        }
        #expect(try offset("foo offset -5m") == -300_000)
        #expect(try offset("foo offset (100 + 2)") == 102_000)
        #expect(try offset("foo offset -step()") == -5000)
        #expect(try offset("foo offset (-step()*2)") == -10_000)
        #expect(try offset("foo offset -(min_of(step(), 2s)-5)") == 3000)
        #expect(try offset("foo offset 0") == 0)
        #expect(try offset("foo offset step()+8000") == nil)
    }

    @Test("selectors for match[] are their matchers")
    func selectors() throws {
        let matchers = try PromQLParser.parseSelector("up{job=~\"a|b\",\"x y\"!=\"\"}")
        #expect(
            matchers.map(\.description) == ["job=~\"a|b\"", "\"x y\"!=\"\"", "__name__=\"up\""])
        #expect(try PromQLParser.parseSelector("{\"http.requests\"}")[0].value == "http.requests")
        #expect(try PromQLParser.parseSelectors(["a", "{b=\"c\"}"]).count == 2)
        for text in ["", "a b", "a[5m]", "a + b", "1", "sum(a)"] {
            #expect(throws: PromQLSyntaxError.self, "\(text)") {
                try PromQLParser.parseSelector(text)
            }
        }
    }

    @Test("metrics are label sets")
    func metrics() throws {
        #expect(
            try PromQLParser.parseMetric("foo{b=\"2\", a=\"1\",}")
                == LabelSet(["__name__": "foo", "a": "1", "b": "2"]))
        #expect(
            try PromQLParser.parseMetric("{\"foo.bar\", \"a b\"='1'}")
                == LabelSet(["__name__": "foo.bar", "a b": "1"]))
        #expect(try PromQLParser.parseMetric("{}") == LabelSet([:]))
        #expect(throws: PromQLSyntaxError.self) { try PromQLParser.parseMetric("foo{a=~\"b\"}") }
    }
}
