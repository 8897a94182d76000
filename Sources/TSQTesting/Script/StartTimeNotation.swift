import TSQBase

/// The values of an `@st` line: `-30s-1mx2 _ *x3`, start times relative to each point.
enum StartTimeNotation {
    /// - Returns: milliseconds relative to the point, nil for a point without a start time.
    static func parse(_ text: some StringProtocol) throws(ScriptSyntaxError) -> [Int64?] {
        var result: [Int64?] = []
        for item in text.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            var scanner = NotationScanner(item)
            let previous = result.last { $0 != nil } ?? nil
            result += try self.item(&scanner, previous: previous ?? 0)
            guard scanner.isAtEnd, result.count <= SeriesNotation.valuesMax else {
                throw ScriptSyntaxError("invalid start time \(GoQuote.quoted(item))")
            }
        }
        return result
    }

    private static func item(
        _ scanner: inout NotationScanner, previous: Int64
    ) throws(ScriptSyntaxError) -> [Int64?] {
        if scanner.skip("_") {
            return [Int64?](repeating: nil, count: scanner.skip("x") ? try scanner.count() : 1)
        }
        let first = scanner.skip("*") ? previous : try duration(&scanner)
        if scanner.isAtEnd { return [first] }
        if scanner.skip("x") {
            return [Int64?](repeating: first, count: try scanner.count() + 1)
        }
        let step = try duration(&scanner)
        try scanner.expect("x")
        return (0...(try scanner.count())).map { first &+ Int64($0) &* step }
    }

    /// A duration with a sign; `x` is never part of a unit.
    private static func duration(
        _ scanner: inout NotationScanner
    ) throws(ScriptSyntaxError) -> Int64 {
        let isNegative = scanner.skip("-")
        if !isNegative { _ = scanner.skip("+") }
        let text = scanner.take {
            $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x7A && $0 != UInt8(ascii: "x")
        }
        do {
            let ms = try PromDuration.parse(text)
            return isNegative ? -ms : ms
        } catch {
            throw ScriptSyntaxError(error.message)
        }
    }
}
