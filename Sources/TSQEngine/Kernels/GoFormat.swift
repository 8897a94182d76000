import Glibc

/// Number formats of error texts that need a precision. Slow: for errors and remarks only.
enum GoFormat {
    /// Go's `%f` with `decimals` digits.
    static func fixed(_ value: Double, decimals: Int32) -> String {
        special(value) ?? print("%.*f", decimals, value)
    }

    private static func special(_ value: Double) -> String? {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return nil
    }

    private static func print(_ format: String, _ precision: Int32, _ value: Double) -> String {
        // 309 digits before the point of the largest number, sign, point, decimals.
        var buffer = [CChar](repeating: 0, count: 384)
        let written = withVaList([precision, value]) {
            vsnprintf(&buffer, buffer.count, format, $0)
        }
        let bytes = buffer.prefix(max(0, Int(written))).map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
