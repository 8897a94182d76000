import Foundation

/// A target's URL as other machines reach it: a loopback host becomes this machine's name.
enum GlobalURL {
    static func make(_ url: String) -> String {
        guard var parts = URLComponents(string: url), let host = parts.host else { return url }
        guard ["localhost", "127.0.0.1", "::1", "[::1]"].contains(host) else { return url }
        parts.host = hostName
        return parts.string ?? url
    }

    /// The kernel's name for the machine; asked once, without a look-up in the network.
    private static let hostName: String = {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "localhost" }
        let name = String(
            decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : name
    }()
}
