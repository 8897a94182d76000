import Foundation

/// A target's URL as other machines reach it: a loopback host becomes this machine's name.
enum GlobalURL {
    static func make(_ url: String) -> String {
        guard var parts = URLComponents(string: url), let host = parts.host else { return url }
        guard ["localhost", "127.0.0.1", "::1", "[::1]"].contains(host) else { return url }
        parts.host = ProcessInfo.processInfo.hostName
        return parts.string ?? url
    }
}
