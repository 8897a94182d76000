import TSQBase

/// Cuts a query into tokens, one at a time: what a character means depends on the brackets that are
/// open.
///
/// - Source: the rules and error texts of Prometheus promql/parser/lex.go.
struct Lexer {
    let input: [UInt8]
    var position = 0
    /// Where the token being read begins.
    var start = 0
    private var parenDepth = 0
    private var isBraceOpen = false
    private var isBracketOpen = false
    private var sawColon = false
    private var sawDuration = false
    /// Directly after `[`, before the first number: fewer characters are allowed.
    private var isAtDuration = false
    private var isFinished = false

    init(_ text: String) { input = Array(text.utf8) }

    static let endOfInput: UInt32 = .max

    /// The next token; after an error or the end always the end.
    mutating func next() -> Token {
        if isFinished { return token(.endOfInput) }
        let kind = scan()
        if case .error = kind {
            isFinished = true
            return Token(kind: kind, start: start, end: input.count, text: "")
        }
        if kind == .endOfInput { isFinished = true }
        return token(kind)
    }

    private mutating func token(_ kind: TokenKind) -> Token {
        let token = Token(
            kind: kind, start: start, end: position,
            text: String(decoding: input[start..<position], as: UTF8.self))
        start = position
        return token
    }

    private mutating func scan() -> TokenKind {
        skipBlanks()
        start = position
        if isBraceOpen { return scanInsideBraces() }
        return isAtDuration ? scanDurationStart() : scanStatement()
    }

