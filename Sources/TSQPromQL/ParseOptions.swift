/// What of the experimental syntax is on. Names are those of `--enable-feature`.
package struct ParseOptions: Sendable, Hashable {
    /// `promql-experimental-functions`
    package var experimentalFunctions = false
    /// `promql-extended-range-selectors`: `anchored`, `smoothed`
    package var extendedRangeSelectors = false
    /// `promql-binop-fill-modifiers`
    package var fillModifiers = false

    package init() {}

    /// Everything on, as Prometheus's own test scripts are run.
    package static var all: ParseOptions {
        var options = ParseOptions()
        options.experimentalFunctions = true
        options.extendedRangeSelectors = true
        options.fillModifiers = true
        return options
    }
}

/// A query text that is no expression.
package struct PromQLSyntaxError: Error, Sendable, Equatable {
    /// Where in the text, UTF-8 bytes.
    package var range: SourceRange
    /// Without the position (`unexpected end of input`).
    package var reason: String
    /// As Prometheus prints it: `1:5: parse error: unexpected …`.
    package var message: String

    package init(range: SourceRange, reason: String, message: String) {
        self.range = range
        self.reason = reason
        self.message = message
    }
}
