import TSQModel

/// Go's `Regexp.Expand`: `$1`, `$name`, `${name}`, `$$`.
///
/// A reference takes the longest run of letters, digits and underscores; a group that does not exist
/// or took no part is empty; a dollar without a name stays.
enum RegexTemplate {
    static func expand(_ template: String, _ groups: [String?], _ regex: GoRegex) -> String {
        guard template.utf8.contains(0x24) else { return template }
        var result: [UInt8] = []
        let bytes = Array(template.utf8)
        var index = 0
        while index < bytes.count {
            guard bytes[index] == 0x24 else {
                result.append(bytes[index])
                index += 1
                continue
            }
            if index + 1 < bytes.count, bytes[index + 1] == 0x24 {
                result.append(0x24)
                index += 2
            } else if let (name, end) = reference(bytes, after: index + 1) {
                result.append(contentsOf: value(name, groups, regex).utf8)
                index = end
            } else {
                result.append(0x24)
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    static func reference(
        _ bytes: [UInt8], after start: Int
    ) -> (name: String, end: Int)? {
        let braced = start < bytes.count && bytes[start] == 0x7B
        let first = braced ? start + 1 : start
        var end = first
        while end < bytes.count, isWord(bytes[end]) { end += 1 }
        if end == first { return nil }
        if braced, end >= bytes.count || bytes[end] != 0x7D { return nil }
        return (String(decoding: bytes[first..<end], as: UTF8.self), braced ? end + 1 : end)
    }

    private static func value(_ name: String, _ groups: [String?], _ regex: GoRegex) -> String {
        let number = name.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(name) : nil
        guard let index = number ?? regex.groupIndex(named: name), index < groups.count else {
            return ""
        }
        return groups[index] ?? ""
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte >= 0x30 && byte <= 0x39
            || byte == 0x5F
    }
}
