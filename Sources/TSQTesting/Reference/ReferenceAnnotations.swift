import TSQBase
import TSQPromQL

/// The remarks of a query, each text once.
struct ReferenceAnnotations {
    enum Operation: String {
        case addition, subtraction, aggregation
    }

    private(set) var warnings: [String: SourceRange] = [:]
    private(set) var infos: [String: SourceRange] = [:]

    var isEmpty: Bool { warnings.isEmpty && infos.isEmpty }

    mutating func merge(_ other: ReferenceAnnotations) {
        for (text, range) in other.warnings { warn(text, range) }
        for (text, range) in other.infos { inform(text, range) }
    }

    /// A text is said once: at the place that is evaluated last when each part is evaluated at all
    /// steps before the next, operands from left to right and then what they stand in.
    private func last(_ a: SourceRange, _ b: SourceRange) -> SourceRange {
        func holds(_ outer: SourceRange, _ inner: SourceRange) -> Bool {
            outer.start <= inner.start && inner.end <= outer.end
        }
        return holds(a, b) ? a : holds(b, a) ? b : a.start < b.start ? b : a
    }

    mutating func warn(_ text: String, _ range: SourceRange) {
        warnings[text] = warnings[text].map { last($0, range) } ?? range
    }

    mutating func inform(_ text: String, _ range: SourceRange) {
        infos[text] = infos[text].map { last($0, range) } ?? range
    }

    // MARK: The texts of Prometheus util/annotations

    mutating func invalidQuantile(_ value: Double, _ range: SourceRange) {
        warn("quantile value should be between 0 and 1, got \(Self.number(value))", range)
    }

    mutating func invalidRatio(_ value: Double, cappedTo limit: Double, _ range: SourceRange) {
        warn(
            "ratio value should be between -1 and 1, got \(Self.number(value)), capping to "
                + Self.number(limit), range)
    }

    mutating func mixedTypes(metric: String, _ range: SourceRange) {
        warn(
            "encountered a mix of histograms and floats for metric name \(GoQuote.quoted(metric))",
            range)
    }

    mutating func mixedTypesInAggregation(_ range: SourceRange) {
        warn("encountered a mix of histograms and floats for aggregation", range)
    }

    mutating func mixedSchemas(metric: String, _ range: SourceRange) {
        warn(
            "vector contains a mix of histograms with exponential and custom buckets schemas for "
                + "metric name \(GoQuote.quoted(metric))", range)
    }

    mutating func notCounter(metric: String, _ range: SourceRange) {
        warn("this native histogram metric is not a counter: \(GoQuote.quoted(metric))", range)
    }

    mutating func notGauge(metric: String, _ range: SourceRange) {
        warn("this native histogram metric is not a gauge: \(GoQuote.quoted(metric))", range)
    }

    mutating func resetCollision(_ operation: Operation, _ range: SourceRange) {
        warn("conflicting counter resets during histogram \(operation.rawValue)", range)
    }

    mutating func overlappingStartTime(metric: String, _ range: SourceRange) {
        warn(
            "sample has start time that overlaps with previous sample timestamp for metric "
                + GoQuote.quoted(metric), range)
    }

    mutating func boundsReconciled(_ operation: Operation, _ range: SourceRange) {
        inform("mismatched custom buckets were reconciled during \(operation.rawValue)", range)
    }

    mutating func histogramIgnored(in aggregation: String, _ range: SourceRange) {
        inform("ignored histogram in \(aggregation) aggregation", range)
    }

    mutating func histogramsIgnoredInRange(metric: String, _ range: SourceRange) {
        inform(
            "ignored histograms in a range containing both floats and histograms for metric name "
                + GoQuote.quoted(metric), range)
    }

    mutating func incompatibleTypes(
        _ left: String, _ operation: BinaryOperator, _ right: String, _ range: SourceRange
    ) {
        let sign = operation.rawValue
        inform(
            "incompatible sample types encountered for binary operator \(GoQuote.quoted(sign)): "
                + "\(left) \(sign) \(right)", range)
    }

    mutating func possibleNonCounter(metric: String, _ range: SourceRange) {
        inform(
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
                + GoQuote.quoted(metric), range)
    }

    mutating func possibleNonCounter(metric: String, type: String, _ range: SourceRange) {
        inform(
            "metric might not be a counter, __type__ label is not set to \"counter\" or "
                + "\"histogram\", got \(GoQuote.quoted(type)): \(GoQuote.quoted(metric))", range)
    }

    /// `text`, then the metric where it has a name.
    static func named(_ text: String, metric: String) -> String {
        metric.isEmpty ? text : "\(text) for metric name \(GoQuote.quoted(metric))"
    }

    /// Go's `%g`.
    static func number(_ value: Double) -> String { DecimalPrint.string(value, .general) }

    // MARK: Output

    func warningTexts(query: String) -> [String] {
        texts(warnings, prefix: "PromQL warning: ", query: query)
    }

    func infoTexts(query: String) -> [String] {
        texts(infos, prefix: "PromQL info: ", query: query)
    }

    private func texts(
        _ annotations: [String: SourceRange], prefix: String, query: String
    ) -> [String] {
        annotations.sorted { isBytewiseLess($0.key, $1.key) }.map { text, range in
            let head = Array(query.utf8).prefix(range.start)
            let line = head.count { $0 == 0x0A } + 1
            let column = head.reversed().prefix { $0 != 0x0A }.count + 1
            return "\(prefix)\(text) (\(line):\(column))"
        }
    }

    private func isBytewiseLess(_ a: String, _ b: String) -> Bool {
        a.utf8.lexicographicallyPrecedes(b.utf8)
    }
}
