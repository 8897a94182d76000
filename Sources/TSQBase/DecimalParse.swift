/// Decimal text to `Double`, on bytes.
///
/// Accepts what Go's `strconv.ParseFloat` accepts without hexadecimal and underscores: that is the
/// number syntax of the exposition formats.
package enum DecimalParse {
    package enum Failure: Error, Equatable {
        case syntax
        /// Larger than the largest `Double`.
        case range
    }

    /// The exactly rounded value of `text`.
    ///
    /// - Complexity: a few ns for numbers of at most 15 digits and small exponents (exact in one
    ///   multiplication or division), the standard library's conversion for the others.
    package static func double(_ text: Span<UInt8>) throws(Failure) -> Double {
        var index = 0
        let count = text.count
        var negative = false
        if index < count, text[index] == 0x2D || text[index] == 0x2B {
            negative = text[index] == 0x2D
            index += 1
        }
        let signed = index > 0
        if index < count, text[index] > 0x39 {
            return try special(text, from: index, negative: negative, signed: signed)
        }
        var mantissa: UInt64 = 0
        var digits = 0
        var significant = 0
        var fraction = 0
        var sawPoint = false
        while index < count {
            let byte = text[index]
            if byte == 0x2E {
                if sawPoint { throw .syntax }
                sawPoint = true
            } else if byte >= 0x30 && byte <= 0x39 {
                digits += 1
                if significant > 0 || byte != 0x30 { significant += 1 }
                if significant <= 19 { mantissa = mantissa &* 10 &+ UInt64(byte &- 0x30) }
                if sawPoint { fraction += 1 }
            } else {
                break
            }
            index += 1
        }
        if digits == 0 { throw .syntax }
        var exponent = -fraction
        if index < count {
            exponent += try self.exponent(text, from: index)
        }
        if significant <= 19, mantissa <= 1 << 53 {
            if exponent == 0 { return negative ? -Double(mantissa) : Double(mantissa) }
            if exponent > 0, exponent <= 22 {
                let value = Double(mantissa) * powersOfTen[exponent]
                return negative ? -value : value
            }
            if exponent < 0, exponent >= -22 {
                let value = Double(mantissa) / powersOfTen[-exponent]
                return negative ? -value : value
            }
        }
        return try slow(text)
    }

    package static func double(_ text: String) throws(Failure) -> Double {
        try double(Array(text.utf8).span)
    }

    private static func exponent(_ text: Span<UInt8>, from start: Int) throws(Failure) -> Int {
        var index = start
        guard text[index] == 0x65 || text[index] == 0x45 else { throw .syntax }
        index += 1
        var negative = false
        if index < text.count, text[index] == 0x2D || text[index] == 0x2B {
            negative = text[index] == 0x2D
            index += 1
        }
        if index >= text.count { throw .syntax }
        var value = 0
        while index < text.count {
            let byte = text[index]
            guard byte >= 0x30 && byte <= 0x39 else { throw .syntax }
            // Beyond this the value is 0 or too large whatever the mantissa of a line is.
            if value < 100_000 { value = value * 10 + Int(byte - 0x30) }
            index += 1
        }
        return negative ? -value : value
    }

    private static func special(
        _ text: Span<UInt8>, from start: Int, negative: Bool, signed: Bool
    ) throws(Failure) -> Double {
        func spells(_ word: StaticString) -> Bool {
            let letters = word.utf8CodeUnitCount
            guard text.count - start == letters else { return false }
            for index in 0..<letters where text[start + index] | 0x20 != word.utf8Start[index] {
                return false
            }
            return true
        }
        if spells("inf") || spells("infinity") { return negative ? -.infinity : .infinity }
        if !signed && spells("nan") { return Double(bitPattern: StaleMarker.ordinaryNaNBits) }
        throw .syntax
    }

    private static func slow(_ text: Span<UInt8>) throws(Failure) -> Double {
        let string = text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        guard let value = Double(string) else { throw .syntax }
        if value.isInfinite { throw .range }
        return value
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]
}
