/// The syntax tree as JSON: `data` of `/api/v1/parse_query`.
package enum ExprJSON {
    /// Appends the JSON of `expression` to `bytes`.
    package static func append(_ expression: Expr, to bytes: inout [UInt8]) {}
}
