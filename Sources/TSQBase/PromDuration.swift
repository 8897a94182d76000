/// Prometheus durations: `1h30m`, `15s`, `100ms`, a bare `0`.
///
/// - Source: prometheus/common model.ParseDuration: units y w d h m s ms in this order, each at most
///   once, y = 365 d, w = 7 d.
package enum PromDuration {
    package enum ParseError: Error, Equatable {
        case empty
        case notADuration(String)
        case outOfRange

        package var message: String {
            switch self {
            case .empty: "empty duration string"
            case .notADuration(let text): "not a valid duration string: \(GoQuote.quoted(text))"
            case .outOfRange: "duration out of range"
            }
        }
    }

    /// Unit names, largest first, with their length in milliseconds.
    static let units: [(name: String, ms: Int64)] = [
        ("y", 365 * 86_400_000), ("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000),
        ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// The length of `text` in milliseconds.
    ///
    /// - Throws: `ParseError`; a length beyond Go's 64-bit nanoseconds (292 years) is `outOfRange`.
    package static func parse(_ text: some StringProtocol) throws(ParseError) -> Int64 {
        if text == "0" { return 0 }
        if text.isEmpty { throw .empty }
        var totalMs: Int64 = 0
        var unitIndexMin = 0
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { $0 >= 0x61 && $0 <= 0x7A }
            rest = rest.dropFirst(letters.count)
            let name = String(decoding: letters, as: UTF8.self)
            guard !digits.isEmpty, let unitIndex = units.firstIndex(where: { $0.name == name }),
                unitIndex >= unitIndexMin
            else { throw .notADuration(String(text)) }
            unitIndexMin = unitIndex + 1
            guard let count = Int64(String(decoding: digits, as: UTF8.self)) else {
                throw .outOfRange
            }
            let (ms, overflow) = count.multipliedReportingOverflow(by: units[unitIndex].ms)
            let (sum, overflowSum) = totalMs.addingReportingOverflow(ms)
            if overflow || overflowSum || sum > Int64.max / 1_000_000 { throw .outOfRange }
            totalMs = sum
        }
        return totalMs
    }

    /// The shortest exact spelling, as Prometheus's `model.Duration.String()`: years, weeks and days
    /// only where they divide the length without rest; `0s` for zero.
    package static func format(ms: Int64) -> String {
        if ms == 0 { return "0s" }
        var rest = ms.magnitude
        var text = ms < 0 ? "-" : ""
        func take(_ unit: String, _ unitMs: UInt64, exact: Bool) {
            if exact && rest % unitMs != 0 { return }
            let count = rest / unitMs
            if count > 0 {
                text += "\(count)\(unit)"
                rest -= count * unitMs
            }
        }
        take("y", 365 * 86_400_000, exact: true)
        take("w", 7 * 86_400_000, exact: true)
        take("d", 86_400_000, exact: false)
        take("h", 3_600_000, exact: false)
        take("m", 60_000, exact: false)
        take("s", 1000, exact: false)
        take("ms", 1, exact: false)
        return text
    }
}
