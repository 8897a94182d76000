import TSQBase
import TSQModel

/// Everything that a store has as lines of text, exact to the bit: what `Tests/system/read_store.py`
/// prints, too.
package enum StoreDump {
    /// Hands `line` the labels of each series, in label order, and then its samples.
    package static func write(_ source: some SeriesSource, _ line: (String) -> Void) throws {
        let symbols = SymbolTable()
        let selection = try source.select(
            SelectRequest(
                matchers: [try LabelMatcher(LabelName.metricName, .regex, ".*")], fromMs: .min,
                toMs: .max), symbols: symbols)
        var columns = SampleColumns()
        for index in 0..<selection.count {
            try selection.read(index, fromMs: .min, toMs: .max, into: &columns)
            if columns.isEmpty { continue }
            let pairs = selection.labels.labelSet(index, symbols).labels.map {
                "[\(json($0.name)),\(json($0.value))]"
            }
            line("[\(pairs.joined(separator: ","))]")
            for row in columns.times.indices {
                let start = columns.startTimes.isEmpty ? 0 : columns.startTimes[row]
                line("f \(columns.times[row]) \(words([columns.values[row]])) \(start)")
            }
            for row in 0..<columns.histograms.count { line(text(columns.histograms, row)) }
        }
    }

    private static func text(_ columns: HistogramColumns, _ row: Int) -> String {
        let h = columns.histogram(row)
        let start = columns.startTimes.isEmpty ? 0 : columns.startTimes[row]
        let spans = [h.positiveSpans, h.negativeSpans].map { spans in
            spans.isEmpty
                ? "-" : spans.map { "\($0.offset):\($0.length)" }.joined(separator: ",")
        }
        let numbers = words([h.zeroThreshold, h.zeroCount, h.count, h.sum])
        return "h \(columns.times[row]) \(start) \(h.schema) \(h.hint.rawValue) \(numbers) "
            + "\(spans[0]) \(spans[1]) \(words(h.positiveBuckets)) \(words(h.negativeBuckets)) "
            + words(h.customBounds)
    }

    private static func words(_ values: [Double]) -> String {
        if values.isEmpty { return "-" }
        return values.map { value in
            let digits = String(value.bitPattern, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined(separator: ",")
    }

    private static func json(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
