import TSQPromQL

/// Why a query has no answer. The HTTP layer maps the cases to error types and status codes.
package enum QueryError: Error, Sendable, Equatable {
    /// 400 bad_data.
    case parse(PromQLSyntaxError)
    /// 400 bad_data, for a reason other than the syntax (a range query of a range vector).
    case badData(String)
    /// 422 execution, with Prometheus's text.
    case execution(String)
    /// 503 timeout.
    case timeout(String)
    /// 499 canceled.
    case canceled(String)
    /// 500 internal: the store failed.
    case storage(String)

    /// A mistake of the query's that its data brought to light, not a limit that it went beyond.
    var isOfExecution: Bool {
        guard case .execution(let text) = self else { return false }
        return !text.hasPrefix("query ") && !text.hasPrefix("all queries ")
    }

    package var message: String {
        switch self {
        case .parse(let error): error.message
        case .badData(let text), .execution(let text), .timeout(let text), .canceled(let text),
            .storage(let text):
            text
        }
    }
}
