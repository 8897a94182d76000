import TSQBase
import TSQModel
import Testing

@testable import TSQHTTP

@Suite("Times, durations and limits of requests")
struct ParameterValuesTests {
    @Test(
        "a time is RFC 3339 or seconds, to the millisecond",
        arguments: [
            ("1767226805", 1_767_226_805_000), ("1767226805.1234", 1_767_226_805_123),
            ("-1.5", -1500), ("1e3", 1_000_000), ("0x10p0", 16_000),
            ("2026-01-01T00:20:05Z", 1_767_226_805_000),
            ("2026-01-01T00:20:05.0305Z", 1_767_226_805_030),
            ("2026-01-01T02:20:05+02:00", 1_767_226_805_000),
            ("1969-12-31T23:59:59.5Z", -500),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("-292273086-05-16T16:47:06Z", ParameterValues.timeMinMs),
        ] as [(String, Int64)])
    func times(text: String, ms: Int64) {
        #expect(ParameterValues.time(text) == ms)
    }

    @Test(
        "what is no time is none",
        arguments: [
            "", "x", "2026-01-01", "2026-13-01T00:00:00Z", "2025-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "1_000",
        ])
    func notTimes(text: String) {
        #expect(ParameterValues.time(text) == nil)
    }

    @Test("durations are seconds or Prometheus durations; what overflows says so")
    func durations() throws {
        func ns(_ text: String) -> Int64? { try? ParameterValues.duration(text).get() }
        func failure(_ text: String) -> String? {
            if case .failure(let error) = ParameterValues.duration(text) {
                error.message
            } else {
                nil
            }
        }
        #expect(ns("15") == 15_000_000_000)
        #expect(ns("0.25") == 250_000_000)
        #expect(ns("1h30m") == 5_400_000_000_000)
        #expect(failure("1x") == "cannot parse \"1x\" to a valid duration")
        #expect(
            failure("1e20")
                == "cannot parse \"1e20\" to a valid duration. It overflows int64")
    }

    @Test(
        "limits are whole numbers from 0 on, with Go's words otherwise",
        arguments: [
            ("", 0, nil), ("0", 0, nil), ("7", 7, nil),
            ("x", 0, #"invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax"#),
            (
                "99999999999999999999", 0,
                #"invalid parameter "limit": strconv.Atoi: parsing "99999999999999999999": value out of range"#
            ),
            ("-1", 0, #"invalid parameter "limit": limit must be non-negative"#),
        ] as [(String, Int, String?)])
    func limits(text: String, limit: Int, message: String?) throws {
        let form = FormParameters(query: "limit=\(text)")
        if let message {
            #expect(throws: APIError(.badData, message)) { try ParameterValues.limit(form) }
        } else {
            #expect(try ParameterValues.limit(form) == limit)
        }
    }
}

@Suite("FormParameters")
struct FormParametersTests {
    @Test("the body's values come before the URL's")
    func order() {
        let form = FormParameters(
            query: "a=url&m[]=3", body: Array("a=body+%26&m%5B%5D=1&m%5B%5D=2".utf8))
        #expect(form["a"] == "body &")
        #expect(form.all("m[]") == ["1", "2", "3"])
        #expect(form.fromURL("a") == "url")
        #expect(form["none"] == "")
    }

    @Test("what cannot be decoded is left out and named")
    func problems() {
        #expect(FormParameters(query: "a=%zz&b=1").problem == "invalid URL escape \"%zz\"")
        #expect(FormParameters(query: "a=%zz&b=1")["b"] == "1")
        #expect(FormParameters(query: "a;b=1").problem == "invalid semicolon separator in query")
        #expect(FormParameters(query: "a=%e2%82%ac")["a"] == "€")
    }
}

@Suite("LabelEscapes")
struct LabelEscapesTests {
    @Test(
        "U__ names are decoded, invalid ones stay",
        arguments: [
            ("U__http_2e_requests", "http.requests"), ("U__a__b", "a_b"), ("U___20ac_", "€"),
            ("U__a_zz_", "U__a_zz_"), ("U__a_2e", "U__a_2e"), ("plain", "plain"),
        ])
    func unescape(name: String, decoded: String) {
        #expect(LabelEscapes.unescaped(name) == decoded)
    }
}
