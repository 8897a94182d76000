import TSQBase
import TSQPromQL

/// A remark on a query's answer, with its place in the text.
package struct Annotation: Hashable, Sendable {
    package var isWarning: Bool
    /// Without prefix and position.
    package var text: String
    /// nil where Prometheus gives no position.
    package var range: SourceRange?

    package init(isWarning: Bool, text: String, range: SourceRange?) {
        self.isWarning = isWarning
        self.text = text
        self.range = range
    }
}

/// The remarks of one query: each text and place once.
///
/// - Source: Prometheus util/annotations: at most ten of each kind are returned, then a line that
///   counts the rest.
package struct Annotations: Sendable {
    /// Remarks kept, so that a query over many metrics does not collect without end.
    private static let keptMax = 10_000

    private var inserted: Set<Annotation> = []
    /// Parameters of aggregations with values out of bounds. They are judged over all steps, not
    /// tile by tile: their remarks are made up when all is known.
    private var judged: [ParameterPlace: ParameterRange] = [:]
    /// What is said of repaired classic histograms beside the text.
    private var repairs: [Annotation: RepairSummary] = [:]

    package init() {}

    package var all: Set<Annotation> {
        var result = inserted
        for (place, values) in judged {
            for text in place.kind.remarks(on: values) {
                result.insert(Annotation(isWarning: true, text: text, range: place.range))
            }
        }
        return result
    }

    package var isEmpty: Bool { inserted.isEmpty && judged.isEmpty }

    package mutating func warn(_ text: String, _ range: SourceRange?) {
        insert(Annotation(isWarning: true, text: text, range: range))
    }

    package mutating func inform(_ text: String, _ range: SourceRange?) {
        insert(Annotation(isWarning: false, text: text, range: range))
    }

    /// An info on a repaired classic histogram: the extremes of all of them are told.
    mutating func inform(
        _ text: String, _ range: SourceRange?, repair: ClassicHistogram.Repair,
        timeMs: TimestampMs
    ) {
        let annotation = Annotation(isWarning: false, text: text, range: range)
        insert(annotation)
        let one = RepairSummary(repair, timeMs: timeMs)
        repairs[annotation] = repairs[annotation].map { $0.merged(with: one) } ?? one
    }

    private mutating func insert(_ annotation: Annotation) {
        if inserted.count < Self.keptMax { inserted.insert(annotation) }
    }

    /// Takes in the values of an aggregation's parameter at some steps; of values out of bounds at
    /// all steps the largest and the smallest are told.
    mutating func judge(_ kind: JudgedParameter, _ values: ParameterRange, _ range: SourceRange) {
        if kind.remarks(on: values).isEmpty { return }
        judged[ParameterPlace(kind: kind, range: range), default: ParameterRange()].merge(values)
    }

    package mutating func merge(_ other: Annotations) {
        inserted.formUnion(other.inserted)
        for (place, values) in other.judged {
            judged[place, default: ParameterRange()].merge(values)
        }
        repairs.merge(other.repairs) { $0.merged(with: $1) }
    }

    /// What is said of the places that are keys, said of their values.
    func moved(_ places: [SourceRange: SourceRange]) -> Annotations {
        var result = Annotations()
        for annotation in inserted {
            guard let range = annotation.range, let place = places[range] else { continue }
            var copy = annotation
            copy.range = place
            result.insert(copy)
            if let repair = repairs[annotation] { result.repairs[copy] = repair }
        }
        for (judgement, values) in judged {
            guard let place = places[judgement.range] else { continue }
            result.judge(judgement.kind, values, place)
        }
        return result
    }

    /// As Prometheus returns them: prefix, text, place; at most `listedMax` of each kind.
    package func strings(
        query: String, listedMax: Int = 10
    ) -> (warnings: [String], infos: [String]) {
        (
            strings(query, isWarning: true, listedMax: listedMax),
            strings(query, isWarning: false, listedMax: listedMax)
        )
    }

    private func strings(_ query: String, isWarning: Bool, listedMax: Int) -> [String] {
        // A text is said once, at the place that was evaluated last.
        var last: [String: Annotation] = [:]
        for annotation in all where annotation.isWarning == isWarning {
            guard let other = last[annotation.text], let place = other.range else {
                last[annotation.text] = annotation
                continue
            }
            if annotation.range?.isEvaluated(after: place) ?? false {
                last[annotation.text] = annotation
            }
        }
        let sorted = last.values.sorted {
            ($0.range?.start ?? 0, $0.text) < ($1.range?.start ?? 0, $1.text)
        }
        var result = sorted.prefix(listedMax).map { annotation in
            "PromQL \(isWarning ? "warning" : "info"): " + annotation.text
                + (repairs[annotation]?.text ?? "")
                + (annotation.range.map { " (\(Self.place($0.start, in: query)))" } ?? "")
        }
        if sorted.count > listedMax {
            let kind = isWarning ? "warning" : "info"
            result.append("\(sorted.count - listedMax) more \(kind) annotations omitted")
        }
        return result
    }

    /// Line and column of a byte, both from 1.
    static func place(_ offset: Int, in query: String) -> String {
        if query.isEmpty { return "unknown position" }
        var line = 1
        var lastBreak = -1
        for (index, byte) in query.utf8.enumerated() {
            if index >= offset { break }
            if byte == 0x0A {
                line += 1
                lastBreak = index
            }
        }
        return "\(line):\(offset - lastBreak)"
    }
}

