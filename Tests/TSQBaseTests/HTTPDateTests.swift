import TSQBase
import Testing

@Suite("HTTP dates")
struct HTTPDateTests {
    @Test(
        "times are written as RFC 9110 has them",
        arguments: [
            (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (1_709_251_199_999, "Thu, 29 Feb 2024 23:59:59 GMT"),
        ] as [(TimestampMs, String)])
    func dates(ms: TimestampMs, text: String) {
        #expect(HTTPDate.format(ms: ms) == text)
    }
}
