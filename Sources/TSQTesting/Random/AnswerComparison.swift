import TSQBase
import TSQEngine
import TSQModel

/// Compares two answers to one query.
package struct AnswerComparison {
    /// Relative; 0 wants the same bits (any NaN is like any other).
    package var tolerance: Double
    /// Whether the order of an instant vector says something.
    package var comparesOrder = false

    /// Whether the outermost function of `query` orders. What `limitk` keeps, counted values, and the
    /// results of classic histograms come in no set order, which shows among equals.
    package static func isOrdered(_ query: String) -> Bool {
        let heads = ["sort", "topk", "bottomk"]
        let unordered = [
            "limitk", "limit_ratio", "histogram_quantile", "histogram_fraction", "count_values",
        ]
        // A subquery's series come in the order of all its steps together.
        return heads.contains { query.hasPrefix($0) }
            && !unordered.contains { query.contains($0) } && !query.contains(":")
    }

    package init(tolerance: Double = 0) { self.tolerance = tolerance }

    /// What differs first, nil when nothing does.
    package func difference(
        _ answer: Result<QueryResult, QueryError>, _ expected: Result<QueryResult, QueryError>
    ) -> String? {
        switch (answer, expected) {
        case (.failure(let a), .failure(let b)):
            return Self.comparable(a.message) == Self.comparable(b.message)
                ? nil : "error \(a.message), expected error \(b.message)"
        case (.failure(let error), .success): return "error \(error.message), expected an answer"
        case (.success, .failure(let error)): return "an answer, expected error \(error.message)"
        case (.success(let a), .success(let b)):
            return difference(a.value, b.value)
                ?? annotationDifference(a, b)
        }
    }

    /// Which of several pairs of series is found first depends on the order of series behind subqueries
    /// and classic histograms.
    private static func comparable(_ message: String) -> String {
        let heads = ["found duplicate series for the match group", "multiple matches for labels"]
        return heads.first { message.hasPrefix($0) } ?? message
    }

    private func difference(
        _ answer: QueryResult.Value, _ expected: QueryResult.Value
    ) -> String? {
        switch (answer, expected) {
        case (.scalar(let t, let a), .scalar(let u, let b)):
            return t == u && equal(a, b) ? nil : "scalar \(a), expected \(b)"
        case (.string(_, let a), .string(_, let b)): return a == b ? nil : "string \(a)"
        case (.vector(let a), .vector(let b)): return difference(a, b) ?? orderDifference(a, b)
        case (.matrix(let a), .matrix(let b)): return difference(a, b)
        default: return "another type of result"
        }
    }

    private func difference(_ answer: ResultSeries, _ expected: ResultSeries) -> String? {
        func sorted(_ series: ResultSeries) -> [PlainSeries] {
            PlainSeries.all(of: series).sorted {
                LabelSet.isOrderedBefore($0.labels, $1.labels)
            }
        }
        let (rows, wantedRows) = (sorted(answer), sorted(expected))
        for (row, wanted) in zip(rows, wantedRows) {
            if row.labels != wanted.labels {
                return "series \(row.labels), expected \(wanted.labels)"
            }
            for (point, other) in zip(row.points, wanted.points) {
                if point.timeMs != other.timeMs {
                    return "\(row.labels): point at \(point.timeMs), expected at \(other.timeMs)"
                }
                if !equal(point.value, other.value) {
                    return "\(row.labels) at \(point.timeMs): \(point.value), expected "
                        + "\(other.value)"
                }
            }
            if row.points.count != wanted.points.count {
                return "\(row.labels): \(row.points.count) points, expected \(wanted.points.count)"
            }
        }
        if rows.count != wantedRows.count {
            let odd = Set(rows.map(\.labels)).symmetricDifference(wantedRows.map(\.labels))
            return "\(rows.count) series, expected \(wantedRows.count); odd: \(odd)"
        }
        return nil
    }

    private func orderDifference(_ answer: ResultSeries, _ expected: ResultSeries) -> String? {
        if !comparesOrder { return nil }
        let (rows, wantedRows) = (PlainSeries.all(of: answer), PlainSeries.all(of: expected))
        return rows.map(\.labels) == wantedRows.map(\.labels)
            ? nil : "order \(rows.map(\.labels)), expected \(wantedRows.map(\.labels))"
    }

    private func equal(_ a: PlainSeries.Value, _ b: PlainSeries.Value) -> Bool {
        switch (a, b) {
        case (.float(let x), .float(let y)): equal(x, y)
        case (.histogram(let x), .histogram(let y)):
            AlmostEqual.histograms(
                x, y, comparesHints: true, tolerance: max(tolerance, .leastNonzeroMagnitude))
        default: false
        }
    }

    private func equal(_ a: Double, _ b: Double) -> Bool {
        if a.bitPattern == b.bitPattern || a.isNaN && b.isNaN { return true }
        return tolerance > 0 && AlmostEqual.floats(a, b, tolerance: tolerance)
    }

    private func annotationDifference(_ a: QueryResult, _ b: QueryResult) -> String? {
        let isVoid = (a.warnings + b.warnings).contains {
            Self.bare($0).hasSuffix("a mix of histograms and floats for aggregation")
        }
        return annotationDifference(a.warnings, b.warnings, isVoid)
            ?? annotationDifference(a.infos, b.infos, isVoid)
    }

    /// Texts with their places.
    ///
    /// - Parameter isVoid: a float makes a sum of histograms void. What is said of these on the way
    ///   depends on which comes first (a sum that schemas have made void does not look at floats any
    ///   more), and the order of the series within a range query is nobody's promise.
    private func annotationDifference(
        _ answer: [String], _ expected: [String], _ isVoid: Bool
    ) -> String? {
        // More than ten are cut off.
        if answer.count > 10 || expected.count > 10 { return nil }
        func isCertain(_ text: String) -> Bool {
            let text = Self.bare(text)
            return !isVoid
                || !text.hasSuffix("aggregation")
                    && !text.contains("a mix of histograms with exponential and custom buckets")
        }
        let a = Set(answer.filter(isCertain).map(Self.withoutStatistics))
        let b = Set(expected.filter(isCertain).map(Self.withoutStatistics))
        if a == b { return nil }
        let more = a.subtracting(b).sorted().joined(separator: "; ")
        let less = b.subtracting(a).sorted().joined(separator: "; ")
        return "annotations: unexpected [\(more)], missing [\(less)]"
    }

    static func bare(_ text: String) -> String {
        ScriptEvaluationRunner.withoutPosition(withoutStatistics(text))
    }

    /// Without those of a repair of classic buckets.
    private static func withoutStatistics(_ text: String) -> String {
        guard let range = text.firstRange(of: ", from buckets ") else { return text }
        let place = text.lastIndex(of: "(") ?? text.endIndex
        return String(text[..<range.lowerBound]) + " " + text[place...]
    }
}
