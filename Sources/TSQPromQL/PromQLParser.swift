import TSQBase
import TSQModel

/// Text to syntax tree.
///
/// - Source: Prometheus promql/parser, 3.14: the same grammar, type rules, error texts and positions.
package enum PromQLParser {
    /// A parsed and type-checked expression.
    ///
    /// - Throws: the first error in the order in which Prometheus finds them.
    package static func parse(
        _ text: String, options: ParseOptions = ParseOptions()
    ) throws(PromQLSyntaxError) -> Expr {
        throw PromQLSyntaxError(
            range: SourceRange(0, text.utf8.count), reason: "", message: "not there yet")
    }

    /// The matchers of a selector (`match[]`, federation): `up`, `{job=~"a.*"}`, `{"http.requests"}`.
    /// The name, if there is one, is a matcher on `__name__`. At least one must not match the empty
    /// string.
    package static func parseSelector(
        _ text: String
    ) throws(PromQLSyntaxError) -> [LabelMatcher] {
        throw PromQLSyntaxError(
            range: SourceRange(0, text.utf8.count), reason: "", message: "not there yet")
    }

    /// `parseSelector` of each text.
    package static func parseSelectors(
        _ texts: [String]
    ) throws(PromQLSyntaxError) -> [[LabelMatcher]] {
        var selectors: [[LabelMatcher]] = []
        for text in texts { selectors.append(try parseSelector(text)) }
        return selectors
    }

    /// A series' name and labels: `name{a="b"}`, `{"http.requests", a="b"}`, `{}`.
    package static func parseMetric(_ text: String) throws(PromQLSyntaxError) -> LabelSet {
        throw PromQLSyntaxError(
            range: SourceRange(0, text.utf8.count), reason: "", message: "not there yet")
    }
}
