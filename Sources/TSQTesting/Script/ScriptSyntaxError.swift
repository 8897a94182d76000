/// A script, or a series in its notation, that cannot be read.
package struct ScriptSyntaxError: Error, Sendable, Equatable {
    package var reason: String

    package init(_ reason: String) { self.reason = reason }
}
