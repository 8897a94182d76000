import TSQBase
import TSQModel

extension RelabelRule {
    /// Applies the rules in order; nil when one of them drops the set.
    package static func apply(_ rules: [RelabelRule], to labels: LabelSet) -> LabelSet? {
        var result = labels
        for rule in rules where !rule.apply(to: &result) { return nil }
        return result
    }

    /// Changes `labels`; false when the set is dropped.
    package func apply(to labels: inout LabelSet) -> Bool {
        let value = sourceLabels.map { labels[$0] ?? "" }.joined(separator: separator)
        switch action {
        case .drop: return !regex.matches(value)
        case .keep: return regex.matches(value)
        case .dropequal: return (labels[targetLabel] ?? "") != value
        case .keepequal: return (labels[targetLabel] ?? "") == value
        case .replace: replace(value, in: &labels)
        case .lowercase: labels[targetLabel] = Self.mapped(value) { $0.lowercaseMapping }
        case .uppercase: labels[targetLabel] = Self.mapped(value) { $0.uppercaseMapping }
        case .hashmod:
            // The last eight bytes, as every version of Prometheus.
            labels[targetLabel] = String(MD5.digest(Array(value.utf8)).low % modulus)
        case .labelmap:
            for label in labels.labels {
                guard let groups = regex.groups(label.name) else { continue }
                let target = regex.expand(template: replacement, groups: groups)
                if !target.isEmpty { labels[target] = label.value }
            }
        case .labeldrop:
            labels = LabelSet(sorted: labels.labels.filter { !regex.matches($0.name) })
        case .labelkeep:
            labels = LabelSet(sorted: labels.labels.filter { regex.matches($0.name) })
        }
        return true
    }

    /// Go's `strings.ToUpper` and `ToLower`: one character becomes one character, or stays.
    private static func mapped(
        _ text: String, _ mapping: (Unicode.Scalar.Properties) -> String
    ) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let mapped = mapping(scalar.properties).unicodeScalars
            result.append(mapped.count == 1 ? mapped.first ?? scalar : scalar)
        }
        return String(result)
    }

    private func replace(_ value: String, in labels: inout LabelSet) {
        guard let groups = regex.groups(value) else { return }
        let target = regex.expand(template: targetLabel, groups: groups)
        // An empty result deletes the label; an empty name is no name.
        if target.isEmpty { return }
        labels[target] = regex.expand(template: replacement, groups: groups)
    }
}
