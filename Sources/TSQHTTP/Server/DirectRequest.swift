import NIOCore
import NIOHTTP1

/// A request for a query as it is read.
struct DirectRequest {
    /// Longer forms are the web server's to read.
    static let bodyByteCountMax = 64 << 10

    private let head: HTTPRequestHead
    private var body: ByteBuffer?

    /// nil where it is the web server's, whatever follows.
    init?(_ head: HTTPRequestHead) {
        guard head.version == .http1_1, head.uri.hasPrefix("/api/v1/query"), head.isKeepAlive else {
            return nil
        }
        switch head.method {
        case .GET: break
        case .POST:
            guard APIServer.isForm(contentType: head.headers.first(name: "Content-Type")),
                !head.headers.contains(name: "Expect")
            else { return nil }
        default: return nil
        }
        self.head = head
    }

    /// False where it is the web server's to read, from its head on.
    mutating func append(_ bytes: ByteBuffer) -> Bool {
        guard head.method == .POST,
            (body?.readableBytes ?? 0) + bytes.readableBytes <= Self.bodyByteCountMax
        else { return false }
        if body == nil {
            body = bytes
        } else {
            body?.writeImmutableBuffer(bytes)
        }
        return true
    }

    /// What was read.
    var parts: [HTTPServerRequestPart] { [.head(head)] + (body.map { [.body($0)] } ?? []) }

    var acceptEncoding: String? { head.headers.first(name: "Accept-Encoding") }

    /// - Parameter address: the client's.
    func apiRequest(from address: String, _ presence: ClientPresence) -> APIRequest {
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = parts.count > 1 ? String(parts[1]) : ""
        let form =
            if let body {
                FormParameters(query: query, body: Array(body.readableBytesView))
            } else {
                FormParameters(query: query)
            }
        let headers = head.headers
        return APIRequest(
            method: head.method.rawValue, path: String(parts[0]), query: query, form: form,
            accept: headers.first(name: "Accept"), origin: headers.first(name: "Origin"),
            client: APIServer.client(
                address: address, dashboard: headers.first(name: APIServer.dashboardHeader)),
            presence: presence)
    }
}
