import TSQBase

/// Reads Go's syntax of regular expressions: refuses what Go refuses, in its words, and gives the tree.
///
/// - Source: Go regexp/syntax with the flags Perl and DotNL, as of Go 1.26.
struct RegexParser {
    /// Copies that counted repetitions may ask for (`a{1000}`).
    static let repeatCountMax = 1000
    static let nestingMax = 1000

    let scalars: [Unicode.Scalar]
    var position = 0
    /// Where `(?<` has to become `(?P<` for RE2.
    private var shortNamedGroups: [Int] = []
    private var flags = Flags()
    private var group = Group()
    private var outer: [Group] = []

    struct Flags {
        var foldsCase = false
        /// `(?m)`
        var isMultiline = false
        var dotMatchesNewline = true
    }

    /// A parenthesis that is open.
    private struct Group {
        var alternatives: [RegexNode] = []
        var sequence: [RegexNode] = []
        /// Those from before it.
        var flags = Flags()
    }

    init(_ pattern: String) { scalars = Array(pattern.unicodeScalars) }

    /// The tree, and the pattern as RE2 wants it.
    static func parse(
        _ pattern: String
    ) throws(RegexError) -> (tree: RegexNode, pattern: String) {
        var parser = RegexParser(pattern)
        let tree = try parser.parse()
        if parser.shortNamedGroups.isEmpty { return (tree, pattern) }
        var rewritten = String.UnicodeScalarView()
        for (index, scalar) in parser.scalars.enumerated() {
            if parser.shortNamedGroups.contains(index) { rewritten.append("P") }
            rewritten.append(scalar)
        }
        return (tree, String(rewritten))
    }

    // MARK: Text

    var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    func at(_ offset: Int) -> Unicode.Scalar? {
        position + offset < scalars.count ? scalars[position + offset] : nil
    }

    func text(_ start: Int, _ end: Int? = nil) -> String {
        String(String.UnicodeScalarView(scalars[start..<(end ?? scalars.count)]))
    }

    func failure(_ code: String, _ start: Int, _ end: Int? = nil) -> RegexError {
        RegexError("error parsing regexp: \(code): `\(text(start, end))`")
    }

    // MARK: Structure

    private mutating func parse() throws(RegexError) -> RegexNode {
        // Where the repetition operator began that came directly before.
        var lastRepetition: Int?
        while let scalar = next {
            let start = position
            var repetition: Int?
            switch scalar {
            case "(":
                try openGroup()
            case "|":
                position += 1
                closeAlternative()
            case ")": try closeGroup()
            case "*", "+", "?":
                position += 1
                try repeatLast(
                    min: scalar == "+" ? 1 : 0, max: scalar == "?" ? 1 : nil, from: start,
                    after: lastRepetition)
                repetition = start
            case "{":
                if let bounds = try parseBounds() {
                    try repeatLast(
                        min: bounds.min, max: bounds.max, from: start, after: lastRepetition)
                    repetition = start
                } else {
                    position = start + 1
                    append(character("{"))
                }
            default: try parseAtom(scalar)
            }
            lastRepetition = repetition
        }
        guard outer.isEmpty else { throw failure("missing closing )", 0) }
        return finish(&group)
    }

    private mutating func append(_ node: RegexNode) { group.sequence.append(node) }

    private func character(_ scalar: Unicode.Scalar) -> RegexNode {
        .character(scalar, foldsCase: flags.foldsCase)
    }

    private mutating func closeAlternative() {
        group.alternatives.append(Self.concatenation(group.sequence))
        group.sequence = []
    }

    private static func concatenation(_ nodes: [RegexNode]) -> RegexNode {
        nodes.isEmpty ? .empty : nodes.count == 1 ? nodes[0] : .concatenation(nodes)
    }

    private func finish(_ group: inout Group) -> RegexNode {
        let last = Self.concatenation(group.sequence)
        return group.alternatives.isEmpty ? last : .alternation(group.alternatives + [last])
    }

    private mutating func push() throws(RegexError) {
        outer.append(group)
        if outer.count > Self.nestingMax { throw failure("expression nests too deeply", 0) }
        group = Group()
        group.flags = flags
    }

    private mutating func closeGroup() throws(RegexError) {
        guard let parent = outer.popLast() else { throw failure("unexpected )", 0) }
        position += 1
        let node = finish(&group)
        flags = group.flags
        group = parent
        append(node)
    }

    // MARK: Groups

    private mutating func openGroup() throws(RegexError) {
        let start = position
        guard at(1) == "?" else {
            position += 1
            return try push()
        }
        let rest = scalars.count - position
        if rest > 4, at(2) == "P", at(3) == "<" { return try openNamedGroup(nameAt: start + 4) }
        if rest > 3, at(2) == "<" {
            shortNamedGroups.append(start + 2)
            return try openNamedGroup(nameAt: start + 3)
        }
        try parseFlags()
    }

