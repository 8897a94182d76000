import TSQBase
import TSQModel
import Testing

@Suite("Label matchers")
struct LabelMatcherTests {
    @Test(
        "a pattern that means a few values says which",
        arguments: [
            ("foo", ["foo"]), ("foo|bar", ["bar", "foo"]),
            ("a(b|c)d?", ["ab", "abd", "ac", "acd"]),
            ("web-[1-3]", ["web-1", "web-2", "web-3"]), ("^(a|b)$", ["a", "b"]), ("", [""]),
            ("a|", ["", "a"]), ("[ba]{2}", ["aa", "ab", "ba", "bb"]), ("\\d", nil2("0123456789")),
            ("(?i)12", ["12"]), ("foo\\.bar", ["foo.bar"]), ("é|e", ["e", "é"]),
        ] as [(String, [String]?)])
    func lists(_ pattern: String, _ values: [String]?) throws {
        #expect(try LabelMatcher("l", .regex, pattern).setMatches == values)
        #expect(try LabelMatcher("l", .notRegex, pattern).setMatches == values)
    }

    private static func nil2(_ text: String) -> [String]? { text.map(String.init) }

    @Test(
        "a pattern that means many values lists none",
        arguments: [
            "foo.*", "(?i)foo", ".+", "[^a]", "[a-z]{2}", "\\pL", "a*", "\\ba", "[0-9]{3}",
            "(?i)[a-c]",
        ])
    func listsNone(_ pattern: String) throws {
        #expect(try LabelMatcher("l", .regex, pattern).setMatches == nil)
    }

    @Test(
        "a pattern says what its values begin with",
        arguments: [
            ("foo.*", "foo"), ("foo.+bar", "foo"), ("foo(a|b).*", "foo"), ("(fooa|foob).*", "foo"),
            ("foo+.*", "foo"), ("(?i)foo.*", nil), ("12(?i)foo.*", "12"), (".*foo", nil),
            ("foo", "foo"), ("fo(?i)o.*", "fo"), ("^foo.*$", "foo"), ("fo{2}.*x", "fo"),
            ("a?b.*", nil),
        ] as [(String, String?)])
    func prefixes(_ pattern: String, _ prefix: String?) throws {
        #expect(try LabelMatcher("l", .regex, pattern).prefix == prefix)
    }

    /// Random patterns over a small alphabet.
    private static func pattern(_ random: inout SplitMix64, depth: Int = 0) -> String {
        let atoms = [
            "a", "b", "ab", ".", ".*", ".+", "[ab]", "[^a]", "é", "\\.", "^", "$", "(?i)A", "",
            "a?",
        ]
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        if depth > 3 { return atoms[pick(atoms.count)] }
        switch pick(8) {
        case 0, 1, 2: return atoms[pick(atoms.count)]
        case 3, 4:
            return pattern(&random, depth: depth + 1) + pattern(&random, depth: depth + 1)
        case 5:
            return pattern(&random, depth: depth + 1) + "|" + pattern(&random, depth: depth + 1)
        case 6: return "(" + pattern(&random, depth: depth + 1) + ")"
        default:
            return "(?:" + pattern(&random, depth: depth + 1) + ")"
                + ["*", "+", "?", "{2}", "{0,2}", "{1,}"][pick(6)]
        }
    }

    @Test("shortcuts give the answers of the regular expression", arguments: [1, 2, 3, 4])
    func agreement(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let letters = ["a", "b", "A", "é", ".", "\n"]
        for _ in 0..<400 {
            let pattern = Self.pattern(&random)
            let regex = try GoRegex(pattern)
            let matcher = try LabelMatcher("l", .regex, pattern)
            var texts = [""]
            for _ in 0..<40 {
                texts.append(
                    (0..<Int(random.next() % 6)).map { _ in
                        letters[Int(random.next() % UInt64(letters.count))]
                    }.joined())
            }
            let values = matcher.setMatches
            texts += values ?? []
            for text in texts {
                let expected = regex.matches(text)
                #expect(matcher.matches(text) == expected, "seed \(seed): \(pattern) on \(text)")
                if let values {
                    #expect(values.contains(text) == expected, "seed \(seed): \(pattern)")
                }
                if expected, let prefix = matcher.prefix {
                    #expect(text.hasPrefix(prefix), "seed \(seed): \(pattern) on \(text)")
                }
            }
        }
    }

    @Test("no mangled pattern stops the program", arguments: [5, 6, 7, 8])
    func mutations(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let pieces = [
            "(", ")", "[", "]", "{", "}", "*", "+", "?", "|", "\\", "^", "$", ".", "-", ":", "P",
            "<",
            ">", "i", "Q", "E", "x", "p", "0", "1", "9", ",", "a", "é", "😀", "(?", "[:alpha:]",
            "\\p{",
        ]
        for _ in 0..<4000 {
            let pattern = (0..<(1 + Int(random.next() % 12))).map { _ in
                pieces[Int(random.next() % UInt64(pieces.count))]
            }.joined()
            guard let matcher = try? LabelMatcher("l", .regex, pattern) else { continue }
            _ = matcher.matches("a1")
            _ = matcher.prefix
            // What the matcher takes without RE2 must be right for RE2, too.
            #expect(throws: Never.self, "seed \(seed): \(pattern)") { try GoRegex(pattern) }
        }
    }

    @Test("values compare by bytes, not by what Unicode calls equal")
    func bytes() throws {
        let composed = LabelMatcher(equal: "l", "\u{E9}")
        #expect(composed.matches("\u{E9}") && !composed.matches("e\u{301}"))
        #expect(try !LabelMatcher("l", .regex, "\u{E9}|x").matches("e\u{301}"))
    }

    @Test("a label that is not there matches as the empty string")
    func absent() throws {
        #expect(try LabelMatcher("l", .regex, ".*").matchesEmpty)
        #expect(try !LabelMatcher("l", .regex, ".+").matchesEmpty)
        #expect(try LabelMatcher("l", .notEqual, "a").matches(LabelSet([:])))
    }
}
