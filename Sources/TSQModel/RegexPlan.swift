/// How values are held against a regular expression: without RE2 wherever its shape allows.
enum RegexPlan: Sendable {
    /// What stands for any text before or after the literal.
    enum Rest: Sendable {
        case nothing, anything, something

        /// Bytes at least.
        var byteCountMin: Int { self == .something ? 1 : 0 }
    }

    /// The values, sorted bytewise.
    case oneOf([[UInt8]])
    /// `.*literal.+` and its like.
    case affix(before: Rest, [UInt8], after: Rest)
    case anyOf([RegexPlan])
    /// Nothing that does not begin with the prefix matches.
    case regex(GoRegex, prefix: [UInt8])

    private static let alternativesMax = 32

    /// - Throws: `RegexError` with Go's reason.
    init(_ pattern: String) throws(RegexError) {
        let (tree, rewritten) = try RegexParser.parse(pattern)
        let bare = Self.withoutAnchors(tree)
        if let plan = Self.shortcut(bare) {
            self = plan
        } else {
            self = .regex(
                try GoRegex(pattern, compiling: rewritten),
                prefix: Array(String(bare.prefix().text).utf8))
        }
    }

    /// The pattern matches whole values, so that `^` before and `$` after it say nothing.
    private static func withoutAnchors(_ tree: RegexNode) -> RegexNode {
        switch tree {
        case .beginText, .endText: return .empty
        case .concatenation(var nodes):
            while case .beginText = nodes.first { nodes.removeFirst() }
            while case .endText = nodes.last { nodes.removeLast() }
            return .concatenation(nodes)
        default: return tree
        }
    }

    private static func shortcut(_ tree: RegexNode) -> RegexPlan? {
        if let values = tree.values() { return .oneOf(sorted(values)) }
        if let plan = affix(tree) { return plan }
        guard case .alternation(let nodes) = tree, nodes.count <= alternativesMax else {
            return nil
        }
        var plans: [RegexPlan] = []
        var values: [String] = []
        for node in nodes {
            if let some = node.values() {
                values += some
            } else if let plan = affix(node) {
                plans.append(plan)
            } else {
                return nil
            }
        }
        if !values.isEmpty { plans.append(.oneOf(sorted(values))) }
        return .anyOf(plans)
    }

    static func sorted(_ values: [String]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        for value in values.sorted(by: isBytewiseLess) where result.last != Array(value.utf8) {
            result.append(Array(value.utf8))
        }
        return result
    }

    private static func affix(_ tree: RegexNode) -> RegexPlan? {
        var nodes: ArraySlice<RegexNode>
        if case .concatenation(let parts) = tree { nodes = parts[...] } else { nodes = [tree] }
        var before = Rest.nothing
        var after = Rest.nothing
        if let first = nodes.first, let rest = rest(first) {
            before = rest
            nodes.removeFirst()
        }
        if let last = nodes.last, let rest = rest(last) {
            after = rest
            nodes.removeLast()
        }
        guard let values = RegexNode.concatenation(Array(nodes)).values(), values.count == 1 else {
            return nil
        }
        return .affix(before: before, Array(values[0].utf8), after: after)
    }

    private static func rest(_ node: RegexNode) -> Rest? {
        guard case .repetition(.any, let min, nil) = node, min <= 1 else { return nil }
        return min == 0 ? .anything : .something
    }

    // MARK: Matching

    func matches(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        switch self {
        case .oneOf(let values): Self.contains(values, value)
        case .affix(let before, let literal, let after):
            Self.matches(value, before, literal, after)
        case .anyOf(let plans): plans.contains { $0.matches(value) }
        case .regex(let regex, let prefix):
            Self.hasPrefix(value, prefix) && regex.matches(value)
        }
    }

    private static func contains(
        _ values: [[UInt8]], _ value: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        var low = 0
        var high = values.count
        while low < high {
            let middle = (low + high) / 2
            if values[middle].lexicographicallyPrecedes(value) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < values.count && values[low].elementsEqual(value)
    }

    private static func hasPrefix(
        _ value: UnsafeBufferPointer<UInt8>, _ prefix: [UInt8]
    ) -> Bool {
        value.count >= prefix.count && value.prefix(prefix.count).elementsEqual(prefix)
    }

    private static func matches(
        _ value: UnsafeBufferPointer<UInt8>, _ before: Rest, _ literal: [UInt8], _ after: Rest
    ) -> Bool {
        let spare = value.count - literal.count
        guard spare >= before.byteCountMin + after.byteCountMin else { return false }
        let first = before == .nothing ? 0 : after == .nothing ? spare : before.byteCountMin
        let last = before == .nothing ? 0 : after == .nothing ? spare : spare - after.byteCountMin
        if before == .nothing && after == .nothing && spare != 0 { return false }
        guard first <= last else { return false }
        for start in first...last where value[start...].starts(with: literal) { return true }
        return false
    }

    // MARK: For the index

    /// All values that match, sorted bytewise; nil: many or unknown.
    var values: [String]? {
        guard case .oneOf(let values) = self else { return nil }
        return values.map { String(decoding: $0, as: UTF8.self) }
    }

    /// What every matching value begins with.
    var prefix: String? {
        switch self {
        case .oneOf(let values):
            return values.count == 1 ? String(decoding: values[0], as: UTF8.self) : nil
        case .affix(.nothing, let literal, _):
            return literal.isEmpty ? nil : String(decoding: literal, as: UTF8.self)
        case .affix, .anyOf: return nil
        case .regex(_, let prefix):
            return prefix.isEmpty ? nil : String(decoding: prefix, as: UTF8.self)
        }
    }
}
