import TSQBase
import TSQModel

/// Writes a metrics page.
///
/// Call `family` before the samples of each metric family, and `finish` at the end.
package struct ExpositionWriter: Sendable {
    package let format: ExpositionFormat
    package private(set) var bytes: [UInt8] = []

    package init(format: ExpositionFormat) { self.format = format }

    /// The HELP, TYPE and UNIT lines of a family; what is empty or unknown is left out.
    ///
    /// - Parameter name: In OpenMetrics the family's name, without a counter's `_total`.
    package mutating func family(_ name: String, _ metadata: MetricMetadata) {
        if !metadata.help.isEmpty {
            head("# HELP ", name)
            appendEscaped(metadata.help, quotes: format == .openMetrics)
            bytes.append(Byte.newline)
        }
        head("# TYPE ", name)
        bytes.append(contentsOf: Self.typeName(metadata.kind, format).utf8)
        bytes.append(Byte.newline)
        if format == .openMetrics, !metadata.unit.isEmpty, name.hasSuffix("_" + metadata.unit) {
            head("# UNIT ", name)
            bytes.append(contentsOf: metadata.unit.utf8)
            bytes.append(Byte.newline)
        }
    }

    /// One sample line. The text format has no exemplars.
    ///
    /// A stale marker has no spelling in either format: callers leave it out.
    package mutating func sample(
        _ labels: LabelSet, _ value: Double, timeMs: TimestampMs? = nil, exemplar: Exemplar? = nil
    ) {
        series(labels)
        sampleValue(value, timeMs: timeMs, exemplar: exemplar)
    }

    /// A sample line whose series part is already written out (`seriesBytes`).
    package mutating func sample(
        series: [UInt8], _ value: Double, timeMs: TimestampMs? = nil
    ) {
        bytes.append(contentsOf: series)
        sampleValue(value, timeMs: timeMs, exemplar: nil)
    }

    /// The series part of a line, to be used again.
    package static func seriesBytes(_ labels: LabelSet, format: ExpositionFormat) -> [UInt8] {
        var writer = ExpositionWriter(format: format)
        writer.series(labels)
        return writer.bytes
    }

    /// Ends the page (`# EOF` in OpenMetrics).
    package mutating func finish() {
        if format == .openMetrics { bytes.append(contentsOf: "# EOF\n".utf8) }
    }

    /// Hands out what is written so far and goes on with an empty buffer: for pages that are sent
    /// piece by piece.
    package mutating func take() -> [UInt8] {
        let result = bytes
        bytes.removeAll(keepingCapacity: true)
        return result
    }

    private mutating func sampleValue(
        _ value: Double, timeMs: TimestampMs?, exemplar: Exemplar?
    ) {
        bytes.append(Byte.space)
        DecimalPrint.append(value, .general, to: &bytes)
        if let timeMs {
            bytes.append(Byte.space)
            appendTime(timeMs)
        }
        if format == .openMetrics, let exemplar {
            bytes.append(contentsOf: " # ".utf8)
            labelList(exemplar.labels.labels, name: nil)
            bytes.append(Byte.space)
            DecimalPrint.append(exemplar.value, .general, to: &bytes)
            if let timeMs = exemplar.timeMs {
                bytes.append(Byte.space)
                appendTime(timeMs)
            }
        }
        bytes.append(Byte.newline)
    }

    private mutating func appendTime(_ timeMs: TimestampMs) {
        switch format {
        case .prometheusText: DecimalPrint.append(timeMs, to: &bytes)
        case .openMetrics: DecimalPrint.appendSeconds(ms: timeMs, to: &bytes)
        }
    }

    private mutating func series(_ labels: LabelSet) {
        let name = labels.metricName ?? ""
        let rest = labels.labels.filter { $0.name != LabelName.metricName }
        if LabelName.isLegacyValidMetric(name) {
            bytes.append(contentsOf: name.utf8)
            if !rest.isEmpty { labelList(rest, name: nil) }
        } else {
            labelList(rest, name: name.isEmpty ? nil : name)
        }
    }

    private mutating func labelList(_ labels: [Label], name: String?) {
        bytes.append(Byte.openBrace)
        if let name { appendQuoted(name) }
        for (index, label) in labels.enumerated() {
            if index > 0 || name != nil { bytes.append(Byte.comma) }
            if LabelName.isLegacyValid(label.name) {
                bytes.append(contentsOf: label.name.utf8)
            } else {
                appendQuoted(label.name)
            }
            bytes.append(Byte.equal)
            appendQuoted(label.value)
        }
        bytes.append(Byte.closeBrace)
    }

    private mutating func head(_ word: StaticString, _ name: String) {
        for index in 0..<word.utf8CodeUnitCount { bytes.append(word.utf8Start[index]) }
        if LabelName.isLegacyValidMetric(name) {
            bytes.append(contentsOf: name.utf8)
        } else {
            appendQuoted(name)
        }
        bytes.append(Byte.space)
    }

    private mutating func appendQuoted(_ text: String) {
        bytes.append(Byte.quote)
        appendEscaped(text, quotes: true)
        bytes.append(Byte.quote)
    }

    private mutating func appendEscaped(_ text: String, quotes: Bool) {
        for byte in text.utf8 {
            switch byte {
            case Byte.backslash: bytes.append(contentsOf: [Byte.backslash, Byte.backslash])
            case Byte.newline: bytes.append(contentsOf: [Byte.backslash, 0x6E])
            case Byte.quote where quotes: bytes.append(contentsOf: [Byte.backslash, Byte.quote])
            default: bytes.append(byte)
            }
        }
    }

    /// The text format knows fewer types.
    private static func typeName(
        _ kind: MetricMetadata.Kind, _ format: ExpositionFormat
    ) -> String {
        if format == .openMetrics { return kind.rawValue }
        switch kind {
        case .counter, .gauge, .histogram, .summary: return kind.rawValue
        case .gaugehistogram: return "histogram"
        case .info, .stateset: return "gauge"
        case .unknown: return "untyped"
        }
    }
}
