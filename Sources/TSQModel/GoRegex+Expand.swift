extension GoRegex {
    /// Go's `Regexp.Expand`: `$1`, `${name}`, `$$` in `template` replaced by the groups of a match of
    /// all of `text`; nil when `text` does not match.
    ///
    /// A group that does not exist or took no part is empty; `$1x` means the group named `1x`.
    package func expand(template: String, matching text: String) -> String? {
        groups(text).map { expand(template: template, groups: $0) }
    }

    /// `expand` with groups at hand.
    package func expand(template: String, groups: [String?]) -> String {
        guard template.utf8.contains(UInt8(ascii: "$")) else { return template }
        var result: [UInt8] = []
        var rest = Substring(template).utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "$") else {
                result.append(byte)
                continue
            }
            if rest.first == UInt8(ascii: "$") {
                rest.removeFirst()
                result.append(byte)
                continue
            }
            guard let name = Self.takeReference(&rest) else {
                // Malformed: Go keeps the dollar sign as it is.
                result.append(byte)
                continue
            }
            let index: Int?
            if name.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), name == "0" || name.first != "0"
            {
                index = Int(name)
            } else {
                index = groupIndex(named: name)
            }
            if let index, index < groups.count, let text = groups[index] {
                result.append(contentsOf: text.utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The name after a `$`, with or without braces; nil where there is none.
    private static func takeReference(_ rest: inout Substring.UTF8View) -> String? {
        var cursor = rest
        let braced = cursor.first == UInt8(ascii: "{")
        if braced { cursor.removeFirst() }
        let scalars = Substring(cursor).unicodeScalars.prefix {
            $0 == "_" || $0.properties.numericType == .decimal || isLetter($0)
        }
        if scalars.isEmpty { return nil }
        let name = String(scalars)
        cursor = cursor.dropFirst(name.utf8.count)
        if braced {
            guard cursor.popFirst() == UInt8(ascii: "}") else { return nil }
        }
        rest = cursor
        return name
    }

    /// Go's `unicode.IsLetter`.
    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            true
        default: false
        }
    }
}