    private mutating func openNamedGroup(nameAt nameStart: Int) throws(RegexError) {
        let start = position
        guard let end = scalars[start...].firstIndex(of: ">") else {
            throw failure("invalid named capture", start)
        }
        let name = scalars[min(nameStart, end)..<end]
        let isValid = name.allSatisfy { $0 == "_" || $0.isASCIIAlphanumeric }
        if name.isEmpty || !isValid { throw failure("invalid named capture", start, end + 1) }
        position = end + 1
        try push()
    }

    /// `(?i)`, `(?i-s:` and their like.
    private mutating func parseFlags() throws(RegexError) {
        let start = position
        position += 2
        var flags = flags
        var isNegative = false
        var sawFlag = false
        while let scalar = next {
            position += 1
            switch scalar {
            case "i": flags.foldsCase = !isNegative
            case "m": flags.isMultiline = !isNegative
            case "s": flags.dotMatchesNewline = !isNegative
            case "U": break
            case "-":
                if isNegative {
                    throw failure("invalid or unsupported Perl syntax", start, position)
                }
                isNegative = true
                sawFlag = false
                continue
            case ":", ")":
                if isNegative && !sawFlag {
                    throw failure("invalid or unsupported Perl syntax", start, position)
                }
                if scalar == ":" { try push() }
                self.flags = flags
                return
            default: throw failure("invalid or unsupported Perl syntax", start, position)
            }
            sawFlag = true
        }
        throw failure("invalid or unsupported Perl syntax", start)
    }

    // MARK: Repetition

    /// Applies a repetition operator that began at `start` and has been read.
    private mutating func repeatLast(
        min: Int, max: Int?, from start: Int, after last: Int?
    ) throws(RegexError) {
        if next == "?" { position += 1 }
        if let last { throw failure("invalid nested repetition operator", last, position) }
        guard let node = group.sequence.popLast() else {
            throw failure("missing argument to repetition operator", start, position)
        }
        let repeated = RegexNode.repetition(node, min: min, max: max)
        if min >= 2 || (max ?? 0) >= 2,
            !repeated.areRepetitionsBounded(by: Self.repeatCountMax)
        {
            throw failure("invalid repeat count", start, position)
        }
        append(repeated)
    }

    /// `{3}`, `{3,}`, `{3,5}`; nil where the brace is an ordinary character.
    private mutating func parseBounds() throws(RegexError) -> (min: Int, max: Int?)? {
        let start = position
        position += 1
        guard var min = parseCount() else { return nil }
        var max: Int? = min
        if next == "," {
            position += 1
            if next == "}" {
                max = nil
            } else {
                guard let count = parseCount() else { return nil }
                max = count
                if count < 0 { min = -1 }
            }
        }
        guard next == "}" else { return nil }
        position += 1
        let limit = Self.repeatCountMax
        if min < 0 || min > limit || max.map({ $0 > limit || min > $0 }) == true {
            throw failure("invalid repeat count", start, position)
        }
        return (min, max)
    }

    /// Digits without a leading 0; −1 for a number that is far too large.
    private mutating func parseCount() -> Int? {
        guard let first = next, first.isASCIIDigit else { return nil }
        if first == "0", let second = at(1), second.isASCIIDigit { return nil }
        var value = 0
        while let digit = next, digit.isASCIIDigit {
            if value < 100_000_000 { value = value * 10 + Int(digit.value - 0x30) }
            position += 1
        }
        return value >= 100_000_000 ? -1 : value
    }

    // MARK: Atoms

    private mutating func parseAtom(_ scalar: Unicode.Scalar) throws(RegexError) {
        switch scalar {
        case "^":
            position += 1
            append(flags.isMultiline ? .condition : .beginText)
        case "$":
            position += 1
            append(flags.isMultiline ? .condition : .endText)
        case ".":
            position += 1
            append(flags.dotMatchesNewline ? .any : .characterClass(nil))
        case "[": append(.characterClass(try parseClass(foldsCase: flags.foldsCase)))
        case "\\": try parseBackslash()
        default:
            position += 1
            append(character(scalar))
        }
    }

    private mutating func parseBackslash() throws(RegexError) {
        let start = position
        switch at(1) {
        case "A": append(.beginText)
        case "z": append(.endText)
        case "b", "B": append(.condition)
        case "C": throw failure("invalid escape sequence", start, start + 2)
        case "Q":
            position += 2
            parseQuotation()
            return
        case "p", "P":
            try parseUnicodeGroup()
            append(.characterClass(nil))
            return
        default:
            if let ranges = takePerlClass() {
                append(.characterClass(ranges.first == nil ? nil : ranges))
            } else {
                append(character(try parseEscape()))
            }
            return
        }
        position += 2
    }

    /// What stands between `\Q` and `\E`.
    private mutating func parseQuotation() {
        while let scalar = next {
            if scalar == "\\", at(1) == "E" {
                position += 2
                return
            }
            position += 1
            append(character(scalar))
        }
    }
}

extension Unicode.Scalar {
    var isASCIIDigit: Bool { value >= 0x30 && value <= 0x39 }

    var isASCIIAlphanumeric: Bool {
        isASCIIDigit || (value | 0x20) >= 0x61 && (value | 0x20) <= 0x7A
    }
}
