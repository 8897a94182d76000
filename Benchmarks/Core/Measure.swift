#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
import TSQBase

enum Measure {
    /// Nanoseconds of CPU time of the fastest of `rounds` calls: other work on the machine counts
    /// only by what it does to the caches.
    static func fastestNs(rounds: Int, _ body: () -> Void) -> Double {
        var fastest = UInt64.max
        for _ in 0..<rounds {
            let start = threadNs()
            body()
            fastest = min(fastest, threadNs() - start)
        }
        return Double(fastest)
    }

    static func threadNs() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
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
