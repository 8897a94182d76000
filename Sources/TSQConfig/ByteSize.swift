import TSQBase

/// Sizes with a unit: `512MB`, `1.5GiB`, `100B`; every unit is a power of 1024.
///
/// - Source: the library that Prometheus uses for `body_size_limit` and `retention.size`.
package enum ByteSize {
    package struct Failure: Error, Equatable {
        package let message: String
    }

    private static let powers: [(letter: UInt8, shift: Int)] = [
        (0x4B, 10), (0x4D, 20), (0x47, 30), (0x54, 40), (0x50, 50), (0x45, 60),
    ]

    package static func parse(_ text: String) throws(Failure) -> Int {
        let bytes = Array(text.utf8)
        let isNegative = bytes.first == 0x2D
        let start = isNegative || bytes.first == 0x2B ? 1 : 0
        var end = start
        while end < bytes.count, bytes[end] &- 0x30 < 10 || bytes[end] == 0x2E { end += 1 }
        let number = String(decoding: bytes[start..<end], as: UTF8.self)
        guard end > start, let value = Double(number) else {
            throw Failure(message: "units: invalid \(text)")
        }
        let unit = String(decoding: bytes[end...], as: UTF8.self)
        guard let shift = shift(unit) else {
            throw Failure(message: "units: unknown unit \(unit) in \(text)")
        }
        let scaled = value * Double(sign: .plus, exponent: shift, significand: 1)
        guard let result = GoNumber.exactInt64(scaled.rounded(.towardZero)) else {
            throw Failure(message: "units: \(text) is too large")
        }
        return Int(isNegative ? -result : result)
    }

    private static func shift(_ unit: String) -> Int? {
        if unit == "B" { return 0 }
        let bytes = Array(unit.utf8)
        guard let letter = bytes.first,
            let power = powers.first(where: { $0.letter == letter & 0xDF })
        else { return nil }
        let rest = String(decoding: bytes.dropFirst(), as: UTF8.self)
        return rest == "B" || rest == "iB" ? power.shift : nil
    }

    /// The largest unit that divides the size: `1GiB`.
    package static func format(_ byteCount: Int) -> String {
        if byteCount == 0 { return "0B" }
        let names = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var text = byteCount < 0 ? "-" : ""
        var rest = byteCount.magnitude
        // As the library prints it: every unit that has a share, largest first.
        for index in names.indices.reversed() {
            let unit = UInt(1) << UInt(10 * (index + 1))
            if rest >= unit {
                text += "\(rest / unit)\(names[index])"
                rest %= unit
            }
        }
        if rest > 0 { text += "\(rest)B" }
        return text
    }
}
