import TSQBase
import TSQModel

/// Text to syntax tree.
///
/// - Source: Prometheus promql/parser, 3.14: the same grammar, type rules, error texts and positions.
package enum PromQLParser {
    /// A parsed and type-checked expression.
    ///
    /// - Throws: the first error in the order in which Prometheus finds them.
    /// - Complexity: linear in the text; the tree is at most `Parser.heightMax` high.
    package static func parse(
        _ text: String, options: ParseOptions = ParseOptions()
    ) throws(PromQLSyntaxError) -> Expr {
        var parser = Parser(text, options: options)
        var expression = try parser.parseWhole()
        try TypeChecker(text: text).check(&expression)
        return expression
    }

    /// The matchers of a selector (`match[]`, federation): `up`, `{job=~"a.*"}`, `{"http.requests"}`.
    /// The name, if there is one, is a matcher on `__name__`, after the others.
    ///
    /// As in Prometheus, that all matchers match the empty string is no error here: the HTTP API has a
    /// text of its own for it (`match[] must contain at least one non-empty matcher`).
    package static func parseSelector(
        _ text: String
    ) throws(PromQLSyntaxError) -> [LabelMatcher] {
        var parser = Parser(text, options: ParseOptions())
        return try parser.parseWholeSelector().matchers
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
        var parser = Parser(text, options: ParseOptions())
        return try parser.parseWholeMetric()
    }
}
