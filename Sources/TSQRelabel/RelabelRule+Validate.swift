import TSQBase
import TSQModel

extension RelabelRule {
    /// Fields that belong to another action are errors, so that a misunderstanding shows.
    func validate(hasSourceLabels: Bool) throws(RelabelError) {
        if action == .hashmod && modulus == 0 {
            throw RelabelError("relabel configuration for hashmod requires non-zero modulus")
        }
        switch action {
        case .replace, .hashmod, .lowercase, .uppercase, .keepequal, .dropequal:
            try validateTarget()
        case .labelmap:
            if !Self.isTargetTemplate(replacement) {
                throw RelabelError(
                    "\(GoQuote.quoted(replacement)) is invalid 'replacement' for labelmap action")
            }
        case .keep, .drop, .labeldrop, .labelkeep: break
        }
        let plain =
            modulus == 0 && separator == Self.defaultSeparator
            && replacement == Self.defaultReplacement
        switch action {
        case .dropequal, .keepequal:
            if !plain || regex.pattern != Self.defaultRegex {
                throw RelabelError(
                    "\(action) action requires only 'source_labels' and `target_label`, "
                        + "and no other fields")
            }
        case .labeldrop, .labelkeep:
            if !plain || hasSourceLabels || !targetLabel.isEmpty {
                throw RelabelError(
                    "\(action) action requires only 'regex', and no other fields")
            }
        default: break
        }
    }

    private func validateTarget() throws(RelabelError) {
        if targetLabel.isEmpty {
            throw RelabelError(
                "relabel configuration for \(action) action requires 'target_label' value")
        }
        // Any non-empty text is a valid UTF-8 name; only a replacement may refer to groups.
        if action == .replace, targetLabel.utf8.contains(0x24),
            !Self.isTargetTemplate(targetLabel)
        {
            throw RelabelError(
                "\(GoQuote.quoted(targetLabel)) is invalid 'target_label' for \(action) action")
        }
        if action == .lowercase || action == .uppercase,
            replacement != Self.defaultReplacement
        {
            throw RelabelError("'replacement' can not be set for \(action) action")
        }
    }

    /// A label name in which every `$` begins a reference (`$1`, `${name}`) and braces stand
    /// nowhere else. Narrower than what expands: names of references are ASCII here.
    static func isTargetTemplate(_ text: String) -> Bool {
        guard let template = targetTemplate else { preconditionFailure("BUG: a fixed pattern") }
        return template.matches(text)
    }

    private static let targetTemplate = try? GoRegex(#"(?:[^${}]|\$(?:\{\w+\}|\w+))+"#)
}
