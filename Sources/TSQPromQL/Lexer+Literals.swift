import TSQBase

extension Lexer {
    // MARK: Strings

    /// The opening quote has been read.
    mutating func scanString(quote: UInt32) -> TokenKind {
        while true {
            let scalar = advance()
            switch scalar {
            case 0x5C:
                if let complaint = scanEscape(quote: quote) { return .error(complaint) }
            case 0xFFFD: return .error("invalid UTF-8 rune")
            case Self.endOfInput, 0x0A: return .error("unterminated quoted string")
            case quote: return .string
            default: break
            }
        }
    }

    mutating func scanRawString() -> TokenKind {
        while true {
            switch advance() {
            case 0xFFFD: return .error("invalid UTF-8 rune")
            case Self.endOfInput: return .error("unterminated raw string")
            case 0x60: return .string
            default: break
            }
        }
    }

    /// Go's escapes; nil where the escape is right.
    private mutating func scanEscape(quote: UInt32) -> String? {
        var scalar = advance()
        var digits = 0
        var base: UInt32 = 16
        var valueMax: UInt32 = 0x10FFFF
        switch scalar {
        case 0x61, 0x62, 0x66, 0x6E, 0x72, 0x74, 0x76, 0x5C, quote: return nil
        case 0x30...0x37: (digits, base, valueMax) = (3, 8, 255)
        case 0x78: (digits, valueMax) = (2, 255)
        case 0x75: digits = 4
        case 0x55: digits = 8
        case Self.endOfInput: return "escape sequence not terminated"
        default: return "unknown escape sequence \(GoRune.codePoint(scalar))"
        }
        if base == 16 { scalar = advance() }
        var value: UInt32 = 0
        while digits > 0 {
            let digit = Self.digitValue(scalar)
            if digit >= base {
                return scalar == Self.endOfInput
                    ? "escape sequence not terminated"
                    : "illegal character \(GoRune.codePoint(scalar)) in escape sequence"
            }
            value = value &* base &+ digit
            digits -= 1
            if digits > 0 { scalar = advance() }
        }
        return value > valueMax || value >= 0xD800 && value < 0xE000
            ? "escape sequence is an invalid Unicode code point" : nil
    }

    /// 16 for what is no digit.
    private static func digitValue(_ scalar: UInt32) -> UInt32 {
        switch scalar {
        case 0x30...0x39: scalar - 0x30
        case 0x61...0x66: scalar - 0x61 + 10
        case 0x41...0x46: scalar - 0x41 + 10
        default: 16
        }
    }

    // MARK: Numbers

    /// A number, or digits with a unit.
    mutating func scanNumberOrDuration() -> TokenKind {
        if scanNumber() { return .number }
        if scanUnits() {
            return .duration
        }
        let text = String(decoding: input[start..<position], as: UTF8.self)
        return .error("bad number or duration syntax: \(GoQuote.quoted(text))")
    }

    /// Whether the digits read so far go on as a duration, which then has been read.
    private mutating func scanUnits() -> Bool {
        guard accept(anyOf: "smhdwy") else { return false }
        // For ms; what is no unit, as hs, fails when the duration is worked out.
        _ = accept(anyOf: "s")
        while accept(anyOf: Self.decimals) {
            while accept(anyOf: Self.decimals) {}
            guard accept(anyOf: "smhdw") else { return false }
            _ = accept(anyOf: "s")
        }
        if Self.isAlphanumeric(peekByte) {
            _ = advance()
            return false
        }
        return true
    }

    private static let decimals: StaticString = "0123456789"
    private static let hexadecimals: StaticString = "0123456789abcdefABCDEF"

    /// Whether the text goes on as a number; what belongs to it has been read in any case.
    private mutating func scanNumber() -> Bool {
        let first = position
        var digits = Self.decimals
        if accept(anyOf: "0"), accept(anyOf: "xX") {
            _ = accept(anyOf: "_")
            digits = Self.hexadecimals
        }
        let isHexadecimal = digits.utf8CodeUnitCount > 10
        _ = accept(anyOf: ".")
        _ = accept(anyOf: digits)
        var sawPoint = false
        var sawExponent = false
        while isNext(digits) || isNext("._eE") {
            if sawPoint, accept(anyOf: ".") { return false }
            if sawExponent, accept(anyOf: "eE") { return false }
            if accept(anyOf: ".") {
                sawPoint = true
                if accept(anyOf: "_.") || isHexadecimal { return false }
            } else if accept(anyOf: "eE") {
                sawExponent = true
                _ = accept(anyOf: "+-")
                if accept(anyOf: "._eE") || position >= input.count { return false }
            } else if accept(anyOf: "_") {
                if accept(anyOf: "._eE") || position >= input.count { return false }
            } else {
                while accept(anyOf: digits) {}
            }
        }
        return position > first && !Self.isAlphanumeric(peekByte)
    }

    private func isNext(_ set: StaticString) -> Bool {
        guard position < input.count else { return false }
        let byte = input[position]
        for index in 0..<set.utf8CodeUnitCount where set.utf8Start[index] == byte { return true }
        return false
    }

    private mutating func accept(anyOf set: StaticString) -> Bool {
        guard isNext(set) else { return false }
        position += 1
        return true
    }
}
