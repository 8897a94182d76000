import TSQModel

/// Headers that let pages of other origins read the answers.
///
/// - Source: Prometheus util/httputil/cors.go.
struct CORS: Sendable {
    private let pattern: GoRegex
    private let allowsAll: Bool

    /// - Parameter origin: a regular expression for whole origins.
    init(origin: String) throws(RegexError) {
        pattern = try GoRegex(origin)
        allowsAll = origin == ".*"
    }

    func headers(origin: String?) -> [(name: String, value: String)] {
        guard let origin, !origin.isEmpty else { return [] }
        var headers = [
            (
                name: "access-control-allow-headers",
                value: "Accept, Authorization, Content-Type, Origin"
            ),
            (name: "access-control-allow-methods", value: "GET, POST, OPTIONS"),
            (name: "access-control-expose-headers", value: "Date"),
            (name: "vary", value: "Origin"),
        ]
        var bytes = Array(origin.utf8)
        if allowsAll {
            headers.append((name: "access-control-allow-origin", value: "*"))
        } else if bytes.withUnsafeMutableBufferPointer({ pattern.matches(UnsafeBufferPointer($0)) })
        {
            headers.append((name: "access-control-allow-origin", value: origin))
        }
        return headers
    }
}
