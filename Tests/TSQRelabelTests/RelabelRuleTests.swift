import TSQModel
import TSQRelabel
import Testing

@Suite struct RelabelRuleTests {
    static let labels = LabelSet([
        "a": "foo", "b": "bar", "c": "baz", "__meta_x_one": "1", "__meta_x_two": "2",
    ])

    struct Case: Sendable {
        var name: String
        var rule: @Sendable () throws -> RelabelRule
        /// nil: dropped.
        var expected: [String: String]?
    }

    static let base = [
        "a": "foo", "b": "bar", "c": "baz", "__meta_x_one": "1", "__meta_x_two": "2",
    ]

    static func with(_ changes: [String: String?]) -> [String: String] {
        var result = base
        for (name, value) in changes { result[name] = value }
        return result
    }

    static let cases: [Case] = [
        Case(
            name: "replace with groups",
            rule: {
                try RelabelRule(
                    sourceLabels: ["a", "b"], regex: "f(.*);(?P<rest>.*)r", targetLabel: "d",
                    replacement: "$1-${rest}-$$-$9-${1}x")
            }, expected: with(["d": "oo-ba-$--oox"])),
        Case(
            name: "replace without a match changes nothing",
            rule: { try RelabelRule(sourceLabels: ["a"], regex: "x", targetLabel: "d") },
            expected: base),
        Case(
            name: "an empty result deletes",
            rule: { try RelabelRule(sourceLabels: ["none"], targetLabel: "a") },
            expected: ["b": "bar", "c": "baz", "__meta_x_one": "1", "__meta_x_two": "2"]),
        Case(
            name: "a target with a reference",
            rule: {
                try RelabelRule(
                    sourceLabels: ["a"], regex: "(.)(.*)", targetLabel: "${1}_$2", replacement: "v")
            }, expected: with(["f_oo": "v"])),
        Case(
            name: "keep",
            rule: { try RelabelRule(sourceLabels: ["a"], regex: "fo+", action: .keep) },
            expected: base),
        Case(
            name: "keep is anchored",
            rule: { try RelabelRule(sourceLabels: ["a"], regex: "fo", action: .keep) },
            expected: nil),
        Case(
            name: "drop",
            rule: { try RelabelRule(sourceLabels: ["a"], regex: "f.*", action: .drop) },
            expected: nil),
        Case(
            name: "keepequal",
            rule: {
                try RelabelRule(sourceLabels: ["a"], targetLabel: "b", action: .keepequal)
            }, expected: nil),
        Case(
            name: "dropequal",
            rule: {
                try RelabelRule(sourceLabels: ["a"], targetLabel: "b", action: .dropequal)
            }, expected: base),
        Case(
            name: "labelmap",
            rule: { try RelabelRule(regex: "__meta_x_(.+)", action: .labelmap) },
            expected: with(["one": "1", "two": "2"])),
        Case(
            name: "labeldrop",
            rule: { try RelabelRule(regex: "__meta_.*|a", action: .labeldrop) },
            expected: ["b": "bar", "c": "baz"]),
        Case(
            name: "labelkeep", rule: { try RelabelRule(regex: "a|b", action: .labelkeep) },
            expected: ["a": "foo", "b": "bar"]),
        Case(
            name: "uppercase",
            rule: {
                try RelabelRule(sourceLabels: ["a", "b"], targetLabel: "d", action: .uppercase)
            }, expected: with(["d": "FOO;BAR"])),
        Case(
            name: "lowercase",
            rule: { try RelabelRule(sourceLabels: ["a"], targetLabel: "a", action: .lowercase) },
            expected: base),
        Case(
            // md5("foo") ends in 3d2172c2 b7ed0b54…: the last eight bytes decide.
            name: "hashmod",
            rule: {
                try RelabelRule(
                    sourceLabels: ["c"], modulus: 1000, targetLabel: "d", action: .hashmod)
            }, expected: with(["d": "976"])),
    ]

    @Test("every action does what Prometheus does", arguments: cases)
    func actions(_ testCase: Case) throws {
        let result = RelabelRule.apply([try testCase.rule()], to: Self.labels)
        let found = result.map { set in
            Dictionary(uniqueKeysWithValues: set.labels.map { ($0.name, $0.value) })
        }
        #expect(found == testCase.expected, "\(testCase.name)")
    }

    @Test("letters change as in Go: one by one")
    func letters() throws {
        let labels = LabelSet(["a": "Straße ÄÖ"])
        let upper = try RelabelRule(sourceLabels: ["a"], targetLabel: "a", action: .uppercase)
        let lower = try RelabelRule(sourceLabels: ["a"], targetLabel: "a", action: .lowercase)
        #expect(RelabelRule.apply([upper], to: labels)?["a"] == "STRAßE ÄÖ")
        #expect(RelabelRule.apply([lower], to: labels)?["a"] == "straße äö")
    }

    @Test("rules follow one another")
    func chain() throws {
        let rules = [
            try RelabelRule(sourceLabels: ["a"], targetLabel: "x"),
            try RelabelRule(sourceLabels: ["x"], regex: "foo", action: .drop),
        ]
        #expect(RelabelRule.apply(rules, to: Self.labels) == nil)
        #expect(RelabelRule.apply([], to: Self.labels) == Self.labels)
    }

    @Test("fields that an action does not know are errors")
    func validation() {
        func message(_ rule: () throws -> RelabelRule) -> String {
            do {
                _ = try rule()
                return ""
            } catch {
                return (error as? RelabelError)?.message ?? "\(error)"
            }
        }
        #expect(
            message { try RelabelRule() }
                == "relabel configuration for replace action requires 'target_label' value")
        #expect(
            message { try RelabelRule(targetLabel: "a", action: .hashmod) }
                == "relabel configuration for hashmod requires non-zero modulus")
        #expect(
            message { try RelabelRule(sourceLabels: ["a"], action: .labeldrop) }
                == "labeldrop action requires only 'regex', and no other fields")
        #expect(
            message { try RelabelRule(targetLabel: "a$", replacement: "x") }
                == "\"a$\" is invalid 'target_label' for replace action")
        #expect(
            message { try RelabelRule(regex: "(", targetLabel: "a") }.hasPrefix("error parsing"))
    }

    @Test(
        "a target with references is checked before it is used",
        arguments: [
            ("a$", false), ("$", false), ("$$", false), ("${1", false), ("${}", false),
            ("$1{", false), ("a}$1", false), ("$é", false), ("$1é", true), ("é$1", true),
            ("a_${name}_$2", true), ("$1$2", true), ("$1-x", true), ("a", true),
        ])
    func targets(_ target: String, _ isValid: Bool) {
        let rule = try? RelabelRule(targetLabel: target, replacement: "x")
        #expect((rule != nil) == isValid)
    }
}
