import TSQBase

/// The values of literals.
enum LiteralText {
    /// The bytes that a quoted string stands for; nil where it is malformed. The lexer has checked
    /// the escapes. `\xFF` and octal escapes are bytes, so the result may be no UTF-8.
    static func unquote(_ text: String) -> [UInt8]? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 2, let quote = bytes.first, bytes.last == quote else { return nil }
        let inner = bytes[1..<(bytes.count - 1)]
        if quote == UInt8(ascii: "`") { return inner.contains(quote) ? nil : Array(inner) }
        if inner.contains(0x0A) { return nil }
        if !inner.contains(0x5C) { return Array(inner) }
        var result: [UInt8] = []
        var index = inner.startIndex
        while index < inner.endIndex {
            let byte = inner[index]
            index += 1
            guard byte == 0x5C else {
                result.append(byte)
                continue
            }
            guard index < inner.endIndex else { return nil }
            let letter = inner[index]
            index += 1
            switch letter {
            case UInt8(ascii: "a"): result.append(0x07)
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "v"): result.append(0x0B)
            case UInt8(ascii: "x"), UInt8(ascii: "u"), UInt8(ascii: "U"), 0x30...0x37:
                guard let value = number(letter, inner, &index) else { return nil }
                if letter == UInt8(ascii: "u") || letter == UInt8(ascii: "U") {
                    guard let scalar = Unicode.Scalar(value) else { return nil }
                    result.append(contentsOf: String(scalar).utf8)
                } else {
                    guard value < 256 else { return nil }
                    result.append(UInt8(value))
                }
            default: result.append(letter)
            }
        }
        return result
    }

    private static func number(
        _ letter: UInt8, _ bytes: ArraySlice<UInt8>, _ index: inout Int
    ) -> UInt32? {
        let digits: Int
        switch letter {
        case UInt8(ascii: "x"): digits = 2
        case UInt8(ascii: "u"): digits = 4
        case UInt8(ascii: "U"): digits = 8
        default:
            digits = 3
            index -= 1
        }
        guard index + digits <= bytes.endIndex else { return nil }
        let text = String(decoding: bytes[index..<(index + digits)], as: UTF8.self)
        index += digits
        return UInt32(text, radix: digits == 3 ? 8 : 16)
    }

    /// The value of a number: Go's integer literals (`0x1F`, octal `017`, `1_000`), else a float.
    ///
    /// - Returns: nil with Go's reason where the text is no number or too large.
    static func number(_ text: String) -> Result<Double, NumberFailure> {
        let bytes = Array(text.utf8)
        let hasUnderscores = bytes.contains(UInt8(ascii: "_"))
        if hasUnderscores && !areUnderscoresPlaced(bytes) { return .failure(.syntax(text)) }
        let digits = String(decoding: bytes.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
        if let integer = integer(digits) { return .success(Double(integer)) }
        let isHexadecimal = digits.hasPrefix("0x") || digits.hasPrefix("0X")
        if isHexadecimal { return .failure(.syntax(text)) }
        do throws(DecimalParse.Failure) {
            return .success(try DecimalParse.double(Array(digits.utf8).span))
        } catch {
            return .failure(error == .range ? .range(text) : .syntax(text))
        }
    }

    enum NumberFailure: Error {
        case syntax(String)
        case range(String)

        var message: String {
            switch self {
            case .syntax(let text):
                "strconv.ParseFloat: parsing \(GoQuote.quoted(text)): invalid syntax"
            case .range(let text):
                "strconv.ParseFloat: parsing \(GoQuote.quoted(text)): value out of range"
            }
        }
    }

    private static func integer(_ digits: String) -> Int64? {
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
            let rest = digits.dropFirst(2)
            return rest.first == "-" || rest.first == "+" ? nil : Int64(rest, radix: 16)
        }
        if digits.utf8.count > 1, digits.hasPrefix("0") { return Int64(digits, radix: 8) }
        return Int64(digits)
    }

    /// Underscores stand between digits, or between the base's prefix and a digit.
    private static func areUnderscoresPlaced(_ bytes: [UInt8]) -> Bool {
        var index = 0
        var isHexadecimal = false
        var last: UInt8 = 0x21
        if bytes.count >= 2, bytes[0] == 0x30, bytes[1] | 0x20 == UInt8(ascii: "x") {
            isHexadecimal = true
            last = 0x30
            index = 2
        }
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            let isLetter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66
            if byte >= 0x30 && byte <= 0x39 || isHexadecimal && isLetter {
                last = 0x30
            } else if byte == UInt8(ascii: "_") {
                if last != 0x30 { return false }
                last = byte
            } else {
                if last == UInt8(ascii: "_") { return false }
                last = 0x21
            }
        }
        return last != UInt8(ascii: "_")
    }
}
