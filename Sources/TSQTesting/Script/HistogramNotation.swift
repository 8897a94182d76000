import TSQBase
import TSQModel

/// `schema:0 count:3 sum:5 buckets:[1 2]}}`: a native histogram in a script.
enum HistogramNotation {
    /// What stands between `{{` and `}}`; the scanner is past `{{` and will be past `}}`.
    static func parse(
        _ scanner: inout NotationScanner
    ) throws(ScriptSyntaxError) -> (histogram: Histogram, isHintGiven: Bool) {
        var histogram = Histogram()
        var isHintGiven = false
        var positiveOffset: Int32 = 0
        var negativeOffset: Int32 = 0
        scanner.skipSpaces()
        while !scanner.skip("}}") {
            let key = scanner.take {
                $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") || $0 == UInt8(ascii: "_")
            }
            try scanner.expect(":")
            scanner.skipSpaces()
            switch key {
            case "schema": histogram.schema = try integer(&scanner)
            case "count": histogram.count = try scanner.number()
            case "sum": histogram.sum = try scanner.number()
            case "z_bucket": histogram.zeroCount = try scanner.number()
            case "z_bucket_w": histogram.zeroThreshold = try scanner.number()
            case "buckets": histogram.positiveBuckets = try list(&scanner)
            case "n_buckets": histogram.negativeBuckets = try list(&scanner)
            case "offset": positiveOffset = try integer(&scanner)
            case "n_offset": negativeOffset = try integer(&scanner)
            case "custom_values": histogram.customBounds = try list(&scanner)
            case "counter_reset_hint":
                histogram.hint = try hint(&scanner)
                isHintGiven = true
            default: throw ScriptSyntaxError("bad histogram descriptor \(GoQuote.quoted(key))")
            }
            scanner.skipSpaces()
        }
        histogram.positiveSpans = spans(positiveOffset, histogram.positiveBuckets)
        histogram.negativeSpans = spans(negativeOffset, histogram.negativeBuckets)
        return (histogram, isHintGiven)
    }

    private static func spans(_ offset: Int32, _ buckets: [Double]) -> [HistogramSpan] {
        buckets.isEmpty ? [] : [HistogramSpan(offset: offset, length: UInt32(buckets.count))]
    }

    private static func integer(
        _ scanner: inout NotationScanner
    ) throws(ScriptSyntaxError) -> Int32 {
        let value = try scanner.number()
        guard let whole = GoNumber.exactInt64(value), let result = Int32(exactly: whole) else {
            throw ScriptSyntaxError("not a whole number: \(value)")
        }
        return result
    }

    private static func list(
        _ scanner: inout NotationScanner
    ) throws(ScriptSyntaxError) -> [Double] {
        try scanner.expect("[")
        var values: [Double] = []
        scanner.skipSpaces()
        while !scanner.skip("]") {
            values.append(try scanner.number())
            scanner.skipSpaces()
        }
        return values
    }

    private static func hint(
        _ scanner: inout NotationScanner
    ) throws(ScriptSyntaxError) -> CounterResetHint {
        let name = scanner.take {
            $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") || $0 == UInt8(ascii: "_")
        }
        switch name {
        case "unknown": return .unknown
        case "reset": return .reset
        case "not_reset": return .notReset
        case "gauge": return .gauge
        default: throw ScriptSyntaxError("bad counter reset hint \(GoQuote.quoted(name))")
        }
    }
}
