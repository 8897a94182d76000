import TSQBase
import TSQModel
import Testing

@Suite("Go's regular expressions")
struct GoRegexTests {
    static func message(_ pattern: String) -> String {
        do {
            _ = try GoRegex(pattern)
            return "no error"
        } catch {
            return error.message
        }
    }

    @Test(
        "what Go refuses is refused in Go's words",
        arguments: [
            ("*", "missing argument to repetition operator: `*`"),
            ("a|*", "missing argument to repetition operator: `*`"),
            ("(+)", "missing argument to repetition operator: `+`"),
            ("(abc", "missing closing ): `(abc`"), ("abc)", "unexpected ): `abc)`"),
            ("(a|b))", "unexpected ): `(a|b))`"), ("x[a-z", "missing closing ]: `[a-z`"),
            ("[]", "missing closing ]: `[]`"), ("[z-a]", "invalid character class range: `z-a`"),
            ("abc\\", "trailing backslash at end of expression: ``"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a*+", "invalid nested repetition operator: `*+`"),
            ("a??{2}", "invalid nested repetition operator: `??{2}`"),
            ("\\x", "invalid escape sequence: `\\x`"), ("\\y", "invalid escape sequence: `\\y`"),
            ("\\C", "invalid escape sequence: `\\C`"), ("\\1", "invalid escape sequence: `\\1`"),
            ("\\x{110000}", "invalid escape sequence: `\\x{110000`"),
            ("\\p", "invalid character class range: `\\p`"),
            ("\\pX", "invalid character class range: `\\pX`"),
            ("\\p{Nope}", "invalid character class range: `\\p{Nope}`"),
            ("[[:nope:]]", "invalid character class range: `[:nope:]`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?i-)", "invalid or unsupported Perl syntax: `(?i-)`"),
            ("(?<=a)b", "invalid named capture: `(?<=a)b`"),
            ("(?P<n", "invalid named capture: `(?P<n`"),
            ("(?P<a b>c)", "invalid named capture: `(?P<a b>`"),
            ("(?<>c)", "invalid named capture: `(?<>`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("a{2,1}", "invalid repeat count: `{2,1}`"),
            ("a{99999999999}", "invalid repeat count: `{99999999999}`"),
            ("((a{100}){100})", "invalid repeat count: `{100}`"),
        ])
    func refuses(_ pattern: String, _ reason: String) {
        #expect(Self.message(pattern) == "error parsing regexp: " + reason)
    }

    @Test("the wrapped form shows the pattern as Prometheus compiles it")
    func wrapping() throws {
        #expect(throws: RegexError("error parsing regexp: missing closing ): `^(?s:()$`")) {
            try GoRegex(wrapping: "(")
        }
        let regex = try GoRegex(wrapping: "a|b(c)")
        #expect(regex.matches("bc") && regex.matches("a") && !regex.matches("ac"))
        #expect(regex.groups("bc") == ["bc", "c"])
    }

    @Test(
        "what Go takes matches as in Go",
        arguments: [
            ("a{,2}", "a{,2}", true), ("a{2", "a{2", true), ("a{01}", "a{01}", true),
            ("x{3}", "xxx", true), ("(?<n>a+)b", "aab", true), ("(?P<n>a)", "a", true),
            ("\\Qa.b\\E+", "a.bb", true), ("\\Qa.b", "axb", false), ("[]a]+", "]a", true),
            ("[^]]", "]", false), ("[a-]+", "-a-", true), ("(?i)straße", "STRAßE", true),
            ("(?i)k", "\u{212A}", true), ("(?i:a)b", "AB", false), ("(?i)a(?-i)b", "Ab", true),
            (".", "\n", true), ("(?-s).", "\n", false), ("^a$", "a", true), ("\\Aa\\z", "a", true),
            ("a\\b", "a", true), ("\\x41\\x{1F600}\\101", "A😀A", true), ("\\_\\-\\.", "_-.", true),
            ("[[:alpha:]]+[[:^alpha:]]", "ab1", true), ("\\pL+\\p{Greek}\\PL", "aβ1", true),
            ("a|b|", "", true), ("", "", true), ("", "a", false), ("()", "", true),
            ("é+", "éé", true),
        ])
    func matches(_ pattern: String, _ text: String, _ expected: Bool) throws {
        #expect(try GoRegex(pattern).matches(text) == expected)
        #expect(try LabelMatcher("l", .regex, pattern).matches(text) == expected)
        #expect(try LabelMatcher("l", .notRegex, pattern).matches(text) == !expected)
    }

    @Test(
        "templates expand as Go's Regexp.Expand",
        arguments: [
            ("$1", "x-y", "x"), ("$2-$1", "x-y", "y-x"), ("${1}0", "x-y", "x0"), ("$10", "x-y", ""),
            ("$1x", "x-y", ""), ("$$1", "x-y", "$1"), ("$", "x-y", "$"), ("${", "x-y", "${"),
            ("${1", "x-y", "${1"), ("$-", "x-y", "$-"), ("$0!", "x-y", "x-y!"),
            ("${last}", "x-y", "y"), ("$last", "x-y", "y"), ("$nope", "x-y", ""),
            ("a$é", "x-y", "a"),
        ])
    func expands(_ template: String, _ text: String, _ expected: String) throws {
        let regex = try GoRegex("(.)-(?<last>.)")
        #expect(regex.expand(template: template, matching: text) == expected)
        #expect(regex.expand(template: template, matching: "nothing") == nil)
    }

    @Test("no pattern is too long or too deep to be answered")
    func limits() {
        let deep = String(repeating: "(", count: 2000) + "a" + String(repeating: ")", count: 2000)
        #expect(Self.message(deep).contains("expression nests too deeply"))
        #expect(
            Self.message("(\\pL{1000}|\\pN{1000}|\\pS{1000})").contains("expression too large"))
        #expect(Self.message(String(repeating: "a?", count: 5000)) == "no error")
    }
}
