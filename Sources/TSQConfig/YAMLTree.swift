import Foundation
import TSQBase
import Yams

/// YAML to be written, in the layout of Prometheus's own: two spaces, lists not indented.
indirect enum YAMLTree: Sendable {
    /// Text that is quoted where it needs to be.
    case text(String)
    /// A number or word that stands as it is.
    case plain(String)
    case list([YAMLTree])
    /// `[a, b]`.
    case flow([String])
    case map([(key: String, value: YAMLTree)])

    var rendered: String {
        var result = ""
        render(indent: 0, into: &result)
        return result
    }

    private func render(indent: Int, into result: inout String) {
        let margin = String(repeating: " ", count: indent)
        switch self {
        case .text(let text): result += margin + Self.quoted(text) + "\n"
        case .plain(let text): result += margin + text + "\n"
        case .flow(let items):
            result += margin + Self.flowText(items) + "\n"
        case .list(let items):
            for item in items {
                var body = ""
                item.render(indent: indent + 2, into: &body)
                result += margin + "- " + body.dropFirst(indent + 2)
            }
        case .map(let entries):
            for (key, value) in entries {
                result += margin + Self.quoted(key) + ":"
                switch value {
                case .text(let text): result += " " + Self.quoted(text) + "\n"
                case .plain(let text): result += " " + text + "\n"
                case .flow(let items): result += " " + Self.flowText(items) + "\n"
                case .list(let items):
                    result += items.isEmpty ? " []\n" : "\n"
                    value.render(indent: indent, into: &result)
                case .map(let inner):
                    result += inner.isEmpty ? " {}\n" : "\n"
                    value.render(indent: indent + 2, into: &result)
                }
            }
        }
    }

    private static func flowText(_ items: [String]) -> String {
        "[" + items.map(quoted).joined(separator: ", ") + "]"
    }

    /// Plain where that reads back as the same text, else in single quotes, or in double quotes when
    /// there are control characters.
    static func quoted(_ text: String) -> String {
        if text.isEmpty { return "\"\"" }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            return GoQuote.quoted(text)
        }
        if looksLikeAnotherType(text) { return "\"\(text)\"" }
        let first = text.utf8.first ?? 0
        let special: Set<UInt8> = Set("-?:,[]{}#&*!|>'\"%@`".utf8)
        let needsQuotes =
            special.contains(first) && !startsPlain(text) || text.contains(": ")
            || text.contains(" #") || text.hasSuffix(":") || text.hasPrefix(" ")
            || text.hasSuffix(" ") || text.utf8.contains(where: { $0 == 0x7B || $0 == 0x7D })
            || text.utf8.contains(where: { $0 == 0x5B || $0 == 0x5D || $0 == 0x2C })
        return needsQuotes
            ? "'"
                + text.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "''") + "'" : text
    }

    /// `-x`, `?x` and `:x` may be plain.
    private static func startsPlain(_ text: String) -> Bool {
        guard let first = text.first, "-?:".contains(first) else { return false }
        return text.dropFirst().first.map { $0 != " " } ?? false
    }

    private static func looksLikeAnotherType(_ text: String) -> Bool {
        let words: Set<String> = [
            "true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", ".nan", ".inf",
            "-.inf", "+.inf", "<<", "=",
        ]
        if words.contains(text.lowercased()) { return true }
        let body = text.drop { $0 == "-" || $0 == "+" }
        guard let digit = body.utf8.first, digit &- 0x30 < 10 || digit == 0x2E else { return false }
        // Numbers, and what YAML 1.1 reads as base 60 or as a date.
        let rest = body.utf8.drop { $0 &- 0x30 < 10 || $0 == 0x2E || $0 == 0x5F }
        if rest.isEmpty { return body.utf8.contains { $0 &- 0x30 < 10 } }
        if body.hasPrefix("0x") || body.hasPrefix("0o") || body.hasPrefix("0b") {
            return body.dropFirst(2).utf8.allSatisfy { isHex($0) } && body.utf8.count > 2
        }
        return Double(String(body)) != nil || isDate(body)
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6 || byte == 0x5F
    }

    private static func isDate(_ text: Substring) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count >= 3 && parts[0].utf8.count == 4
            && parts[0].utf8.allSatisfy { $0 &- 0x30 < 10 }
            && parts[1].utf8.allSatisfy { $0 &- 0x30 < 10 }
    }
}

extension YAMLTree {
    /// Keys whose values are secrets, wherever they stand.
    private static let secretKeys: Set<String> = [
        "password", "credentials", "bearer_token", "client_secret", "key", "secret_key",
        "secrets", "proxy_url", "api_key", "token", "secret", "proxy_connect_header",
    ]

    /// What the file says, secrets hidden: for sections that are only checked.
    init(_ node: Node) {
        switch node {
        case .scalar(let scalar):
            self =
                YAMLSection.isNull(node)
                ? .plain("null")
                : YAMLSection.hasTag(node, .str) || scalar.style != .plain
                    ? .text(scalar.string) : .plain(scalar.string)
        case .sequence(let sequence): self = .list(sequence.map { YAMLTree($0) })
        case .mapping(let mapping):
            self = .map(
                mapping.map { key, value in
                    let name = key.scalar?.string ?? ""
                    return (name, Self.hiding(name, value))
                })
        case .alias: self = .plain("null")
        }
    }

    private static func hiding(_ key: String, _ value: Node) -> YAMLTree {
        guard secretKeys.contains(key) else {
            if key.hasSuffix("url"), let text = value.scalar?.string {
                return .text(hidingCredentials(text))
            }
            return YAMLTree(value)
        }
        if case .scalar(let scalar) = value, scalar.string.isEmpty { return .text("") }
        if case .sequence(let sequence) = value {
            return .list(sequence.map { _ in .text("<secret>") })
        }
        return .text("<secret>")
    }

    /// `http://user:password@host` → `http://user:xxxxx@host`.
    static func hidingCredentials(_ url: String) -> String {
        guard let scheme = url.range(of: "://"),
            let at = url[scheme.upperBound...].firstIndex(of: "@"),
            let colon = url[scheme.upperBound..<at].firstIndex(of: ":")
        else { return url }
        return url[...colon] + "xxxxx" + url[at...]
    }
}
