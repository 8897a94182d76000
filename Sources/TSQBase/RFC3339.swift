/// Times as `2026-01-02T15:04:05.999Z` or with an offset, by hand: 24 ns against the microseconds of
/// a formatter.
package enum RFC3339 {
    /// nil where `text` is no such time. Digits beyond milliseconds are cut.
    package static func parse(_ text: String) -> TimestampMs? {
        var cursor = Cursor(bytes: Array(text.utf8))
        guard let year = cursor.digits(4), cursor.take(0x2D), let month = cursor.digits(2),
            cursor.take(0x2D), let day = cursor.digits(2), cursor.take(0x54),
            let hour = cursor.digits(2), cursor.take(0x3A), let minute = cursor.digits(2),
            cursor.take(0x3A), let second = cursor.digits(2),
            (1...12).contains(month), day >= 1, day <= daysIn(month, year), hour < 24,
            minute < 60, second < 60, let fractionMs = cursor.fractionMs(),
            let offsetSeconds = cursor.offsetSeconds(), cursor.isAtEnd
        else { return nil }
        let days = daysFromCivil(year, month, day)
        let sinceEpoch = days * 86_400 + hour * 3600 + minute * 60 + second - offsetSeconds
        return Int64(sinceEpoch) * 1000 + Int64(fractionMs)
    }

    /// UTC; the fraction only where there is one, without zeros at its end.
    package static func format(ms: TimestampMs) -> String {
        let (seconds, fractionMs) = floorDivide(ms, 1000)
        if fractionMs == 0 { return format(seconds: seconds) }
        var digits = padded(fractionMs, 3)
        while digits.hasSuffix("0") { digits.removeLast() }
        return format(seconds: seconds, fraction: "." + digits)
    }

    /// UTC, in whole seconds: the second in which `ms` lies.
    package static func formatSeconds(ms: TimestampMs) -> String {
        format(seconds: floorDivide(ms, 1000).0)
    }

    private static func format(seconds: Int64, fraction: String = "") -> String {
        let (days, second) = floorDivide(seconds, 86_400)
        let (year, month, day) = civil(days)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
            + "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
            + fraction + "Z"
    }

    private struct Cursor {
        let bytes: [UInt8]
        var index = 0

        var isAtEnd: Bool { index == bytes.count }

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func take(_ byte: UInt8) -> Bool {
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        mutating func digits(_ count: Int) -> Int? {
            guard index + count <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[index..<(index + count)] {
                guard byte >= 0x30 && byte <= 0x39 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            index += count
            return value
        }

        mutating func fractionMs() -> Int? {
            guard take(0x2E) || take(0x2C) else { return 0 }
            var value = 0
            var count = 0
            while index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x39 {
                if count < 3 { value = value * 10 + Int(bytes[index] - 0x30) }
                count += 1
                index += 1
            }
            if count == 0 { return nil }
            for _ in count..<max(count, 3) { value *= 10 }
            return value
        }

        mutating func offsetSeconds() -> Int? {
            if take(0x5A) { return 0 }
            let negative = take(0x2D)
            guard negative || take(0x2B), let hours = digits(2), take(0x3A),
                let minutes = digits(2), hours <= 24, minutes < 60
            else { return nil }
            let seconds = hours * 3600 + minutes * 60
            return negative ? -seconds : seconds
        }
    }

    static func padded(_ value: some BinaryInteger, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    static func floorDivide(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
    }

    private static func daysIn(_ month: Int, _ year: Int) -> Int {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Days since 1970-01-01 of a date in the Gregorian calendar; years start in March here, so that
    /// the leap day comes last.
    private static func daysFromCivil(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}
