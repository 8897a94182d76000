/// A regular expression's tree, as far as shortcuts need it.
indirect enum RegexNode {
    /// Matches the empty string only.
    case empty
    /// One character, in any case if `foldsCase`.
    case character(Unicode.Scalar, foldsCase: Bool)
    /// One of some characters; nil: which is not worked out.
    case characterClass([ClosedRange<UInt32>]?)
    /// Any character, newline included.
    case any
    case beginText
    case endText
    /// A condition on the place (`\b`, `(?m)^`).
    case condition
    case concatenation([RegexNode])
    case alternation([RegexNode])
    /// `max` nil: without end.
    case repetition(RegexNode, min: Int, max: Int?)

    /// Whether counted repetitions within each other stay below `limit` copies altogether.
    ///
    /// - Source: Go regexp/syntax, `repeatIsValid`.
    func areRepetitionsBounded(by limit: Int) -> Bool {
        switch self {
        case .repetition(let node, let min, let max):
            // *, + and ? are no counted repetitions in Go.
            let isCounted = !(max == nil && min <= 1) && !(max == 1 && min == 0)
            guard isCounted else { return node.areRepetitionsBounded(by: limit) }
            let count = max ?? min
            if count == 0 { return true }
            return count <= limit && node.areRepetitionsBounded(by: limit / count)
        case .concatenation(let nodes), .alternation(let nodes):
            return nodes.allSatisfy { $0.areRepetitionsBounded(by: limit) }
        default: return true
        }
    }
}

extension RegexNode {
    /// More values than this are not listed: then a regular expression is as good.
    static let setCountMax = 256
    /// Trees that are nested deeper are not looked into.
    private static let analysisDepthMax = 50

    /// All strings that match, unsorted, where they are few; nil: many, or not worked out.
    func values(depth: Int = 0) -> [String]? {
        if depth > Self.analysisDepthMax { return nil }
        switch self {
        case .empty: return [""]
        case .character(let scalar, let foldsCase):
            if foldsCase && scalar.hasCaseVariants { return nil }
            return [String(scalar)]
        case .characterClass(let ranges):
            guard let ranges, ranges.reduce(0, { $0 + $1.count }) <= Self.setCountMax else {
                return nil
            }
            return ranges.flatMap { $0.compactMap { Unicode.Scalar($0).map { String($0) } } }
        case .any, .beginText, .endText, .condition: return nil
        case .concatenation(let nodes):
            var values = [""]
            for node in nodes {
                guard let next = node.values(depth: depth + 1) else { return nil }
                guard let product = Self.product(values, next) else { return nil }
                values = product
            }
            return values
        case .alternation(let nodes):
            var values: [String] = []
            for node in nodes {
                guard let next = node.values(depth: depth + 1) else { return nil }
                values += next
                if values.count > Self.setCountMax { return nil }
            }
            return values
        case .repetition(let node, let min, let max?):
            guard max <= Self.setCountMax, let once = node.values(depth: depth + 1) else {
                return nil
            }
            var values: [String] = min == 0 ? [""] : []
            var power = [""]
            for count in stride(from: 1, through: max, by: 1) {
                guard let product = Self.product(power, once) else { return nil }
                power = product
                if count >= min { values += power }
                if values.count > Self.setCountMax { return nil }
            }
            return values
        case .repetition(_, _, nil): return nil
        }
    }

    private static func product(_ a: [String], _ b: [String]) -> [String]? {
        if a.count * b.count > setCountMax { return nil }
        return b.count == 1 && a.count == 1 ? [a[0] + b[0]] : a.flatMap { x in b.map { x + $0 } }
    }

    /// Characters that every match begins with.
    func prefix(depth: Int = 0) -> (text: String.UnicodeScalarView, isWhole: Bool) {
        var text = String.UnicodeScalarView()
        if depth > Self.analysisDepthMax { return (text, false) }
        switch self {
        case .empty: return (text, true)
        case .character(let scalar, let foldsCase):
            if foldsCase && scalar.hasCaseVariants { return (text, false) }
            text.append(scalar)
            return (text, true)
        case .concatenation(let nodes):
            for node in nodes {
                let next = node.prefix(depth: depth + 1)
                text.append(contentsOf: next.text)
                if !next.isWhole { return (text, false) }
            }
            return (text, true)
        case .alternation(let nodes):
            let prefixes = nodes.map { $0.prefix(depth: depth + 1) }
            guard let first = prefixes.first else { return (text, false) }
            var common = first.text[...]
            for next in prefixes.dropFirst() {
                let same = zip(common, next.text).prefix { $0 == $1 }.count
                common = common.prefix(same)
            }
            text.append(contentsOf: common)
            return (text, false)
        case .repetition(let node, let min, let max):
            if min == 0 { return (text, max == 0) }
            let next = node.prefix(depth: depth + 1)
            return (next.text, next.isWhole && min == 1 && max == 1)
        case .characterClass, .any, .beginText, .endText, .condition: return (text, false)
        }
    }
}

extension Unicode.Scalar {
    /// Whether the character may equal another one when case does not count. Errs towards yes.
    var hasCaseVariants: Bool {
        if value < 0x80 { return (value | 0x20) >= 0x61 && (value | 0x20) <= 0x7A }
        return true
    }
}
