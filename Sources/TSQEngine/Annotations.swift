import TSQPromQL

/// A remark on a query's answer, with its place in the text.
package struct Annotation: Hashable, Sendable {
    package var isWarning: Bool
    /// Without prefix and position.
    package var text: String
    /// nil where Prometheus gives no position.
    package var range: SourceRange?

    package init(isWarning: Bool, text: String, range: SourceRange?) {
        self.isWarning = isWarning
        self.text = text
        self.range = range
    }
}

/// The remarks of one query: each text and place once.
///
/// - Source: Prometheus util/annotations: at most ten of each kind are returned, then a line that
///   counts the rest.
package struct Annotations: Sendable {
    package private(set) var all: Set<Annotation> = []

    package init() {}

    package mutating func warn(_ text: String, _ range: SourceRange?) {
        all.insert(Annotation(isWarning: true, text: text, range: range))
    }

    package mutating func inform(_ text: String, _ range: SourceRange?) {
        all.insert(Annotation(isWarning: false, text: text, range: range))
    }

    package mutating func merge(_ other: Annotations) { all.formUnion(other.all) }
}
