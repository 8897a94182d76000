import Foundation
import TSQBase
import Yams

/// A mapping of the file that is being read key by key: `finish` refuses the keys nobody took.
///
/// Error texts are those of the YAML library that Prometheus uses, so that scripts which look for
/// them go on working.
final class YAMLSection {
    /// The name of the type in error texts.
    let typeName: String
    let mark: Mark?
    private var entries: [(key: String, mark: Mark?, value: Node)] = []
    private var taken: Set<String> = []

    /// - Throws: `ConfigError` when `node` is no mapping.
    init(
        _ node: Node, _ typeName: String = "config.plain", keysAre: String = "string"
    ) throws(ConfigError) {
        self.typeName = typeName
        mark = node.mark
        if Self.isNull(node) { return }
        guard case .mapping(let mapping) = node else {
            throw Self.unmarshal(node, "into \(typeName)")
        }
        for (key, value) in mapping {
            entries.append((try Self.text(key, what: keysAre), key.mark, value))
        }
    }

    /// The keys as they are written, in order.
    var keys: [String] { entries.map(\.key) }

    /// The value of `key`, which counts as known from now on.
    func take(_ key: String) -> Node? {
        taken.insert(key)
        return entries.first { $0.key == key }?.value
    }

    func mark(of key: String) -> Mark? {
        entries.first { $0.key == key }.flatMap { $0.value.mark ?? $0.mark } ?? mark
    }

    /// Refuses keys that were not taken.
    func finish() throws(ConfigError) {
        for entry in entries where !taken.contains(entry.key) {
            throw Self.unmarshalError(
                entry.mark, "field \(entry.key) not found in type \(typeName)")
        }
    }

    /// An error of this section, placed at `key` if it is there.
    func error(_ message: String, at key: String? = nil) -> ConfigError {
        let place = key.flatMap { mark(of: $0) } ?? mark
        return ConfigError(message, line: place?.line, column: place?.column)
    }

    static func error(_ message: String, _ node: Node) -> ConfigError {
        ConfigError(message, line: node.mark?.line, column: node.mark?.column)
    }

    static func unmarshalError(_ mark: Mark?, _ reason: String) -> ConfigError {
        ConfigError(
            "yaml: unmarshal errors:\n  line \(mark?.line ?? 0): \(reason)", line: mark?.line,
            column: mark?.column)
    }

    static func unmarshal(_ node: Node, _ into: String) -> ConfigError {
        let what: String
        switch node {
        case .mapping: what = "!!map"
        case .sequence: what = "!!seq"
        case .scalar(let scalar): what = "!!\(kind(node)) `\(scalar.string.prefix(40))`"
        case .alias: what = "alias"
        }
        return unmarshalError(node.mark, "cannot unmarshal \(what) \(into)")
    }

    static func isNull(_ node: Node) -> Bool {
        hasTag(node, .null)
    }

    /// Whether the node is of this type, after resolving plain scalars.
    static func hasTag(_ node: Node, _ name: Tag.Name) -> Bool {
        node.tag.rawValue == name.rawValue
    }

    private static func kind(_ node: Node) -> String {
        node.tag.rawValue.split(separator: ":").last.map(String.init) ?? "str"
    }
}

/// Values of a key: nil when the key is missing; a key without a value is the type's zero value.
extension YAMLSection {
    /// - Parameter what: Names the value where it is not UTF-8: `label name`.
    static func text(_ node: Node, what: String = "string") throws(ConfigError) -> String {
        guard case .scalar(let scalar) = node else { throw unmarshal(node, "into string") }
        if hasTag(node, .binary) {
            guard let data = Data(base64Encoded: scalar.string) else {
                throw error("yaml: !!binary value contains invalid base64 data", node)
            }
            guard let text = String(data: data, encoding: .utf8) else {
                let shown = String(decoding: data, as: UTF8.self)
                throw error("\"\(shown)\" is not a valid \(what)", node)
            }
            return text
        }
        return isNull(node) ? "" : scalar.string
    }

