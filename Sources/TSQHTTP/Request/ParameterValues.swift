import TSQBase
import TSQModel
import TSQPromQL

/// Parameters as values, with Prometheus's texts where they are none.
///
/// - Source: Prometheus web/api/v1: parseTime, parseDuration, parseLimitParam, parseMatchersParam.
enum ParameterValues {
    /// The ends of time that a request without `start` or `end` means; they leave room for adding a
    /// look-back without overflow.
    static let timeMinMs: TimestampMs = .min / 1000 + 62_135_596_801 * 1000
    static let timeMaxMs: TimestampMs = .max / 1000 - 62_135_596_801 * 1000
    private static let timeMinText = "-292273086-05-16T16:47:06Z"
    private static let timeMaxText = "292277025-08-18T07:12:54.999999999Z"

    /// RFC 3339 or seconds.
    static func time(_ text: String) -> TimestampMs? {
        if let seconds = goFloat(text) {
            if let whole = GoNumber.exactInt64(seconds), whole.magnitude < 1 << 50 {
                return whole * 1000
            }
            return GoNumber.int64Saturating((seconds * 1000).rounded())
        }
        if text == timeMinText { return timeMinMs }
        if text == timeMaxText { return timeMaxMs }
        return RFC3339.parse(text)
    }

    /// A required time, as `start` of a range query.
    static func requiredTime(
        _ form: FormParameters, _ name: String
    ) throws(APIError) -> TimestampMs {
        let text = form[name]
        guard let time = time(text) else {
            throw .parameter(name, "cannot parse \(GoQuote.quoted(text)) to a valid timestamp")
        }
        return time
    }

    static func time(
        _ form: FormParameters, _ name: String, default defaultMs: TimestampMs
    ) throws(APIError) -> TimestampMs {
        let text = form[name]
        if text.isEmpty { return defaultMs }
        guard let time = time(text) else {
            throw .parameter(
                name,
                "invalid time value for '\(name)': cannot parse \(GoQuote.quoted(text)) "
                    + "to a valid timestamp")
        }
        return time
    }

    /// Seconds or a Prometheus duration, in nanoseconds.
    static func duration(_ text: String) -> Result<Int64, DurationError> {
        if let seconds = goFloat(text) {
            let ns = seconds * 1e9
            if ns > 0x1p63 || ns < -0x1p63 {
                return .failure(
                    DurationError(
                        message: "cannot parse \(GoQuote.quoted(text)) to a valid duration. "
                            + "It overflows int64"))
            }
            return .success(GoNumber.int64(ns))
        }
        if let ms = try? PromDuration.parse(text) { return .success(ms * 1_000_000) }
        return .failure(
            DurationError(
                message: "cannot parse \(GoQuote.quoted(text)) to a valid duration"))
    }

    struct DurationError: Error { let message: String }

    static func durationNs(
        _ form: FormParameters, _ name: String
    ) throws(APIError) -> Int64 {
        switch duration(form[name]) {
        case .success(let ns): return ns
        case .failure(let error): throw .parameter(name, error.message)
        }
    }

    /// 0 means no limit.
    static func limit(_ form: FormParameters) throws(APIError) -> Int {
        let text = form["limit"]
        if text.isEmpty { return 0 }
        let value: Int
        do throws(GoIntegerError) {
            value = try goInteger(text)
        } catch {
            throw .parameter("limit", error.message)
        }
        if value < 0 { throw .parameter("limit", "limit must be non-negative") }
        return value
    }

    /// Go's `strconv.ParseBool`; false where it is not given.
    static func flag(_ form: FormParameters, _ name: String) throws(APIError) -> Bool {
        switch form[name] {
        case "": return false
        case "1", "t", "T", "TRUE", "true", "True": return true
        case "0", "f", "F", "FALSE", "false", "False": return false
        case let text:
            throw .parameter(
                name,
                "unable to parse boolean: strconv.ParseBool: parsing \(GoQuote.quoted(text)): "
                    + "invalid syntax")
        }
    }

    /// The selectors of `match[]`. The error is a bare text: endpoints frame it differently.
    static func matchers(_ texts: [String]) throws(MatcherError) -> [[LabelMatcher]] {
        var sets: [[LabelMatcher]] = []
        for text in texts {
            do throws(PromQLSyntaxError) {
                sets.append(try PromQLParser.parseSelector(text))
            } catch {
                throw MatcherError(message: error.message)
            }
        }
        if sets.contains(where: { $0.allSatisfy(\.matchesEmpty) }) {
            throw MatcherError(message: "match[] must contain at least one non-empty matcher")
        }
        return sets
    }

    struct MatcherError: Error { let message: String }

    struct GoIntegerError: Error {
        let message: String
    }

    /// Go's `strconv.Atoi`.
    static func goInteger(_ text: String) throws(GoIntegerError) -> Int {
        if let value = Int(text) { return value }
        let digits =
            text.utf8.first == 0x2D || text.utf8.first == 0x2B
            ? text.utf8.dropFirst() : text.utf8[...]
        let isNumber = !digits.isEmpty && digits.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        throw GoIntegerError(
            message: "strconv.Atoi: parsing \(GoQuote.quoted(text)): "
                + (isNumber ? "value out of range" : "invalid syntax"))
    }

    /// Go's `strconv.ParseFloat`, nil where it fails.
    static func goFloat(_ text: String) -> Double? {
        if let value = try? DecimalParse.double(text) { return value }
        guard text.utf8.contains(where: { $0 | 0x20 == 0x78 }) else { return nil }
        // Hexadecimal needs an exponent in Go.
        guard text.utf8.contains(where: { $0 | 0x20 == 0x70 }) else { return nil }
        return Double(text)
    }
}