/// A parameter of an aggregation that has bounds.
enum JudgedParameter: Hashable, Sendable {
    /// φ of `quantile`, 0…1.
    case quantile
    /// The ratio of `limit_ratio`, -1…1.
    case ratio

    /// Warnings of values out of bounds.
    ///
    /// - Source: Prometheus promql/engine.go `rangeEvalAgg`.
    func remarks(on values: ParameterRange) -> [String] {
        var result: [String] = []
        switch self {
        case .quantile:
            if values.hasNaN { result.append(PromQLTexts.invalidQuantile(.nan)) }
            if values.max > 1 { result.append(PromQLTexts.invalidQuantile(values.max)) }
            if values.min < 0 { result.append(PromQLTexts.invalidQuantile(values.min)) }
        case .ratio:
            if values.max > 1 {
                result.append(PromQLTexts.invalidRatio(values.max, cappedTo: 1))
            }
            if values.min < -1 {
                result.append(PromQLTexts.invalidRatio(values.min, cappedTo: -1))
            }
        }
        return result
    }
}

extension SourceRange {
    /// Whether remarks on this part come after those on `other`: operands are evaluated from left to
    /// right, then what they stand in.
    package func isEvaluated(after other: SourceRange) -> Bool {
        if start <= other.start && end >= other.end { return self != other }
        if other.start <= start && other.end >= end { return false }
        return start > other.start
    }
}

private struct ParameterPlace: Hashable {
    var kind: JudgedParameter
    var range: SourceRange
}

/// The extremes of the repairs of classic histograms.
struct RepairSummary: Sendable {
    private var repair: ClassicHistogram.Repair
    private var firstMs: TimestampMs
    private var lastMs: TimestampMs
    private var count = 1

    init(_ repair: ClassicHistogram.Repair, timeMs: TimestampMs) {
        self.repair = repair
        firstMs = timeMs
        lastMs = timeMs
    }

    func merged(with other: RepairSummary) -> RepairSummary {
        var result = self
        result.repair.lowestBound = min(repair.lowestBound, other.repair.lowestBound)
        result.repair.highestBound = max(repair.highestBound, other.repair.highestBound)
        result.repair.largestDifference = max(
            repair.largestDifference, other.repair.largestDifference)
        result.firstMs = min(firstMs, other.firstMs)
        result.lastMs = max(lastMs, other.lastMs)
        result.count += other.count
        return result
    }

    var text: String {
        ", from buckets \(DecimalPrint.string(repair.lowestBound, .general)) to "
            + "\(DecimalPrint.string(repair.highestBound, .general)), with a max diff of "
            + "\(Self.twoDigits(repair.largestDifference)), over \(count) samples from "
            + "\(RFC3339.formatSeconds(ms: firstMs)) to \(RFC3339.formatSeconds(ms: lastMs))"
    }

    /// Go's `%.2g`.
    static func twoDigits(_ value: Double) -> String {
        if !value.isFinite || value == 0 { return DecimalPrint.string(value, .general) }
        var scaled = value.magnitude
        var exponent = 0
        while scaled >= 10 {
            scaled /= 10
            exponent += 1
        }
        while scaled < 1 {
            scaled *= 10
            exponent -= 1
        }
        var digits = GoNumber.int((scaled * 10).rounded(.toNearestOrEven))
        if digits == 100 {
            digits = 10
            exponent += 1
        }
        let sign = value < 0 ? "-" : ""
        let (high, low) = digits.quotientAndRemainder(dividingBy: 10)
        let fraction = low == 0 ? "" : ".\(low)"
        if exponent < -4 || exponent >= 2 {
            let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
            return "\(sign)\(high)\(fraction)e\(exponent < 0 ? "-" : "+")\(size)"
        }
        if exponent == 1 { return "\(sign)\(digits)" }
        if exponent == 0 { return "\(sign)\(high)\(fraction)" }
        let zeros = String(repeating: "0", count: -exponent - 1)
        return "\(sign)0.\(zeros)\(high)\(low == 0 ? "" : "\(low)")"
    }
}
