/// Escapes and what stands in brackets.
extension RegexParser {
    /// `[…]`; nil where the characters are not worked out (negations, Unicode groups, case).
    mutating func parseClass(foldsCase: Bool) throws(RegexError) -> [ClosedRange<UInt32>]? {
        let start = position
        position += 1
        var isKnown = true
        if next == "^" {
            position += 1
            isKnown = false
        }
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while next != "]" || isFirst {
            isFirst = false
            if next == "[", at(1) == ":", scalars.count - position > 2, try skipNamedClass() {
                isKnown = false
            } else if next == "\\", at(1) == "p" || at(1) == "P" {
                try parseUnicodeGroup()
                isKnown = false
            } else if let perl = takePerlClass() {
                if perl.isEmpty { isKnown = false }
                ranges += perl
            } else {
                ranges.append(try parseClassRange(classStart: start))
            }
        }
        position += 1
        if foldsCase {
            isKnown = isKnown && !ranges.contains { Self.hasCaseVariants($0) }
        }
        return isKnown ? Self.merged(ranges) : nil
    }

    private static func hasCaseVariants(_ range: ClosedRange<UInt32>) -> Bool {
        range.upperBound >= 0x80
            || range.contains { Unicode.Scalar($0)?.hasCaseVariants ?? true }
    }

    /// Sorted, without overlaps.
    private static func merged(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound {
                result[result.count - 1] =
                    last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }

    /// One character, or two with a hyphen between.
    private mutating func parseClassRange(
        classStart: Int
    ) throws(RegexError) -> ClosedRange<UInt32> {
        let start = position
        let low = try parseClassCharacter(classStart).value
        guard next == "-", let after = at(1), after != "]" else { return low...low }
        position += 1
        let high = try parseClassCharacter(classStart).value
        if high < low { throw failure("invalid character class range", start, position) }
        return low...high
    }

    private mutating func parseClassCharacter(
        _ classStart: Int
    ) throws(RegexError) -> Unicode.Scalar {
        guard let scalar = next else { throw failure("missing closing ]", classStart) }
        if scalar == "\\" { return try parseEscape() }
        position += 1
        return scalar
    }

    /// `[:alpha:]`; false where it is no such thing.
    private mutating func skipNamedClass() throws(RegexError) -> Bool {
        let start = position
        var end = position + 2
        while end + 1 < scalars.count, scalars[end] != ":" || scalars[end + 1] != "]" { end += 1 }
        guard end + 1 < scalars.count else { return false }
        var name = text(start + 2, end)
        if name.hasPrefix("^") { name.removeFirst() }
        guard Self.namedClasses.contains(name) else {
            throw failure("invalid character class range", start, end + 2)
        }
        position = end + 2
        return true
    }

    private static let namedClasses: Set<String> = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
        "space", "upper", "word", "xdigit",
    ]

    /// `\pL`, `\p{Greek}`: which names there are is left to RE2.
    mutating func parseUnicodeGroup() throws(RegexError) {
        let start = position
        guard let first = at(2) else { throw failure("invalid character class range", start) }
        position += 3
        if first != "{" { return }
        guard let end = scalars[position...].firstIndex(of: "}") else {
            throw failure("invalid character class range", start)
        }
        if end == position { throw failure("invalid character class range", start, end + 1) }
        position = end + 1
    }

    /// `\d`, `\w`, `\s` and, as the empty list, their complements; nil for anything else.
    mutating func takePerlClass() -> [ClosedRange<UInt32>]? {
        guard next == "\\", let letter = at(1) else { return nil }
        let ranges: [ClosedRange<UInt32>]
        switch letter {
        case "d": ranges = [0x30...0x39]
        case "s": ranges = [0x09...0x0A, 0x0C...0x0D, 0x20...0x20]
        case "w": ranges = [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
        case "D", "S", "W": ranges = []
        default: return nil
        }
        position += 2
        return ranges
    }

    // MARK: Escapes

    /// The character that an escape stands for.
    mutating func parseEscape() throws(RegexError) -> Unicode.Scalar {
        let start = position
        position += 1
        guard let scalar = next else {
            throw failure("trailing backslash at end of expression", position)
        }
        position += 1
        switch scalar {
        case "a": return "\u{07}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "x":
            if let value = parseHexadecimal() { return value }
        case "0":
            return octal(scalar)
        case "1", "2", "3", "4", "5", "6", "7":
            // A single digit would be a back-reference.
            if let second = next, second.value >= 0x30, second.value <= 0x37 {
                return octal(scalar)
            }
        default:
            if scalar.value < 0x80, !scalar.isASCIIAlphanumeric { return scalar }
        }
        throw failure("invalid escape sequence", start, position)
    }

    private mutating func octal(_ first: Unicode.Scalar) -> Unicode.Scalar {
        var value = first.value - 0x30
        for _ in 0..<2 {
            guard let digit = next, digit.value >= 0x30, digit.value <= 0x37 else { break }
            value = value * 8 + digit.value - 0x30
            position += 1
        }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    /// After `\x`: two digits, or any number in braces.
    private mutating func parseHexadecimal() -> Unicode.Scalar? {
        guard let first = next else { return nil }
        position += 1
        if first != "{" {
            guard let second = next else { return nil }
            position += 1
            guard let high = Self.digit(first), let low = Self.digit(second) else { return nil }
            return Unicode.Scalar(high * 16 + low)
        }
        var value: UInt32 = 0
        var count = 0
        while let scalar = next {
            position += 1
            if scalar == "}" { return count > 0 ? Unicode.Scalar(value) ?? "\u{FFFD}" : nil }
            guard let digit = Self.digit(scalar) else { return nil }
            value = value * 16 + digit
            if value > 0x10FFFF { return nil }
            count += 1
        }
        return nil
    }

    private static func digit(_ scalar: Unicode.Scalar) -> UInt32? {
        switch scalar.value {
        case 0x30...0x39: scalar.value - 0x30
        case 0x41...0x46: scalar.value - 0x41 + 10
        case 0x61...0x66: scalar.value - 0x61 + 10
        default: nil
        }
    }
}
