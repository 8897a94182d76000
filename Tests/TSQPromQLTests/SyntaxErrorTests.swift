import TSQPromQL
import Testing

@Suite("Errors of the parser")
struct SyntaxErrorTests {
    @Test("every recorded parse error has Prometheus's text and position")
    func recorded() {
        for item in ConformanceData.apiCases {
            guard let error = item.error, error.contains("parse error: ") else { continue }
            let expected = error.dropFirst("invalid parameter \"query\": ".count)
            #expect(Self.message(item.query ?? "") == expected)
        }
    }

    static func message(_ query: String, _ options: ParseOptions = .all) -> String {
        do {
            return "no error: \(try PromQLParser.parse(query, options: options))"
        } catch {
            return error.message
        }
    }

    @Test(
        "an error has its position and Prometheus's words",
        arguments: [
            ("", "unknown position: parse error: no expression found in input"),
            ("# just a comment\n\n", "1:1: parse error: no expression found in input"),
            ("1+", "1:3: parse error: unexpected end of input"),
            (".", "1:1: parse error: unexpected character: '.'"),
            ("2.5.", "1:1: parse error: bad number or duration syntax: \"2.5.\""),
            ("100..4", "1:1: parse error: bad number or duration syntax: \"100..\""),
            ("0deadbeef", "1:1: parse error: bad number or duration syntax: \"0de\""),
            ("1 /", "1:4: parse error: unexpected end of input"),
            ("*1", "1:1: parse error: unexpected <op:*>"),
            ("(1))", "1:5: parse error: unexpected right parenthesis ')'"),
            ("((1)", "1:5: parse error: unclosed left parenthesis"),
            (
                "999999999999999999999999999999999999999999e999999999",
                "1:1: parse error: error parsing number: strconv.ParseFloat: parsing "
                    + "\"999999999999999999999999999999999999999999e999999999\": value out of range"
            ),
            ("(", "1:2: parse error: unclosed left parenthesis"),
            (
                "1 and 1",
                "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"
            ),
            ("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
            ("1 !~ 1", "1:3: parse error: unexpected character after '!': '~'"),
            ("1 =~ 1", "1:3: parse error: unexpected character after '=': '~'"),
            (
                "-\"string\"",
                "1:1: parse error: unary expression only allowed on expressions of type scalar or "
                    + "instant vector, got \"string\""
            ),
            ("*test", "1:1: parse error: unexpected <op:*>"),
            (
                "1 offset 1d",
                "1:1: parse error: offset modifier must be preceded by an instant vector selector "
                    + "or range vector selector or a subquery"
            ),
            (
                "foo offset 1s offset 2s",
                "1:1: parse error: offset may not be set multiple times"
            ),
            ("a - on(b) ignoring(c) d", "1:11: parse error: unexpected <ignoring>"),
            (
                "foo and 1",
                "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"
            ),
            (
                "foo or on(bar) group_left(baz) bar",
                "1:1: parse error: no grouping allowed for \"or\" operation"
            ),
            (
                "foo + bool bar",
                "1:5: parse error: bool modifier can only be used on comparison operators"
            ),
            (
                "foo == on(bar) 10",
                "1:1: parse error: vector matching only allowed between instant vectors"
            ),
            (
                "foo * on(x) group_left(x) bar",
                "1:5: parse error: label \"x\" must not occur in ON and GROUP clause at once"
            ),
            ("foo{", "1:5: parse error: unexpected end of input inside braces"),
            ("}", "1:1: parse error: unexpected character: '}'"),
            ("some{", "1:6: parse error: unexpected end of input inside braces"),
            (
                "some_metric{a=b}",
                "1:15: parse error: unexpected identifier \"b\" in label matching, expected string"
            ),
            (
                "some_metric{a:b=\"b\"}",
                "1:14: parse error: unexpected character inside braces: ':'"
            ),
            ("foo{a=>\"b\"}", "1:7: parse error: unexpected character inside braces: '>'"),
            (
                "foo{gibberish}",
                "1:14: parse error: unexpected \"}\" in label matching, expected label matching "
                    + "operator"
            ),
            ("foo{1}", "1:5: parse error: unexpected character inside braces: '1'"),
            (
                "foo{a=\"b\" c=\"d\"}",
                "1:11: parse error: unexpected identifier \"c\" in label matching, expected \",\" "
                    + "or \"}\""
            ),
            ("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
            (
                "{x=~\".*\"}",
                "1:1: parse error: vector selector must contain at least one non-empty matcher"
            ),
            (
                "foo{__name__=\"bar\"}",
                "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""
            ),
            ("foo[5mm]", "1:5: parse error: bad number or duration syntax: \"5mm\""),
            ("foo[5m", "1:7: parse error: unclosed left bracket"),
            ("foo[", "1:5: parse error: unexpected end of input in duration expression"),
            (
                "foo[\"5m\"]",
                "1:5: parse error: unexpected character in duration expression: '\"'"
            ),
            (
                "foo[]",
                "1:5: parse error: unexpected \"]\" in subquery or range selector, expected "
                    + "number, duration, step(), or range()"
            ),
            ("foo[0m]", "1:5: parse error: duration must be greater than 0"),
            (
                "foo[5m 5m]",
                "1:8: parse error: unexpected duration \"5m\" in subquery or range, expected "
                    + "\":\" or \"]\""
            ),
            (
                "foo[5m:5m",
                "1:10: parse error: unclosed left bracket"
            ),
            ("foo[5m / 0]", "1:8: parse error: division by zero"),
            ("foo[1h30m % 0s]", "1:11: parse error: modulo by zero"),
            (
                "foo[5m] @ x",
                "1:11: parse error: unexpected identifier \"x\" in @, expected timestamp"
            ),
            (
                "foo offset x",
                "1:12: parse error: unexpected identifier \"x\" in offset, expected number, "
                    + "duration, step(), or range()"
            ),
            ("(foo + bar)[5m]", "1:12: parse error: ranges only allowed for vector selectors"),
            (
                "foo offset 5m[5m]",
                "1:14: parse error: no offset modifiers allowed before range"
            ),
            ("foo @ 5[5m]", "1:8: parse error: no @ modifiers allowed before range"),
            (
                "foo[5m][5m:]",
                "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"
            ),
            ("sum(foo", "1:8: parse error: unclosed left parenthesis"),
            ("sum()", "1:1: parse error: no arguments for aggregate expression provided"),
            (
                "sum(a, b)",
                "1:1: parse error: wrong number of arguments for aggregate expression provided, "
                    + "expected 1, got 2"
            ),
            ("sum foo by (x)", "1:5: parse error: unexpected identifier \"foo\""),
            ("sum(foo bar)", "1:9: parse error: unexpected identifier \"bar\" in aggregation"),
            (
                "sum(foo) by x",
                "1:13: parse error: unexpected identifier \"x\" in grouping opts, expected \"(\""
            ),
            (
                "sum by (x y) (foo)",
                "1:11: parse error: unexpected identifier \"y\" in grouping opts, expected \",\" "
                    + "or \")\""
            ),
            (
                "sum by (5) (foo)",
                "1:9: parse error: unexpected number \"5\" in grouping opts, expected label"
            ),
            (
                "topk(foo)",
                "1:1: parse error: wrong number of arguments for aggregate expression provided, "
                    + "expected 2, got 1"
            ),
            (
                "topk(foo, foo)",
                "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"
            ),
            (
                "count_values(5, foo)",
                "1:14: parse error: expected type string in aggregation parameter, got scalar"
            ),
            ("floor()", "1:1: parse error: expected 1 argument(s) in call to \"floor\", got 0"),
            (
                "hour(a, b, c)",
                "1:1: parse error: expected at most 1 argument(s) in call to \"hour\", got 3"
            ),
            (
                "label_join()",
                "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 0"
            ),
            ("time(foo)", "1:1: parse error: expected 0 argument(s) in call to \"time\", got 1"),
            ("nope(foo)", "1:1: parse error: unknown function with name \"nope\""),
            (
                "rate(foo[5m],)",
                "1:13: parse error: trailing commas not allowed in function call args"
            ),
            (
                "foo{a=~\"(\"}",
                "1:5: parse error: error parsing regexp: missing closing ): `(`"
            ),
            ("'a\\q'", "1:1: parse error: unknown escape sequence U+0071 'q'"),
            ("\"abc", "1:1: parse error: unterminated quoted string"),
            ("a\n+ *b", "2:3: parse error: unexpected <op:*>"),
            (
                "foo @ Inf",
                "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"
            ),
            (
                "1 @ 5",
                "1:1: parse error: @ modifier must be preceded by an instant vector selector or "
                    + "range vector selector or a subquery"
            ),
            (
                "foo anchored smoothed",
                "1:1: parse error: anchored and smoothed modifiers cannot be used together"
            ),
            (
                "foo[5m:] anchored",
                "1:1: parse error: anchored modifier is not supported for subqueries"
            ),
            (
                "info(foo, bar)",
                "1:11: parse error: expected label selectors only, got vector selector instead"
            ),
            (
                "a and fill(0) b",
                "1:1: parse error: filling in missing series not allowed for set operators"
            ),
        ] as [(String, String)])
    func text(_ query: String, _ expected: String) {
        #expect(Self.message(query) == expected)
    }

    @Test(
        "what is experimental is refused by name until it is on",
        arguments: [
            ("foo anchored", "1:1: parse error: anchored modifier is experimental and not enabled"),
            (
                "foo[5m] smoothed",
                "1:1: parse error: smoothed modifier is experimental and not enabled"
            ),
            (
                "a + fill(0) b",
                "1:1: parse error: binop fill modifiers are experimental and not enabled"
            ),
            (
                "limitk(1, foo)",
                "1:1: parse error: limitk() is experimental and must be enabled with "
                    + "--enable-feature=promql-experimental-functions"
            ),
            (
                "sort_by_label(foo, \"a\")",
                "1:1: parse error: function \"sort_by_label\" is not enabled"
            ),
        ] as [(String, String)])
    func experimental(_ query: String, _ expected: String) {
        #expect(Self.message(query, ParseOptions()) == expected)
        #expect(Self.message(query).hasPrefix("no error: "))
    }

    @Test(
        "nesting has a limit, and up to it nothing overflows",
        arguments: [("(", "1", ")"), ("abs(", "x", ")"), ("-", "x", ""), ("1^", "1", "")])
    func nesting(_ open: String, _ inner: String, _ close: String) {
        func query(_ count: Int) -> String {
            String(repeating: open, count: count) + inner + String(repeating: close, count: count)
        }
        #expect(Self.message(query(199)).hasPrefix("no error: "))
        for count in [200, 100_000] {
            #expect(
                Self.message(query(count)).hasSuffix(
                    "expression is nested too deeply (limit 200)"))
        }
    }

    @Test("a chain of operators has a limit, and up to it nothing overflows")
    func chains() {
        let complaint = "expression has too many operators in a row (limit 500)"
        #expect(
            Self.message(String(repeating: "a or ", count: 499) + "b").hasPrefix("no error: "))
        for count in [500, 100_000] {
            #expect(
                Self.message(String(repeating: "a or ", count: count) + "b")
                    .hasSuffix(complaint))
        }
        let duration = "x[" + String(repeating: "1+", count: 100_000) + "1]"
        #expect(Self.message(duration).hasSuffix(complaint))
        let stairs =
            String(repeating: "(", count: 150)
            + "1" + String(repeating: "+1+1+1+1)", count: 150)
        #expect(Self.message(stairs).hasSuffix(complaint))
    }
}
