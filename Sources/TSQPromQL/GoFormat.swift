import TSQBase

/// Number layouts of Go's fmt that error texts and printed expressions need.
enum GoFormat {
    /// `%f`: six decimals, for numbers that have none that matter.
    static func fixed6(_ value: Double) -> String {
        let text = DecimalPrint.string(value, .fixed)
        guard value.isFinite else { return text }
        guard let point = text.firstIndex(of: ".") else { return text + ".000000" }
        let decimals = text[point...].dropFirst()
        return text[..<point] + "." + decimals.prefix(6)
            + String(repeating: "0", count: max(0, 6 - decimals.utf8.count))
    }

    /// Milliseconds as seconds with three decimals: `%.3f`.
    static func seconds3(ms: Int64) -> String {
        let (seconds, rest) = ms.magnitude.quotientAndRemainder(dividingBy: 1000)
        let decimals = String(rest)
        return (ms < 0 ? "-" : "") + "\(seconds)."
            + String(repeating: "0", count: 3 - decimals.utf8.count) + decimals
    }
}

extension GoQuote {
    /// `strconv.Quote` of bytes, of which those that are no UTF-8 print as `\xff`.
    package static func quoted(bytes: [UInt8]) -> String {
        var result = "\""
        var index = 0
        while index < bytes.count {
            var length = 1
            let first = bytes[index]
            if first >= 0xC2 { length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4 }
            let end = min(bytes.count, index + length)
            if let text = String(validating: bytes[index..<end], as: UTF8.self) {
                result += quoted(text).dropFirst().dropLast()
                index = end
            } else {
                let hex = String(first, radix: 16)
                result += "\\x" + (first < 16 ? "0" : "") + hex
                index += 1
            }
        }
        return result + "\""
    }
}