    func string(_ key: String) throws(ConfigError) -> String? {
        guard let node = take(key) else { return nil }
        return try Self.text(node)
    }

    func bool(_ key: String) throws(ConfigError) -> Bool? {
        guard let node = take(key) else { return nil }
        if Self.isNull(node) { return false }
        // YAML 1.1: y, yes, on are booleans, too.
        switch node.scalar?.string.lowercased() ?? "" {
        case "true", "yes", "on", "y": return true
        case "false", "no", "off", "n": return false
        default: throw Self.unmarshal(node, "into bool")
        }
    }

    func integer(_ key: String, unsigned: Bool = false) throws(ConfigError) -> Int? {
        guard let node = take(key) else { return nil }
        if Self.isNull(node) { return 0 }
        guard Self.hasTag(node, .int), let value = Self.integer(try Self.text(node)),
            !unsigned || value >= 0
        else {
            throw Self.unmarshal(node, "into \(unsigned ? "uint" : "int")")
        }
        return value
    }

    /// Decimal, `0x`, `0o`, `0b`; underscores between digits. (Base 60 is nothing that anyone means.)
    private static func integer(_ text: String) -> Int? {
        var digits = text.filter { $0 != "_" }[...]
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits = digits.dropFirst() }
        var radix = 10
        for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] where digits.hasPrefix(prefix) {
            radix = base
            digits = digits.dropFirst(2)
        }
        guard digits.first != "-", digits.first != "+" else { return nil }
        return Int((isNegative ? "-" : "") + digits, radix: radix)
    }

    func double(_ key: String) throws(ConfigError) -> Double? {
        guard let node = take(key) else { return nil }
        if Self.isNull(node) { return 0 }
        guard let value = Double(try Self.text(node).filter { $0 != "_" }) else {
            throw Self.unmarshal(node, "into float64")
        }
        return value
    }

    /// A duration in ms.
    func durationMs(_ key: String) throws(ConfigError) -> Int64? {
        guard let text = try string(key) else { return nil }
        if let node = take(key), Self.isNull(node) { return 0 }
        do {
            return try PromDuration.parse(text)
        } catch {
            throw self.error(error.message, at: key)
        }
    }

    /// `10MB`, `1KiB`, both in steps of 1024 as Prometheus reads them.
    func byteCount(_ key: String) throws(ConfigError) -> Int? {
        guard let text = try string(key) else { return nil }
        if text.isEmpty || text == "0" { return 0 }
        do {
            return try ByteSize.parse(text)
        } catch {
            throw self.error(error.message, at: key)
        }
    }

    func list(_ key: String) throws(ConfigError) -> [Node]? {
        guard let node = take(key) else { return nil }
        return try Self.nodes(node)
    }

    static func nodes(_ node: Node) throws(ConfigError) -> [Node] {
        if isNull(node) { return [] }
        guard case .sequence(let sequence) = node else {
            // The library takes a single value for a list of one, but not a mapping.
            throw unmarshal(node, "into []string")
        }
        return Array(sequence)
    }

    func strings(_ key: String) throws(ConfigError) -> [String]? {
        guard let node = take(key) else { return nil }
        // One scalar stands for a list of one.
        if case .scalar = node, !Self.isNull(node) { return [try Self.text(node)] }
        var result: [String] = []
        for element in try Self.nodes(node) { result.append(try Self.text(element)) }
        return result
    }

    func section(
        _ key: String, _ typeName: String = "config.plain"
    ) throws(ConfigError) -> YAMLSection? {
        guard let node = take(key) else { return nil }
        return try YAMLSection(node, typeName)
    }

    /// The pairs of a mapping of strings, in the file's order.
    func pairs(
        _ key: String, keysAre: String = "string"
    ) throws(ConfigError) -> [(name: String, value: Node)]? {
        guard let node = take(key) else { return nil }
        let section = try YAMLSection(node, "map[string]string", keysAre: keysAre)
        var result: [(name: String, value: Node)] = []
        for name in section.keys {
            if let value = section.take(name) { result.append((name, value)) }
        }
        return result
    }
}
