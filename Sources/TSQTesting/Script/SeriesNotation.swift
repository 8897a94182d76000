import TSQBase
import TSQModel

/// The notation of series in test scripts and rule tests: `name{l="v"} 0+10x10 _ stale {{sum:1}}`.
///
/// - Source: behaviour of Prometheus promql/parser (series descriptions).
package enum SeriesNotation {
    /// A repetition beyond this is refused.
    package static let valuesMax = 1_000_000

    /// A whole line: labels, then values.
    package static func parse(
        _ line: some StringProtocol
    ) throws(ScriptSyntaxError) -> (labels: LabelSet, values: [SequenceValue]) {
        var scanner = NotationScanner(line)
        let labels = try labels(&scanner)
        return (labels, try values(&scanner))
    }

    /// Values only: what rule tests have in a field of their own.
    package static func parseValues(
        _ text: some StringProtocol
    ) throws(ScriptSyntaxError) -> [SequenceValue] {
        var scanner = NotationScanner(text)
        return try values(&scanner)
    }

    /// `name`, `name{…}`, `{…}` or `{"name", …}`.
    package static func parseLabels(
        _ text: some StringProtocol
    ) throws(ScriptSyntaxError) -> LabelSet {
        var scanner = NotationScanner(text)
        let labels = try labels(&scanner)
        guard scanner.isAtEnd else {
            throw ScriptSyntaxError("unexpected \(GoQuote.quoted(scanner.remainder))")
        }
        return labels
    }

    private static func labels(
        _ scanner: inout NotationScanner
    ) throws(ScriptSyntaxError) -> LabelSet {
        scanner.skipSpaces()
        var labels: [Label] = []
        let name = scanner.take(while: isNameByte)
        if !name.isEmpty { labels.append(Label(LabelName.metricName, name)) }
        scanner.skipSpaces()
        // `name {{…}}` has no braces of its own: a histogram follows.
        guard !scanner.isNext("{{"), scanner.skip("{") else {
            if name.isEmpty {
                throw ScriptSyntaxError("expected a metric at \(GoQuote.quoted(scanner.remainder))")
            }
            return LabelSet(labels)
        }
        scanner.skipSpaces()
        while !scanner.skip("}") {
            let isQuoted = scanner.next == UInt8(ascii: "\"") || scanner.next == UInt8(ascii: "'")
            let key = isQuoted ? try scanner.quoted() : scanner.take(while: isNameByte)
            if key.isEmpty {
                throw ScriptSyntaxError("expected a label at \(GoQuote.quoted(scanner.remainder))")
            }
            scanner.skipSpaces()
            if scanner.skip("=") {
                scanner.skipSpaces()
                labels.append(Label(key, try scanner.quoted()))
            } else if isQuoted {
                labels.append(Label(LabelName.metricName, key))
            } else {
                throw ScriptSyntaxError("expected = at \(GoQuote.quoted(scanner.remainder))")
            }
            scanner.skipSpaces()
            if scanner.skip(",") {
                scanner.skipSpaces()
            } else if !scanner.isNext("}") {
                throw ScriptSyntaxError("expected } at \(GoQuote.quoted(scanner.remainder))")
            }
        }
        return LabelSet(labels)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte >= 0x30 && byte <= 0x3A
            || byte == 0x5F
    }

    private static func values(
        _ scanner: inout NotationScanner
    ) throws(ScriptSyntaxError) -> [SequenceValue] {
        var values: [SequenceValue] = []
        scanner.skipSpaces()
        while !scanner.isAtEnd {
            values += try item(&scanner)
            guard values.count <= valuesMax else {
                throw ScriptSyntaxError("more than \(valuesMax) values")
            }
            let before = scanner.offset
            scanner.skipSpaces()
            if !scanner.isAtEnd && scanner.offset == before {
                throw ScriptSyntaxError("unexpected \(GoQuote.quoted(scanner.remainder))")
            }
        }
        return values
    }

    private static func item(
        _ scanner: inout NotationScanner
    ) throws(ScriptSyntaxError) -> [SequenceValue] {
        if scanner.skip("_") {
            return [SequenceValue](
                repeating: .omitted, count: scanner.skip("x") ? try scanner.count() : 1)
        }
        if scanner.skip("stale") { return try repeated(.float(StaleMarker.value), &scanner) }
        if scanner.skip("{{") { return try histograms(&scanner) }
        let first = try scanner.number()
        if scanner.next != UInt8(ascii: "+") && scanner.next != UInt8(ascii: "-") {
            return try repeated(.float(first), &scanner)
        }
        let step = try scanner.number()
        try scanner.expect("x")
        var value = first
        return (0...(try scanner.count())).map { index in
            if index > 0 { value += step }
            return .float(value)
        }
    }

    private static func repeated(
        _ value: SequenceValue, _ scanner: inout NotationScanner
    ) throws(ScriptSyntaxError) -> [SequenceValue] {
        let count = scanner.skip("x") ? try scanner.count() + 1 : 1
        return [SequenceValue](repeating: value, count: count)
    }

    /// After `{{`: one histogram, a repetition, or a histogram that grows or shrinks by another.
    private static func histograms(
        _ scanner: inout NotationScanner
    ) throws(ScriptSyntaxError) -> [SequenceValue] {
        let (first, isHintGiven) = try HistogramNotation.parse(&scanner)
        let isAddition = scanner.skip("+")
        guard isAddition || scanner.skip("-") else {
            return try repeated(.histogram(first, isHintGiven: isHintGiven), &scanner)
        }
        try scanner.expect("{{")
        let (step, isStepHintGiven) = try HistogramNotation.parse(&scanner)
        try scanner.expect("x")
        let count = try scanner.count()
        var current = first
        var values: [SequenceValue] = [.histogram(current, isHintGiven: isStepHintGiven)]
        for _ in 0..<count {
            guard current.schema <= step.schema else {
                throw ScriptSyntaxError(
                    "error combining histograms: cannot merge from schema \(step.schema) to "
                        + "\(current.schema)")
            }
            current = try HistogramNotation.combined(current, step, sign: isAddition ? 1 : -1)
            values.append(.histogram(current, isHintGiven: isStepHintGiven))
        }
        return values
    }
}
