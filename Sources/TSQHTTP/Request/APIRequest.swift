import TSQJSON

/// A request as the routes see it, free of the web server.
package struct APIRequest: Sendable {
    package var method: String
    /// Without the query, percent-decoded piece by piece.
    package var segments: [String]
    package var path: String
    /// The query as it came, without the question mark.
    package var query: String
    package var form: FormParameters
    /// The body where the route reads it itself.
    package var upload: Upload?
    package var contentType: String?
    package var accept: String?
    package var origin: String?
    /// Who asks, for taking turns: address, and where the client says so its dashboard.
    package var client: String
    package var presence: ClientPresence

    package init(
        method: String, path: String, query: String = "", form: FormParameters,
        accept: String? = nil, origin: String? = nil, client: String = "",
        presence: ClientPresence = ClientPresence()
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.form = form
        self.accept = accept
        self.origin = origin
        self.client = client
        self.presence = presence
        segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
            let bytes = Array($0.utf8)
            switch FormParameters.percentDecoded(bytes[...], plusIsSpace: false) {
            case .success(let text): return text
            case .failure: return String($0)
            }
        }
    }
}

/// An answer: bytes and what describes them.
package struct APIResponse: Sendable {
    package var status: Int
    package var contentType: String?
    package var headers: [(name: String, value: String)] = []
    package var body: Body

    package enum Body: Sendable {
        case bytes([UInt8])
        /// A long answer, which is written as it is taken.
        case pieces(AnswerPieces)
    }

    /// nil where it is not known beforehand.
    var byteCount: Int? {
        if case .bytes(let bytes) = body { bytes.count } else { nil }
    }

    package init(status: Int = 200, contentType: String?, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = .bytes(body)
    }

    static func json(_ body: [UInt8], status: Int = 200) -> APIResponse {
        APIResponse(status: status, contentType: "application/json", body: body)
    }

    static func text(_ text: String, status: Int = 200) -> APIResponse {
        APIResponse(
            status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    /// Go's `http.Error`.
    static func plainError(_ text: String, status: Int) -> APIResponse {
        var response = APIResponse.text(text + "\n", status: status)
        response.headers.append(("x-content-type-options", "nosniff"))
        return response
    }

    static func failure(_ error: APIError) -> APIResponse {
        .json(Envelope.failure(error), status: error.kind.status)
    }

    static var noContent: APIResponse { APIResponse(status: 204, contentType: nil, body: []) }
}
