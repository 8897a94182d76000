import Foundation
import TSQBase

/// Where a page is, of a plain HTTP URL, and the bytes that ask for it.
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

    /// The request; nil when a header cannot be written as it is.
    func request(_ headers: [(name: String, value: String)]) -> [UInt8]? {
        var text = "GET \(target) HTTP/1.1\r\n"
        if !headers.contains(where: { $0.name.lowercased() == "host" }) {
            text += "Host: \(hostHeader)\r\n"
        }
        for (name, value) in headers {
            guard Self.isToken(name),
                value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
            else { return nil }
            text += "\(name): \(value)\r\n"
        }
        return Array((text + "\r\n").utf8)
    }

    private static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
