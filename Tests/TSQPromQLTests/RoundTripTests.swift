import TSQPromQL
import Testing

@Suite("Printing expressions")
struct RoundTripTests {
    static let samples = [
        "1", "-1", "+1 + -2", "1_000", "0x1F", ".5", "5m", "-5m", "1h30m", "Inf", "-Inf", "NaN",
        "\"text\"", "'it\\'s'", "`raw\\n`", "foo", "foo{}", "{foo=\"bar\"}", "{\"foo.bar\"}",
        "{\"foo.bar\", \"a b\"=~\"c.*\"}", "foo{a!=\"\",b!~\"x|y\"}", "foo[5m]",
        "foo[5m] offset 1m", "foo offset -1m", "foo @ 1609746000", "foo @ -1.5 offset 5m",
        "foo @ start()", "foo[5m] @ end()", "foo[5m:]", "foo[5m:1m] @ 5 offset 1h",
        "rate(foo[5m])[30m:1m]", "-foo", "-(foo + 1)", "-1 ^ 2", "2 ^ 3 ^ 2", "(2 ^ 3) ^ 2",
        "a + b * c - d", "a and b or c unless d", "a == bool b", "1 > bool 2",
        "a / on (x, y) group_left (z) b", "a * ignoring (x) group_right b",
        "a * ignoring () group_left b", "a + on () b", "sum(foo)", "sum by (a, b) (foo)",
        "sum(foo) without (a)", "topk by (x) (5, foo)", "count_values(\"v\", foo)",
        "quantile(0.9, foo)", "limit_ratio(-0.5, foo)", "sum by (\"a b\", le) (foo)",
        "a + fill (0) b", "a + fill_left (1) fill_right (2) b", "a / fill_right (-Inf) b",
        "foo anchored", "foo[5m] smoothed", "foo[5m + 1m]", "foo[step() * 2]",
        "foo[max_of(step(), 5m) - 1]", "foo offset (5m * 2)", "foo offset -step()",
        "foo[1h:step() / 2]", "foo[(1 + 2) * 1m % 7s]", "h </ 5", "h >/ 2 + 1",
        "label_replace(foo, \"a\", \"$1\", \"b\", \"(.*)\")", "time()", "start() + end()",
        "min_of(1, 2)", "round(foo)", "info(foo, {a=~\".*\"})", "sum", "offset", "by + on_x",
        "start", "SUM(foo) BY (x)", "foo OFFSET 5m", "sum:rate:5m", "foo # comment\n + bar",
    ]

    @Test("parse, print, parse is the identity", arguments: samples)
    func identity(_ query: String) throws { try Self.check(query) }

    @Test("parse, print, parse is the identity for every query of Prometheus's scripts")
    func scripts() throws {
        for query in ConformanceData.scriptQueries { try Self.check(query) }
        for item in ConformanceData.apiCases where item.status == 200 {
            if let query = item.query { try Self.check(query) }
        }
    }

    /// Trees are compared by their JSON, which has everything but positions. Printing sorts matchers.
    static func check(_ query: String) throws {
        let first: Expr
        do {
            first = try PromQLParser.parse(query, options: .all)
        } catch {
            Issue.record("\(query): \(error.message)")
            return
        }
        let printed = first.description
        let pretty = first.prettified()
        for text in [printed, pretty] {
            do {
                let second = try PromQLParser.parse(text, options: .all)
                #expect(second.description == printed, "\(query)")
                let same =
                    ConformanceData.sortingMatchers(json(second))
                    == ConformanceData.sortingMatchers(json(first))
                #expect(same, "\(query) as \(text)")
            } catch {
                Issue.record("\(query), printed as \(text): \(error.message)")
            }
        }
    }

    static func json(_ expression: Expr) -> String {
        var bytes: [UInt8] = []
        ExprJSON.append(expression, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "an expression prints as Prometheus prints it",
        arguments: [
            (
                "sum(rate(foo{a='b'}[5m]))by(x)/ignoring(y)group_left bar",
                "sum by (x) (rate(foo{a=\"b\"}[5m])) / ignoring (y) group_left () bar"
            ),
            ("foo{b=\"1\",a=\"2\"}", "foo{a=\"2\",b=\"1\"}"),
            ("{__name__=\"foo\"}", "{__name__=\"foo\"}"),
            ("foo[300]", "foo[5m]"), ("foo @ 5", "foo @ 5.000"),
            ("foo offset 5m @ 5", "foo @ 5.000 offset 5m"), ("90m", "1h30m"),
            ("1e10", "10000000000"), ("foo[+5m]", "foo[5m]"), ("foo[((5m+1m))]", "foo[(5m + 1m)]"),
            ("sum by () (foo)", "sum(foo)"), ("without + by", "without + by"),
            ("foo offset 0s", "foo"), ("1 - -1", "1 - -1"), ("+Inf", "+Inf"),
        ])
    func prints(_ query: String, _ expected: String) throws {
        #expect(try PromQLParser.parse(query, options: .all).description == expected)
    }

    @Test("what is longer than 100 bytes is split as Prometheus splits it")
    func splits() throws {
        let query =
            "sum by (instance) (rate(http_requests_total_of_everything{job=\"a long name\"}[5m])) "
            + "/ on (instance) topk(5, max_over_time(capacity_of_everything[1h:5m]))"
        let expected = """
              sum by (instance) (rate(http_requests_total_of_everything{job="a long name"}[5m]))
            / on (instance)
              topk(5, max_over_time(capacity_of_everything[1h:5m]))
            """
        #expect(try PromQLParser.parse(query).prettified() == expected)
    }

    @Test("format_query and parse_query give Prometheus's answers")
    func recorded() throws {
        for item in ConformanceData.apiCases where item.status == 200 {
            guard let query = item.query, let data = item.data else { continue }
            if item.path.hasSuffix("/parse_query") {
                let text = Self.json(try PromQLParser.parse(query, options: .all))
                #expect(
                    text.replacing("\\u003c", with: "<").replacing("\\u003e", with: ">") == data)
            } else if item.path.hasSuffix("/format_query") {
                let text = try PromQLParser.parse(query, options: .all).prettified()
                #expect("\"\(text.replacing("\"", with: "\\\""))\"" == data)
            }
        }
    }
}
