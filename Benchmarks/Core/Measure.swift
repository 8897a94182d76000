import TSQBase

enum Measure {
    /// Nanoseconds of the fastest of `rounds` calls.
    static func fastestNs(rounds: Int, _ body: () -> Void) -> Double {
        let clock = SystemClock()
        var fastest = UInt64.max
        for _ in 0..<rounds {
            let start = clock.monotonicNs()
            body()
            fastest = min(fastest, clock.monotonicNs() - start)
        }
        return Double(fastest)
    }

    /// `value` with `digits` decimals, right-aligned.
    static func column(_ value: Double, digits: Int = 2, width: Int = 10) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let whole = GoNumber.int64((value * scale).rounded())
        var text = String(whole.magnitude)
        while text.utf8.count <= digits { text = "0" + text }
        if digits > 0 { text.insert(".", at: text.index(text.endIndex, offsetBy: -digits)) }
        return left(whole < 0 ? "-" + text : text, width: width)
    }

    private static func left(_ text: String, width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.utf8.count)) + text
    }

    static func name(_ text: String, width: Int = 16) -> String {
        text + String(repeating: " ", count: max(0, width - text.utf8.count))
    }
}
