import TSQBase
import Testing

@Suite("RFC 3339")
struct RFC3339Tests {
    @Test("RFC 3339 is printed in UTC without zeros at the end")
    func format() {
        #expect(RFC3339.format(ms: 1_767_226_805_000) == "2026-01-01T00:20:05Z")
        #expect(RFC3339.format(ms: 1_767_226_805_120) == "2026-01-01T00:20:05.12Z")
        #expect(RFC3339.format(ms: -1) == "1969-12-31T23:59:59.999Z")
    }

    @Test("RFC 3339 reads back what it prints")
    func roundTrip() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<1000 {
            let ms = Int64(bitPattern: random.next() % 300_000_000_000_000) - 60_000_000_000_000
            #expect(RFC3339.parse(RFC3339.format(ms: ms)) == ms)
        }
    }

    @Test("whole seconds are those in which the time lies, for any time")
    func seconds() {
        #expect(RFC3339.formatSeconds(ms: 1_767_226_805_999) == "2026-01-01T00:20:05Z")
        #expect(RFC3339.formatSeconds(ms: -1) == "1969-12-31T23:59:59Z")
        #expect(RFC3339.formatSeconds(ms: .max).hasSuffix("T07:12:55Z"))
        #expect(RFC3339.formatSeconds(ms: .min).hasSuffix("T16:47:04Z"))
    }
}
