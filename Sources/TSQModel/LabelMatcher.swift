import TSQBase

/// One condition of a selector: `name op "value"`.
///
/// A label that a series does not have matches as the empty string.
package struct LabelMatcher: Sendable {
    package enum Operation: String, Sendable, CaseIterable {
        case equal = "="
        case notEqual = "!="
        case regex = "=~"
        case notRegex = "!~"

        package var isNegative: Bool { self == .notEqual || self == .notRegex }
    }

    package let name: String
    package let operation: Operation
    package let value: String
    /// The value as it was written, where it is no UTF-8: for printing.
    package var invalidBytes: [UInt8]?
    private let plan: RegexPlan?

    /// - Throws: `RegexError` with Go's reason when `value` is no regular expression.
    package init(
        _ name: String, _ operation: Operation, _ value: String
    ) throws(RegexError) {
        self.name = name
        self.operation = operation
        self.value = value
        plan = operation == .regex || operation == .notRegex ? try RegexPlan(value) : nil
    }

    /// `name="value"`.
    package init(equal name: String, _ value: String) {
        self.name = name
        self.operation = .equal
        self.value = value
        plan = nil
    }

    package func matches(_ candidate: String) -> Bool {
        var candidate = candidate
        return candidate.withUTF8 { matches($0) }
    }

    package func matches(_ candidate: UnsafeBufferPointer<UInt8>) -> Bool {
        switch operation {
        case .equal: value.utf8.elementsEqual(candidate)
        case .notEqual: !value.utf8.elementsEqual(candidate)
        case .regex: plan.map { $0.matches(candidate) } ?? false
        case .notRegex: plan.map { !$0.matches(candidate) } ?? true
        }
    }

    /// Whether a series without this label satisfies the matcher.
    package var matchesEmpty: Bool { matches("") }

    package func matches(_ labels: LabelSet) -> Bool { matches(labels[name] ?? "") }
}

extension LabelMatcher: Hashable {
    package static func == (a: LabelMatcher, b: LabelMatcher) -> Bool {
        a.name == b.name && a.operation == b.operation && a.value == b.value
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(operation)
        hasher.combine(value)
    }
}

extension LabelMatcher: CustomStringConvertible {
    package var description: String {
        (LabelName.isLegacyValid(name) ? name : GoQuote.quoted(name)) + operation.rawValue
            + GoQuote.quoted(value)
    }
}

/// What an index can use without trying every value.
extension LabelMatcher {
    /// All values that satisfy the positive form of the matcher (`=`, `=~`), sorted bytewise, where
    /// they are finitely many and few: `a`, `a|b`, `a(b|c)`, `web-[1-3]`. nil: unknown.
    ///
    /// For `!=` and `!~` these are the values that do *not* satisfy the matcher.
    package var setMatches: [String]? {
        switch operation {
        case .equal, .notEqual: [value]
        case .regex, .notRegex: plan?.values
        }
    }

    /// A text that every value of the positive form begins with; nil: unknown.
    package var prefix: String? {
        switch operation {
        case .equal, .notEqual: value.isEmpty ? nil : value
        case .regex, .notRegex: plan?.prefix
        }
    }
}
