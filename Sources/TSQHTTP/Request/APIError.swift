import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

/// Why a request has no answer: what becomes `errorType`, `error` and the HTTP status.
package struct APIError: Error, Sendable, Equatable {
    package enum Kind: String, Sendable {
        case badData = "bad_data"
        case execution
        case canceled
        case timeout
        case `internal`
        case notFound = "not_found"
        case notAcceptable = "not_acceptable"
        case unavailable

        /// - Source: Prometheus web/api/v1; `unavailable` has no status of its own there.
        package var status: Int {
            switch self {
            case .badData: 400
            case .execution: 422
            case .canceled: 499
            case .timeout: 503
            case .internal, .unavailable: 500
            case .notFound: 404
            case .notAcceptable: 406
            }
        }
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// `invalid parameter "time": …`
    static func parameter(_ name: String, _ reason: String) -> APIError {
        APIError(.badData, "invalid parameter \(GoQuote.quoted(name)): \(reason)")
    }

    init(_ error: QueryError) {
        switch error {
        case .parse(let syntax): self = .parameter("query", syntax.message)
        case .badData(let text): self = .parameter("query", text)
        case .execution(let text): self.init(.execution, text)
        case .timeout(let text): self.init(.timeout, text)
        case .canceled(let text): self.init(.canceled, text)
        case .storage(let text): self.init(.internal, text)
        }
    }

    /// Failures of label and series lookups.
    init(_ error: SourceError) { self.init(.execution, error.message) }
}
