import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

/// Runs one `eval` in all its variants.
struct ScriptEvaluationRunner {
    let evaluation: ScriptEvaluation
    let evaluator: any ScriptEvaluator
    let source: MemorySource

    /// What differs from the expectations first; nil when all hold.
    func difference() -> String? {
        if evaluation.isRange {
            return difference(of: evaluation.query, ranged: nil) {
                () throws(QueryError) -> QueryResult in
                try evaluator.range(
                    evaluation.query, startMs: evaluation.startMs, endMs: evaluation.endMs,
                    stepMs: evaluation.stepMs, from: source)
            }
        }
        let atMs = evaluation.rangeVector?.endMs ?? evaluation.startMs
        if let text = instantDifference(evaluation.query, atMs: atMs) { return text }
        switch AtModifierVariant.text(of: evaluation.query, atMs: atMs) {
        case .failure(let error): return error.reason
        case .success(nil): return nil
        case .success(let variant?):
            let times = atMs == 0 ? [-1000, 0, 1000] : [-10 * atMs, 0, atMs / 5, atMs, 10 * atMs]
            for timeMs in times {
                if let text = instantDifference(variant, atMs: timeMs) {
                    return "as \(variant) at \(timeMs) ms: \(text)"
                }
            }
            return nil
        }
    }

    private func instantDifference(_ query: String, atMs: TimestampMs) -> String? {
        difference(of: query, ranged: atMs) { () throws(QueryError) -> QueryResult in
            try evaluator.instant(query, atMs: atMs, from: source)
        }
    }

    /// - Parameter ranged: the time around which an instant query is also run as a range query.
    private func difference(
        of query: String, ranged: TimestampMs?, _ answer: () throws(QueryError) -> QueryResult
    ) -> String? {
        let result: QueryResult
        do {
            result = try answer()
        } catch {
            guard let expected = evaluation.expectsFailure else {
                return "failed: \(error.message)"
            }
            return expected.matches(error.message)
                ? nil : "expected another error than: \(error.message)"
        }
        if evaluation.expectsFailure != nil { return "expected an error, got an answer" }
        if let text = annotationDifference(result) { return text }
        if let text = ScriptComparison(expected: evaluation).difference(result.value) {
            return text
        }
        guard let ranged else { return nil }
        return rangedDifference(query, atMs: ranged, instant: result.value)
    }

    /// Runs an instant query at three steps and compares the middle one.
    private func rangedDifference(
        _ query: String, atMs: TimestampMs, instant: QueryResult.Value
    ) -> String? {
        if evaluation.rangeVector != nil || evaluation.expectedString != nil { return nil }
        // These calls give something else in a range query.
        if ["start()", "end()", "range()", "step()"].contains(where: { query.contains($0) }) {
            return nil
        }
        let value: QueryResult.Value
        do {
            value = try evaluator.range(
                query, startMs: atMs - 60_000, endMs: atMs + 60_000, stepMs: 60_000, from: source
            ).value
        } catch {
            return "failed as a range query: \(error.message)"
        }
        if evaluation.isOrdered { return nil }
        guard case .matrix(let matrix) = value else { return "a range query gave no matrix" }
        let rows = PlainSeries.all(of: matrix)
        if let text = ScriptComparison.orderDifference(rows) { return "as a range query: \(text)" }
        let middle = rows.compactMap { row -> PlainSeries? in
            let points = row.points.filter { $0.timeMs == atMs }
            return points.isEmpty ? nil : PlainSeries(labels: row.labels, points: points)
        }
        let comparison = ScriptComparison(expected: evaluation)
        let text: String?
        if case .scalar = instant {
            guard case .float(let number)? = middle.first?.points.first?.value else {
                return "as a range query: expected one float"
            }
            text = comparison.scalarDifference(number)
        } else {
            text = comparison.vectorDifference(middle)
        }
        return text.map { "as a range query: \($0)" }
    }

    private func annotationDifference(_ result: QueryResult) -> String? {
        let warnings = result.warnings.map(Self.withoutPosition)
        let infos = result.infos.map(Self.withoutPosition)
        if evaluation.forbidsWarnings, let text = warnings.first { return "unexpected: \(text)" }
        if evaluation.forbidsInfos, let text = infos.first { return "unexpected: \(text)" }
        return kindDifference(evaluation.warnings, warnings, "warning")
            ?? kindDifference(evaluation.infos, infos, "info")
    }

    private func kindDifference(
        _ expected: [ScriptEvaluation.TextMatch], _ texts: [String], _ kind: String
    ) -> String? {
        if expected.isEmpty { return nil }
        if texts.isEmpty { return "expected an annotation (\(kind)), got none" }
        for match in expected where !texts.contains(where: match.matches) {
            return "expected another annotation (\(kind)) than: "
                + texts.joined(separator: "; ")
        }
        for text in texts where !expected.contains(where: { $0.matches(text) }) {
            return "unexpected: \(text)"
        }
        return nil
    }

    /// `PromQL info: … (1:5)` without its end.
    static func withoutPosition(_ text: String) -> String {
        guard text.hasSuffix(")"), let open = text.lastIndex(of: "(") else { return text }
        let inner = text[text.index(after: open)...].dropLast()
        let isPosition =
            inner.contains(":") && inner.allSatisfy { $0 == ":" || $0.isASCII && $0.isNumber }
        var head = text[..<open]
        guard isPosition && head.hasSuffix(" ") else { return text }
        head.removeLast()
        // What Prometheus adds on repaired histograms with the position goes with it.
        if let extremes = head.firstRange(of: ", from buckets ") {
            head = head[..<extremes.lowerBound]
        }
        return String(head)
    }
}
