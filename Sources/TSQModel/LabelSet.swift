import TSQBase

/// The labels of one series at the borders: sorted by name (bytewise), names unique, no empty values.
package struct LabelSet: Hashable, Sendable {
    package private(set) var labels: [Label]

    package init() { labels = [] }

    /// Sorts, drops empty values; of two labels with one name the last wins.
    package init(_ unsorted: [Label]) {
        var sorted: [Label] = []
        sorted.reserveCapacity(unsorted.count)
        for (_, label) in unsorted.enumerated().sorted(by: {
            $0.element.name == $1.element.name
                ? $0.offset < $1.offset : isBytewiseLess($0.element.name, $1.element.name)
        }) {
            if sorted.last?.name == label.name { sorted.removeLast() }
            sorted.append(label)
        }
        sorted.removeAll { $0.value.isEmpty }
        labels = sorted
    }

    package init(_ pairs: KeyValuePairs<String, String>) {
        self.init(pairs.map { Label($0.key, $0.value) })
    }

    /// Labels that are known to be sorted and complete.
    package init(sorted: [Label]) { labels = sorted }

    package var metricName: String? { self[LabelName.metricName] }

    package subscript(name: String) -> String? {
        get { labels.first { $0.name == name }?.value }
        set {
            if let index = labels.firstIndex(where: { $0.name == name }) {
                if let newValue, !newValue.isEmpty {
                    labels[index].value = newValue
                } else {
                    labels.remove(at: index)
                }
            } else if let newValue, !newValue.isEmpty {
                let index = labels.firstIndex { isBytewiseLess(name, $0.name) } ?? labels.count
                labels.insert(Label(name, newValue), at: index)
            }
        }
    }

    /// Label order: names and values bytewise, pair by pair; a prefix comes first.
    package static func isOrderedBefore(_ a: LabelSet, _ b: LabelSet) -> Bool {
        for (x, y) in zip(a.labels, b.labels) {
            if x.name != y.name { return isBytewiseLess(x.name, y.name) }
            if x.value != y.value { return isBytewiseLess(x.value, y.value) }
        }
        return a.labels.count < b.labels.count
    }
}

extension LabelSet: CustomStringConvertible {
    /// `{a="b", c="d"}`, as Prometheus prints label sets in texts; names that need it are quoted.
    package var description: String {
        let inner = labels.map {
            (LabelName.isLegacyValid($0.name) ? $0.name : GoQuote.quoted($0.name)) + "="
                + GoQuote.quoted($0.value)
        }
        return "{" + inner.joined(separator: ", ") + "}"
    }
}
