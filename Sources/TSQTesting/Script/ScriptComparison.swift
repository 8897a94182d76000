import TSQBase
import TSQEngine
import TSQModel

/// Equality as scripts mean it.
///
/// - Source: behaviour of Prometheus util/almost and promqltest: relative tolerance 1e-6.
package enum AlmostEqual {
    package static let tolerance = 1e-6

    package static func floats(_ a: Double, _ b: Double, tolerance: Double = tolerance) -> Bool {
        if StaleMarker.isStale(a) || StaleMarker.isStale(b) {
            return a.bitPattern == b.bitPattern
        }
        if a.isNaN && b.isNaN || a == b { return true }
        let magnitude = a.magnitude + b.magnitude
        let difference = (a - b).magnitude
        if a == 0 || b == 0 || magnitude < Double.leastNormalMagnitude {
            return difference < tolerance * Double.leastNormalMagnitude
        }
        return difference / min(magnitude, Double.greatestFiniteMagnitude) < tolerance
    }

    /// Empty buckets and the way spans are cut make no difference.
    package static func histograms(
        _ a: Histogram, _ b: Histogram, comparesHints: Bool, tolerance: Double = tolerance
    ) -> Bool {
        func equal(_ x: Double, _ y: Double) -> Bool { floats(x, y, tolerance: tolerance) }
        func equal(_ x: [Int32: Double], _ y: [Int32: Double]) -> Bool {
            x.count == y.count
                && x.allSatisfy { index, count in y[index].map { equal(count, $0) } ?? false }
        }
        return a.schema == b.schema && equal(a.count, b.count) && equal(a.sum, b.sum)
            && a.customBounds == b.customBounds && a.zeroThreshold == b.zeroThreshold
            && equal(a.zeroCount, b.zeroCount)
            && equal(
                StoredHint.buckets(a.positiveSpans, a.positiveBuckets),
                StoredHint.buckets(b.positiveSpans, b.positiveBuckets))
            && equal(
                StoredHint.buckets(a.negativeSpans, a.negativeBuckets),
                StoredHint.buckets(b.negativeSpans, b.negativeBuckets))
            && (!comparesHints || a.hint == b.hint)
    }
}

/// Compares an answer with what an `eval` expects; nil when they agree, else what differs.
struct ScriptComparison {
    let expected: ScriptEvaluation

    func difference(_ value: QueryResult.Value) -> String? {
        switch value {
        case .scalar(_, let number): return scalarDifference(number)
        case .string(_, let text):
            return text == expected.expectedString
                ? nil
                : "expected string \(quoted(expected.expectedString)), got \(quoted(text))"
        case .vector(let series): return vectorDifference(PlainSeries.all(of: series))
        case .matrix(let series): return matrixDifference(PlainSeries.all(of: series))
        }
    }

    private func quoted(_ text: String?) -> String { text.map { GoQuote.quoted($0) } ?? "none" }

    func scalarDifference(_ number: Double) -> String? {
        guard let wanted = expected.expectedScalar else { return "unexpected scalar \(number)" }
        return AlmostEqual.floats(wanted, number)
            ? nil : "expected scalar \(wanted), got \(number)"
    }

    func vectorDifference(_ rows: [PlainSeries]) -> String? {
        if expected.expectedScalar != nil { return "expected a scalar, got a vector" }
        var missing = Set(expected.series.map(\.labels))
        for (index, row) in rows.enumerated() {
            guard let point = row.points.first else { return "\(row.labels) has no point" }
            guard let wanted = expected.series.last(where: { $0.labels == row.labels }) else {
                return "unexpected \(row.labels) with \(point.value)"
            }
            if expected.isOrdered && wanted.position != index + 1 {
                return "expected \(row.labels) at position \(wanted.position), got it at "
                    + "\(index + 1)"
            }
            if let text = difference(wanted.values[0], point.value) {
                return "\(row.labels): \(text)"
            }
            missing.remove(row.labels)
        }
        return missing.first.map { "expected \($0), which is not in the answer" }
    }

    private func matrixDifference(_ rows: [PlainSeries]) -> String? {
        if expected.isOrdered { return "expected an ordered result, got a matrix" }
        if expected.expectedScalar != nil { return "expected a scalar, got a matrix" }
        if let text = Self.orderDifference(rows) { return text }
        let times = expected.rangeVector ?? (expected.startMs, expected.endMs, expected.stepMs)
        var missing = Set(expected.series.map(\.labels))
        for row in rows {
            guard let wanted = expected.series.last(where: { $0.labels == row.labels }) else {
                return "unexpected \(row.labels) with \(row.points.count) points"
            }
            var points: [(timeMs: TimestampMs, value: SequenceValue)] = []
            for (index, value) in wanted.values.enumerated() {
                let timeMs = times.startMs + Int64(index) * times.stepMs
                if timeMs > times.endMs {
                    return
                        "expected \(wanted.values.count) points for \(row.labels), more than the "
                        + "time range holds"
                }
                if value != .omitted { points.append((timeMs, value)) }
            }
            if let text = pointsDifference(points, row.points) { return "\(row.labels): \(text)" }
            missing.remove(row.labels)
        }
        return missing.first.map { "expected \($0), which is not in the answer" }
    }

    private func pointsDifference(
        _ wanted: [(timeMs: TimestampMs, value: SequenceValue)], _ points: [PlainSeries.Point]
    ) -> String? {
        for index in 0..<max(wanted.count, points.count) {
            guard index < points.count else {
                return "expected \(wanted[index].value) at \(wanted[index].timeMs) ms, got no point"
            }
            let point = points[index]
            guard index < wanted.count else {
                return "unexpected point at \(point.timeMs) ms: \(point.value)"
            }
            if wanted[index].timeMs != point.timeMs {
                return "expected a point at \(wanted[index].timeMs) ms, got one at "
                    + "\(point.timeMs) ms: \(point.value)"
            }
            if let text = difference(wanted[index].value, point.value) {
                return "at \(point.timeMs) ms: \(text)"
            }
        }
        return nil
    }

    private func difference(_ wanted: SequenceValue, _ value: PlainSeries.Value) -> String? {
        switch (wanted, value) {
        case (.float(let a), .float(let b)):
            return AlmostEqual.floats(a, b) ? nil : "expected \(a), got \(b)"
        case (.histogram(let a, let isHintGiven), .histogram(let b)):
            return AlmostEqual.histograms(a, b, comparesHints: isHintGiven)
                ? nil : "expected \(PlainSeries.Value.histogram(a)), got \(value)"
        default: return "expected \(wanted), got \(value)"
        }
    }

    static func orderDifference(_ rows: [PlainSeries]) -> String? {
        for (a, b) in zip(rows, rows.dropFirst())
        where LabelSet.isOrderedBefore(b.labels, a.labels) {
            return "a matrix must be sorted by labels, but \(a.labels) stands before \(b.labels)"
        }
        return nil
    }
}
