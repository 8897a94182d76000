import TSQBase
import TSQTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension StoreTorture {
    /// Reads changed stores for some seconds, from a seed on. A trap ends the process: the last line
    /// of standard error is the seed before the batch it happened in.
    static func fuzz(_ seconds: Int64, _ first: UInt64) throws -> Bool {
        var fuzz = try StoreFuzz()
        let clock = SystemClock()
        let start = clock.monotonicNs()
        var seed = first
        while (clock.monotonicNs() - start) / 1_000_000_000 < UInt64(max(0, seconds)) {
            if seed % 100 == 0 { Self.report("\(seed)\n") }
            fuzz.step(seed: seed)
            seed += 1
        }
        print("\(seed - first) changed stores: \(fuzz.answered) read, \(fuzz.refused) refused")
        return fuzz.answered > 0 && fuzz.refused > 0
    }

    private static func report(_ line: String) {
        let bytes = Array(line.utf8)
        _ = send(2, bytes, bytes.count)
    }
}
