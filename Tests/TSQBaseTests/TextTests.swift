import Testing

@testable import TSQBase

@Suite("Durations, quoting, conversions")
struct TextTests {
    @Test(
        "durations are read and printed",
        arguments: [
            ("5m", 300_000, "5m"), ("1h30m", 5_400_000, "1h30m"), ("100ms", 100, "100ms"),
            ("0", 0, "0s"), ("1y", 31_536_000_000, "1y"), ("2w", 1_209_600_000, "2w"),
            ("90s", 90_000, "1m30s"), ("15d", 1_296_000_000, "15d"), ("24h", 86_400_000, "1d"),
        ] as [(String, Int64, String)])
    func duration(text: String, ms: Int64, printed: String) throws {
        #expect(try PromDuration.parse(text) == ms)
        #expect(PromDuration.format(ms: ms) == printed)
    }

    @Test(
        "units out of order, twice, unknown or missing are refused",
        arguments: ["1m1h", "1s1s", "5", "m", "1.5h", "-1m", "1x", "5m ", "300y"])
    func refused(text: String) {
        #expect(throws: PromDuration.ParseError.self) { try PromDuration.parse(text) }
    }

    @Test("an empty duration says so")
    func emptyDuration() {
        #expect(throws: PromDuration.ParseError.empty) { try PromDuration.parse("") }
    }

    @Test(
        "quoting escapes as Go does",
        arguments: [
            ("a\"b\\c\n\t\r", #""a\"b\\c\n\t\r""#), ("\u{1}\u{7F}", #""\x01\x7f""#),
            ("é€", "\"é€\""), ("\u{200B}", #""\u200b""#), ("\u{E0001}", #""\U000e0001""#),
        ])
    func quoting(text: String, quoted: String) { #expect(GoQuote.quoted(text) == quoted) }

    @Test("no number traps on its way to an integer")
    func conversions() {
        for value in [
            Double.nan, .infinity, -.infinity, 0x1p63, -0x1p63, 1e308, -1e308,
            .leastNonzeroMagnitude, 0.9, -0.9,
        ] {
            _ = GoNumber.int64(value)
            _ = GoNumber.int64Saturating(value)
            _ = GoNumber.uint64Saturating(value)
            _ = GoNumber.exactInt64(value)
        }
        #expect(GoNumber.int64(.nan) == .min && GoNumber.int64(0x1p63) == .min)
        #expect(GoNumber.int64Saturating(1e300) == .max && GoNumber.int64Saturating(.nan) == 0)
        #expect(GoNumber.int64(-1.9) == -1 && GoNumber.exactInt64(1.5) == nil)
        #expect(GoNumber.exactInt64(0x1p53) == 1 << 53)
    }
}
