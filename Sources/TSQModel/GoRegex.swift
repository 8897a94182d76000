import CRE2
import TSQBase

/// Why a pattern was refused, as Go prints it: ``error parsing regexp: missing closing ): `a(b` ``.
package struct RegexError: Error, Equatable, Sendable {
    package let message: String

    package init(_ message: String) { self.message = message }
}

/// A regular expression of Go's syntax that matches whole strings, dot matching newline, in linear
/// time (RE2).
package final class GoRegex: Sendable {
    package let pattern: String
    // Safe to send because: RE2 objects are immutable after compilation and documented thread-safe.
    private nonisolated(unsafe) let handle: OpaquePointer

    /// A compiled program beyond this is refused (RE2's own default is 8 MiB).
    package static let programBytesMax = 8 << 20

    /// - Throws: `RegexError` for what Go's `regexp/syntax` refuses, in its words.
    package convenience init(_ pattern: String) throws(RegexError) {
        try self.init(pattern, compiling: try RegexParser.parse(pattern).pattern)
    }

    /// The pattern as `^(?s:pattern)$`: as Prometheus compiles those of relabelling rules and of
    /// `label_replace`, so that errors show it so.
    package convenience init(wrapping pattern: String) throws(RegexError) {
        let wrapped = "^(?s:" + pattern + ")$"
        try self.init(pattern, compiling: try RegexParser.parse(wrapped).pattern)
    }

    /// `rewritten`: `pattern` in RE2's spelling.
    init(_ pattern: String, compiling rewritten: String) throws(RegexError) {
        self.pattern = pattern
        var text = rewritten
        let handle = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                cre2_new($0.baseAddress ?? Self.empty, $0.count, Self.programBytesMax)
            }
        }
        if let reason = cre2_error(handle) {
            let message = String(cString: reason)
            cre2_delete(handle)
            throw Self.error(fromRE2: message)
        }
        self.handle = handle
    }

    /// RE2 refuses what the parser before it lets through: unknown Unicode groups, names used twice,
    /// programs that are too large.
    private static func error(fromRE2 message: String) -> RegexError {
        if message.hasPrefix("pattern too large") {
            return RegexError("error parsing regexp: expression too large")
        }
        guard let colon = message.firstRange(of: ": ") else {
            return RegexError("error parsing regexp: " + message)
        }
        let code = message[..<colon.lowerBound]
        return RegexError("error parsing regexp: \(code): `\(message[colon.upperBound...])`")
    }

    deinit { cre2_delete(handle) }

    /// The number of capturing groups, without group 0.
    package var groupCount: Int { Int(cre2_group_count(handle)) }

    package func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { matches($0) }
    }

    package func matches(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.withMemoryRebound(to: CChar.self) {
            cre2_full_match(handle, $0.baseAddress, $0.count, nil, 0)
        }
    }

    /// The text of every group (0 = all of it), nil for a group that took no part; nil when `text`
    /// does not match.
    package func groups(_ text: String) -> [String?]? {
        var text = text
        let count = groupCount + 1
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { chars -> [String?]? in
                var groups = [cre2_group](repeating: cre2_group(), count: count)
                guard
                    cre2_full_match(handle, chars.baseAddress, chars.count, &groups, Int32(count))
                else { return nil }
                return groups.map { group in
                    group.start.map { start in
                        String(
                            decoding: UnsafeRawBufferPointer(start: start, count: group.length),
                            as: UTF8.self)
                    }
                }
            }
        }
    }

    /// The number of the group called `name`.
    package func groupIndex(named name: String) -> Int? {
        var name = name
        let index = name.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                cre2_named_group(handle, $0.baseAddress ?? Self.empty, $0.count)
            }
        }
        return index < 0 ? nil : Int(index)
    }

    private nonisolated(unsafe) static let empty: UnsafePointer<CChar> = {
        let byte = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        byte.initialize(to: 0)
        return UnsafePointer(byte)
    }()
}
