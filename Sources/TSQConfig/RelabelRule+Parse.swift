import TSQBase
import TSQModel
import TSQRelabel
import Yams

extension YAMLSection {
    /// The relabelling rules of `key`.
    ///
    /// - Parameter empty: What to say about an entry without content.
    func relabelRules(
        _ key: String, empty: String
    ) throws(ConfigError) -> [RelabelRule] {
        var rules: [RelabelRule] = []
        for node in try list(key) ?? [] {
            if Self.isNull(node) { throw Self.error(empty, node) }
            rules.append(try Self.relabelRule(node))
        }
        return rules
    }

    private static func relabelRule(_ node: Node) throws(ConfigError) -> RelabelRule {
        let section = try YAMLSection(node, "relabel.plain")
        let sourceLabels = try section.strings("source_labels")
        let separator = try section.string("separator") ?? RelabelRule.defaultSeparator
        let regex = try section.string("regex") ?? RelabelRule.defaultRegex
        let modulus = try section.integer("modulus", unsigned: true) ?? 0
        let target = try section.string("target_label") ?? ""
        let replacement = try section.string("replacement") ?? RelabelRule.defaultReplacement
        let word = try section.string("action") ?? "replace"
        try section.finish()
        if word.isEmpty { throw section.error("relabel action cannot be empty", at: "action") }
        guard let action = RelabelRule.Action(rawValue: word.lowercased()) else {
            throw section.error("unknown relabel action \(GoQuote.quoted(word))", at: "action")
        }
        do {
            return try RelabelRule(
                sourceLabels: sourceLabels, separator: separator, regex: regex,
                modulus: UInt64(modulus), targetLabel: target, replacement: replacement,
                action: action)
        } catch {
            throw section.error(error.message)
        }
    }
}
