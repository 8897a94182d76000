import Foundation
import HTTPTypes
import NIOCore
import NIOHTTP1
import TSQBase

/// Where a page is, of a plain HTTP URL, and what asks for it.
struct PageAddress: Sendable {
    let url: String
    let host: String
    let port: Int
    private let target: String
    private let hostHeader: String

    /// nil for everything but `http://host[:port][/path][?query]`.
    init?(_ url: String) {
        guard let parts = URLComponents(string: url), parts.scheme?.lowercased() == "http",
            parts.user == nil, parts.password == nil, let name = parts.host, !name.isEmpty,
            (1...65_535).contains(parts.port ?? 80)
        else { return nil }
        self.url = url
        let bare =
            name.hasPrefix("[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : name
        host = bare
        port = parts.port ?? 80
        let shown = bare.contains(":") ? "[\(bare)]" : bare
        hostHeader = port == 80 ? shown : "\(shown):\(port)"
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        target = path + (parts.percentEncodedQuery.map { "?\($0)" } ?? "")
    }

    /// The request, with a `Host` header unless there is one.
    ///
    /// - Throws: where a header has what HTTP does not allow: it would end the header early.
    func request(_ headers: HTTPHeaders) throws(FetchError) -> PageRequest {
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: headers)
        if !headers.contains(name: "Host") { head.headers.add(name: "Host", value: hostHeader) }
        for (name, value) in head.headers
        where HTTPField.Name(name) == nil || !HTTPField.isValidValue(value) {
            throw .connection("invalid header field \(GoQuote.quoted(name))")
        }
        return PageRequest(head)
    }
}

/// A request for a page, and its bytes: those of every scrape are the same.
struct PageRequest: Sendable {
    let head: HTTPRequestHead
    let bytes: ByteBuffer

    fileprivate init(_ head: HTTPRequestHead) {
        var text = "\(head.method.rawValue) \(head.uri) HTTP/1.1\r\n"
        for (name, value) in head.headers { text += "\(name): \(value)\r\n" }
        self.head = head
        bytes = ByteBuffer(string: text + "\r\n")
    }
}
