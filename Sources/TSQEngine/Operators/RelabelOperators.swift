import TSQModel

/// Series with other labels, values as they are: `label_replace`, `label_join`.
final class RelabelSeries: UnaryOperator {
    /// The new labels of a series, nil where they stay.
    private let change: (ArraySlice<LabelPair>) -> [LabelPair]?
    /// The name is written: it is no longer to be dropped.
    private let setsName: Bool

    init(
        _ child: Operator, setsName: Bool, _ change: @escaping (ArraySlice<LabelPair>) -> [LabelPair]?
    ) {
        self.setsName = setsName
        self.change = change
        super.init(child)
    }

    override func prepare() throws(QueryError) {
        try child.prepare()
        for index in 0..<child.series.count {
            let pairs = child.series.labels[index]
            let drops = child.series.dropsName(index)
            if let changed = change(pairs) {
                series.append(changed, dropsName: drops && !setsName)
            } else {
                series.append(pairs, dropsName: drops)
            }
        }
    }
}

/// Go's replacement templates: `$1`, `${1}`, `$name`, `${name}`, `$$`.
enum RegexTemplate {
    static func expand(_ template: String, _ groups: [String?], _ regex: GoRegex) -> String {
        var result: [UInt8] = []
        let bytes = Array(template.utf8)
        var index = 0
        while index < bytes.count {
            if bytes[index] != 0x24 {
                result.append(bytes[index])
                index += 1
                continue
            }
            if index + 1 < bytes.count && bytes[index + 1] == 0x24 {
                result.append(0x24)
                index += 2
                continue
            }
            guard let (name, next) = reference(bytes, index + 1) else {
                result.append(0x24)
                index += 1
                continue
            }
            index = next
            if let number = groupNumber(name) {
                if number < groups.count, let text = groups[number] {
                    result.append(contentsOf: text.utf8)
                }
            } else if let number = regex.groupIndex(named: name), number < groups.count,
                let text = groups[number]
            {
                result.append(contentsOf: text.utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The name at `start` and the place after it; nil where none is well formed.
    private static func reference(_ bytes: [UInt8], _ start: Int) -> (String, Int)? {
        let braced = start < bytes.count && bytes[start] == 0x7B
        let from = braced ? start + 1 : start
        var end = from
        while end < bytes.count, isNameByte(bytes[end]) { end += 1 }
        if end == from { return nil }
        if braced && (end == bytes.count || bytes[end] != 0x7D) { return nil }
        return (String(decoding: bytes[from..<end], as: UTF8.self), braced ? end + 1 : end)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte == 0x5F
            || byte >= 0x30 && byte <= 0x39 || byte >= 0x80
    }

    /// Only digits, at most 10⁸, and no leading zero unless it is 0 alone.
    private static func groupNumber(_ name: String) -> Int? {
        guard name.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), name.utf8.count < 9,
            name == "0" || name.utf8.first != 0x30
        else { return nil }
        return Int(name)
    }
}
