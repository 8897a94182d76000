import TSQBase

/// One GET request.
package struct FetchRequest: Sendable {
    package var url: String
    package var headers: [(name: String, value: String)]
    package var timeoutMs: Int64
    /// Bytes of the decompressed body; nil: no limit but `bodyBytesMaxDefault`.
    package var bodyBytesMax: Int?

    package init(
        url: String, headers: [(name: String, value: String)] = [], timeoutMs: Int64 = 10_000,
        bodyBytesMax: Int? = nil
    ) {
        self.url = url
        self.headers = headers
        self.timeoutMs = timeoutMs
        self.bodyBytesMax = bodyBytesMax
    }
}

package struct FetchResponse: Sendable {
    package var status: Int
    /// `Content-Type`, empty when missing.
    package var contentType: String
    /// Decompressed.
    package var body: [UInt8]

    package init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

package enum FetchError: Error, Equatable, Sendable {
    case timeout
    case bodyTooLarge(limit: Int)
    /// Everything else; the text never has credentials in it.
    case connection(String)

    package var message: String {
        switch self {
        case .timeout: "context deadline exceeded"
        case .bodyTooLarge: "body size limit exceeded"
        case .connection(let text): text
        }
    }
}

/// Gets pages. Tests have their own.
package protocol Fetcher: Sendable {
    func fetch(_ request: FetchRequest) async throws(FetchError) -> FetchResponse

    /// A connection for one target, for fetching on `loop` without any change of thread; nil when
    /// the target needs more than plain HTTP.
    func connection(
        url: String, headers: [(name: String, value: String)], on loop: PageLoop
    ) -> PageConnection?
}

extension Fetcher {
    package func connection(
        url: String, headers: [(name: String, value: String)], on loop: PageLoop
    ) -> PageConnection? { nil }
}