    private mutating func skipBlanks() {
        while position < input.count {
            let byte = input[position]
            if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
                position += 1
            } else if byte == UInt8(ascii: "#"), !isAtDuration {
                while position < input.count, input[position] != 0x0A, input[position] != 0x0D {
                    position += 1
                }
            } else {
                return
            }
        }
    }

    // MARK: Outside braces

    private mutating func scanStatement() -> TokenKind {
        let scalar = advance()
        if scalar == Self.endOfInput {
            if parenDepth != 0 { return .error("unclosed left parenthesis") }
            return isBracketOpen ? .error("unclosed left bracket") : .endOfInput
        }
        guard scalar < 0x80 else { return unexpected(scalar) }
        let byte = UInt8(scalar)
        if Self.isDigit(byte) || byte == UInt8(ascii: ".") && Self.isDigit(peekByte) {
            position -= 1
            return scanNumberOrDuration()
        }
        if Self.isLetter(byte) || byte == UInt8(ascii: ":") { return scanWord(byte) }
        switch byte {
        case UInt8(ascii: ","): return .comma
        case UInt8(ascii: "@"): return .at
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return scanString(quote: scalar)
        case UInt8(ascii: "`"): return scanRawString()
        case UInt8(ascii: "("), UInt8(ascii: ")"): return scanParen(byte)
        case UInt8(ascii: "{"):
            isBraceOpen = true
            return .leftBrace
        case UInt8(ascii: "["):
            if isBracketOpen { return .error("unexpected left bracket '['") }
            sawColon = false
            isBracketOpen = true
            isAtDuration = true
            return .leftBracket
        case UInt8(ascii: "]"):
            if !isBracketOpen { return .error("unexpected right bracket ']'") }
            isBracketOpen = false
            return .rightBracket
        default: return scanOperator(byte)
        }
    }

    private func unexpected(_ scalar: UInt32) -> TokenKind {
        .error("unexpected character: \(GoRune.quoted(scalar))")
    }

    private mutating func scanParen(_ byte: UInt8) -> TokenKind {
        if byte == UInt8(ascii: "(") {
            parenDepth += 1
            return .leftParen
        }
        parenDepth -= 1
        if parenDepth < 0 {
            start = position
            return .error("unexpected right parenthesis ')'")
        }
        return .rightParen
    }

    private mutating func scanOperator(_ byte: UInt8) -> TokenKind {
        switch byte {
        case UInt8(ascii: "*"): return .binary(.multiply)
        case UInt8(ascii: "/"): return .binary(.divide)
        case UInt8(ascii: "%"): return .binary(.modulo)
        case UInt8(ascii: "+"): return .binary(.add)
        case UInt8(ascii: "-"): return .binary(.subtract)
        case UInt8(ascii: "^"): return .binary(.power)
        case UInt8(ascii: "="):
            if accept("=") { return .binary(.equal) }
            if peekByte == UInt8(ascii: "~") {
                return .error("unexpected character after '=': '~'")
            }
            return .assign
        case UInt8(ascii: "!"):
            let next = advance()
            if next == 0x3D { return .binary(.notEqual) }
            return .error("unexpected character after '!': \(GoRune.quoted(next))")
        case UInt8(ascii: "<"):
            if accept("=") { return .binary(.lessOrEqual) }
            return .binary(accept("/") ? .trimUpper : .less)
        case UInt8(ascii: ">"):
            if accept("=") { return .binary(.greaterOrEqual) }
            return .binary(accept("/") ? .trimLower : .greater)
        default: return unexpected(UInt32(byte))
        }
    }

    private mutating func scanWord(_ first: UInt8) -> TokenKind {
        if isBracketOpen {
            if first == UInt8(ascii: ":") {
                if sawColon { return .error("unexpected colon ':'") }
                sawColon = true
                return .colon
            }
            return scanDurationWord(first)
                ?? .error("unexpected character: \(GoRune.quoted(UInt32(first))), expected ':'")
        }
        var hasColon = first == UInt8(ascii: ":")
        while position < input.count {
            let byte = input[position]
            if byte == UInt8(ascii: ":") {
                hasColon = true
            } else if !Self.isLetter(byte) && !Self.isDigit(byte) {
                break
            }
            position += 1
        }
        if hasColon { return .metricIdentifier }
        let word = String(decoding: input[start..<position], as: UTF8.self).lowercased()
        return TokenKind.words[word] ?? .identifier
    }

    // MARK: Inside brackets

    /// Between `[` and the first number.
    private mutating func scanDurationStart() -> TokenKind {
        let scalar = advance()
        if scalar == Self.endOfInput {
            return .error("unexpected end of input in duration expression")
        }
        switch scalar {
        case 0x5D:
            isBracketOpen = false
            isAtDuration = false
            sawColon = false
            return .rightBracket
        case 0x3A: return scanDurationColon()
        case 0x28, 0x29: return scanParen(UInt8(scalar))
        case 0x2B, 0x2D, 0x2A, 0x2F, 0x25, 0x5E: return scanOperator(UInt8(scalar))
        case 0x2C: return .comma
        default: break
        }
        if scalar < 0x80 {
            let byte = UInt8(scalar)
            if Self.isDigit(byte) || byte == UInt8(ascii: ".") && Self.isDigit(peekByte) {
                position -= 1
                sawDuration = true
                isAtDuration = false
                return scanNumberOrDuration()
            }
            if let word = scanDurationWord(byte) { return word }
        }
        return .error("unexpected character in duration expression: \(GoRune.quoted(scalar))")
    }

    private mutating func scanDurationColon() -> TokenKind {
        start = position
        if !sawDuration {
            return .error("unexpected colon before duration in duration expression")
        }
        if sawColon { return .error("unexpected repeated colon in duration expression") }
        start = position - 1
        sawColon = true
        return .colon
    }

    /// `step`, `range`, `min_of`, `max_of`: the only words inside brackets.
    private mutating func scanDurationWord(_ first: UInt8) -> TokenKind? {
        switch first | 0x20 {
        case UInt8(ascii: "s"), UInt8(ascii: "m"), UInt8(ascii: "r"): break
        default: return nil
        }
        while position < input.count, Self.isLetter(input[position]) { position += 1 }
        let word = String(decoding: input[start..<position], as: UTF8.self).lowercased()
        switch Preprocessor(rawValue: word) {
        case .none, .start, .end: return nil
        case .some(let word):
            sawDuration = true
            return .preprocessor(word)
        }
    }

    // MARK: Inside braces

    private mutating func scanInsideBraces() -> TokenKind {
        let scalar = advance()
        if scalar == Self.endOfInput { return .error("unexpected end of input inside braces") }
        if scalar < 0x80, Self.isLetter(UInt8(scalar)) {
            while position < input.count, Self.isAlphanumeric(input[position]) { position += 1 }
            return .identifier
        }
        switch scalar {
        case 0x2C: return .comma
        case 0x22, 0x27: return scanString(quote: scalar)
        case 0x60: return scanRawString()
        case 0x3D: return accept("~") ? .equalRegex : .assign
        case 0x21:
            let next = advance()
            if next == 0x7E { return .notEqualRegex }
            if next == 0x3D { return .binary(.notEqual) }
            return .error(
                "unexpected character after '!' inside braces: \(GoRune.quoted(next))")
        case 0x7B: return .error("unexpected left brace '{'")
        case 0x7D:
            isBraceOpen = false
            return .rightBrace
        default:
            return .error("unexpected character inside braces: \(GoRune.quoted(scalar))")
        }
    }

    // MARK: Characters

    /// Consumes one character.
    mutating func advance() -> UInt32 {
        guard position < input.count else { return Self.endOfInput }
        let first = input[position]
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard length > 1 else {
            position += 1
            return UInt32(first)
        }
        // The input comes from a String, so the sequence is complete and valid.
        var value = UInt32(first) & (0x7F >> UInt32(length))
        for index in (position + 1)..<(position + length) {
            value = value << 6 | UInt32(input[index] & 0x3F)
        }
        position += length
        return value
    }

    /// The next byte, 0 at the end.
    var peekByte: UInt8 { position < input.count ? input[position] : 0 }

    mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard position < input.count, UInt32(input[position]) == character.value else {
            return false
        }
        position += 1
        return true
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte == 0x5F
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }
}

/// A character in Go's error texts.
enum GoRune {
    /// Go's `%q` of a rune: `'x'`; what is no character prints as U+FFFD.
    static func quoted(_ value: UInt32) -> String {
        let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
        switch scalar {
        case "'": return "'\\''"
        case "\"": return "'\"'"
        default:
            let text = GoQuote.quoted(String(scalar))
            return "'" + text.dropFirst().dropLast() + "'"
        }
    }

    /// Go's `%#U`: `U+0078 'x'`.
    static func codePoint(_ value: UInt32) -> String {
        let hex = String(value, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: max(0, 4 - hex.utf8.count)) + hex
        guard let scalar = Unicode.Scalar(value), isPrintable(scalar) else { return "U+" + padded }
        return "U+\(padded) '\(scalar)'"
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\"" || scalar == "\\"
            || GoQuote.quoted(String(scalar)).unicodeScalars.count == 3
    }
}
