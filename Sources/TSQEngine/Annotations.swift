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

    package private(set) var all: Set<Annotation> = []
    /// What is said of repaired classic histograms beside the text.
    private var repairs: [Annotation: RepairSummary] = [:]

    package init() {}

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
        if all.count < Self.keptMax { all.insert(annotation) }
    }

    package mutating func merge(_ other: Annotations) {
        all.formUnion(other.all)
        repairs.merge(other.repairs) { $0.merged(with: $1) }
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
        var seen: Set<String> = []
        // A text is said once, at its first place.
        let sorted = all.filter { $0.isWarning == isWarning }.sorted {
            ($0.range?.start ?? 0, $0.text) < ($1.range?.start ?? 0, $1.text)
        }.filter { seen.insert($0.text).inserted }
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
