import TSQBase

/// Reads the small languages of test scripts byte by byte.
struct NotationScanner {
    private let bytes: [UInt8]
    private(set) var offset = 0

    init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { offset == bytes.count }
    var next: UInt8? { isAtEnd ? nil : bytes[offset] }

    /// The rest, as error texts quote it.
    var remainder: String { String(decoding: bytes[offset...], as: UTF8.self) }

    mutating func advance(_ count: Int = 1) { offset = min(offset + count, bytes.count) }

    mutating func skipSpaces() { _ = take { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") } }

    /// The longest run of bytes that satisfy `isWanted`.
    mutating func take(while isWanted: (UInt8) -> Bool) -> String {
        let start = offset
        while let byte = next, isWanted(byte) { offset += 1 }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    func isNext(_ text: String) -> Bool { bytes[offset...].starts(with: text.utf8) }

    /// Whether `text` comes next; it is consumed if so.
    mutating func skip(_ text: String) -> Bool {
        guard isNext(text) else { return false }
        offset += text.utf8.count
        return true
    }

    mutating func expect(_ text: String) throws(ScriptSyntaxError) {
        guard skip(text) else {
            throw ScriptSyntaxError(
                "expected \(GoQuote.quoted(text)) at \(GoQuote.quoted(remainder))")
        }
    }

    /// A number up to the next byte that cannot belong to one. `x` ends it: here it repeats.
    mutating func number() throws(ScriptSyntaxError) -> Double {
        let start = offset
        if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
        if let letter = next, isLetter(letter) {
            _ = take { isLetter($0) && $0 != UInt8(ascii: "x") }
        } else {
            scanDigits()
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        do {
            return try DecimalParse.double(text)
        } catch {
            throw ScriptSyntaxError("not a number: \(GoQuote.quoted(text + remainder))")
        }
    }

    private mutating func scanDigits() {
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { $0 >= 0x30 && $0 <= 0x39 } ?? false }
        while isDigit(next) || next == UInt8(ascii: ".") { offset += 1 }
        guard let byte = next, byte | 0x20 == UInt8(ascii: "e") else { return }
        let after = offset + 1 < bytes.count ? bytes[offset + 1] : nil
        if isDigit(after) {
            offset += 1
        } else if after == UInt8(ascii: "+") || after == UInt8(ascii: "-") {
            offset += 2
        } else {
            return
        }
        while isDigit(next) { offset += 1 }
    }

    /// The count after `x`.
    mutating func count() throws(ScriptSyntaxError) -> Int {
        let digits = take { $0 >= 0x30 && $0 <= 0x39 }
        guard let count = Int(digits), count <= SeriesNotation.valuesMax else {
            throw ScriptSyntaxError("invalid repetition count \(GoQuote.quoted(digits))")
        }
        return count
    }

    /// A string in any of Go's quotes.
    mutating func quoted() throws(ScriptSyntaxError) -> String {
        guard let quote = next, quote == 0x22 || quote == 0x27 || quote == 0x60 else {
            throw ScriptSyntaxError("expected a quoted string at \(GoQuote.quoted(remainder))")
        }
        let start = offset + 1
        var end = start
        while end < bytes.count, bytes[end] != quote {
            end += bytes[end] == UInt8(ascii: "\\") && quote != 0x60 ? 2 : 1
        }
        guard end < bytes.count else {
            throw ScriptSyntaxError("unterminated string at \(GoQuote.quoted(remainder))")
        }
        offset = end + 1
        let body = Array(bytes[start..<end])
        return quote == 0x60
            ? String(decoding: body, as: UTF8.self) : try Self.unescaped(body)
    }

    private static func unescaped(_ body: [UInt8]) throws(ScriptSyntaxError) -> String {
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12,
            UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
            UInt8(ascii: "v"): 11, 0x5C: 0x5C, 0x22: 0x22, 0x27: 0x27,
        ]
        var result: [UInt8] = []
        var index = 0
        while index < body.count {
            guard body[index] == 0x5C, index + 1 < body.count else {
                result.append(body[index])
                index += 1
                continue
            }
            let letter = body[index + 1]
            index += 2
            if let byte = simple[letter] {
                result.append(byte)
                continue
            }
            let lengths: [UInt8: Int] = [
                UInt8(ascii: "x"): 2, UInt8(ascii: "u"): 4, UInt8(ascii: "U"): 8,
            ]
            let isOctal = letter >= 0x30 && letter <= 0x37
            let digitStart = isOctal ? index - 1 : index
            let digitEnd = digitStart + (isOctal ? 3 : lengths[letter] ?? 0)
            guard isOctal || lengths[letter] != nil, digitEnd <= body.count,
                let code = UInt32(
                    String(decoding: body[digitStart..<digitEnd], as: UTF8.self),
                    radix: isOctal ? 8 : 16)
            else { throw ScriptSyntaxError("invalid escape in a string") }
            if isOctal || letter == UInt8(ascii: "x") {
                result.append(UInt8(truncatingIfNeeded: code))
            } else if let scalar = Unicode.Scalar(code) {
                result.append(contentsOf: Character(scalar).utf8)
            }
            index = digitEnd
        }
        return String(decoding: result, as: UTF8.self)
    }
}

private func isLetter(_ byte: UInt8) -> Bool {
    (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
}
