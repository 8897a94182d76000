import TSQBase
import TSQModel

/// One relabelling rule, checked: applying it cannot fail.
///
/// - Source: Prometheus model/relabel (3.14).
package struct RelabelRule: Sendable {
    package enum Action: String, Sendable, CaseIterable {
        case replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep,
            lowercase, uppercase
    }

    package let sourceLabels: [String]
    package let separator: String
    package let regex: GoRegex
    package let modulus: UInt64
    package let targetLabel: String
    package let replacement: String
    package let action: Action

    /// What a configuration leaves out has these values.
    package static let defaultSeparator = ";"
    package static let defaultRegex = "(.*)"
    package static let defaultReplacement = "$1"

    /// - Throws: `RelabelError` in Prometheus's words when the fields do not fit the action.
    package init(
        sourceLabels: [String]? = nil, separator: String = Self.defaultSeparator,
        regex: String = Self.defaultRegex, modulus: UInt64 = 0, targetLabel: String = "",
        replacement: String = Self.defaultReplacement, action: Action = .replace
    ) throws(RelabelError) {
        do {
            // Prometheus compiles the anchored pattern and names it so.
            self.regex = try GoRegex(wrapping: regex)
        } catch {
            throw RelabelError(error.message)
        }
        self.sourceLabels = sourceLabels ?? []
        self.separator = separator
        self.modulus = modulus
        self.targetLabel = targetLabel
        self.replacement = replacement
        self.action = action
        try validate(hasSourceLabels: sourceLabels != nil)
    }
}

/// Why a rule was refused.
package struct RelabelError: Error, Equatable, Sendable {
    package let message: String

    package init(_ message: String) { self.message = message }
}
