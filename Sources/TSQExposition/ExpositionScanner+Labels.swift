import TSQBase
import TSQModel

/// The decoded parts of the current entry.
extension ExpositionScanner {
    /// The labels of the current sample, the name included, escapes resolved. Not after
    /// `nextMatching`, whose caller knows them.
    ///
    /// Bucket bounds and quantiles are written as Prometheus 3 stores them: `le="1"` becomes
    /// `le="1.0"`, in families that are histograms or summaries by `family`.
    package func labels(family: MetricMetadata.Kind = .unknown) -> LabelSet {
        precondition(hasTokens, "BUG: labels() without a scanned series")
        var labels: [Label] = []
        labels.reserveCapacity(labelRanges.count / 2 + 1)
        if let nameRange {
            labels.append(Label(LabelName.metricName, unescaped(nameRange, quotes: true)))
        }
        for index in stride(from: 0, to: labelRanges.count, by: 2) {
            let name = unescaped(labelRanges[index], quotes: true)
            var value = unescaped(labelRanges[index + 1], quotes: true)
            if FloatLabel.applies(name, family) { value = FloatLabel.normalized(value) }
            labels.append(Label(name, value))
        }
        return LabelSet(labels)
    }

    /// A label name that stands twice in the current sample, if there is one.
    package func duplicateLabelName() -> String? {
        var names: [String] = nameRange == nil ? [] : [LabelName.metricName]
        for index in stride(from: 0, to: labelRanges.count, by: 2) {
            names.append(unescaped(labelRanges[index], quotes: true))
        }
        names.sort(by: isBytewiseLess)
        for (a, b) in zip(names, names.dropFirst()) where a == b { return a }
        return nil
    }

    /// The exemplar of the current sample.
    package func exemplar() -> Exemplar? {
        guard hasExemplar else { return nil }
        var labels: [Label] = []
        for index in stride(from: 0, to: exemplarRanges.count, by: 2) {
            labels.append(
                Label(
                    unescaped(exemplarRanges[index], quotes: true),
                    unescaped(exemplarRanges[index + 1], quotes: true)))
        }
        return Exemplar(labels: LabelSet(labels), value: exemplarValue, timeMs: exemplarTimeMs)
    }

    /// The metric family of a metadata line.
    package var familyName: String { unescaped(metaName, quotes: true) }
    /// The text of a HELP line, escapes resolved.
    package var help: String { unescaped(metaText, quotes: format == .openMetrics) }
    /// The text of a UNIT line.
    package var unit: String { string(metaText) }
    /// The bytes of a metadata line, to see whether it changed.
    package var metadataLine: Range<Int> { metaName.lowerBound..<metaText.upperBound }

    /// `\\`, `\n` and, where they are escaped, `\"`; any other backslash stays.
    private func unescaped(_ range: Range<Int>, quotes: Bool) -> String {
        var hasEscape = false
        for index in range where page[unchecked: index] == Byte.backslash {
            hasEscape = true
            break
        }
        if !hasEscape { return string(range) }
        var result: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = page[index]
            let next: UInt8 = index + 1 < range.upperBound ? page[index + 1] : 0
            if byte == Byte.backslash,
                next == Byte.backslash || next == 0x6E || quotes && next == Byte.quote
            {
                result.append(next == 0x6E ? Byte.newline : next)
                index += 2
            } else {
                result.append(byte)
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// `le` and `quantile` as numbers, so that `1` and `1.0` are one series.
///
/// - Source: Prometheus model/textparse, normalizeFloatsInLabelValues; OpenMetrics' canonical form.
package enum FloatLabel {
    static func applies(_ name: String, _ family: MetricMetadata.Kind) -> Bool {
        name == LabelName.bucketBound && family == .histogram
            || name == LabelName.quantile && family == .summary
    }

    /// The shortest `'g'` form, with `.0` where it would look like an integer.
    package static func normalized(_ text: String) -> String {
        guard let value = try? DecimalParse.double(text) else { return text }
        var bytes: [UInt8] = []
        DecimalPrint.append(value, .general, to: &bytes)
        let isPlain = bytes.allSatisfy { Byte.isDigit($0) || $0 == 0x2D }
        return String(decoding: bytes, as: UTF8.self) + (isPlain ? ".0" : "")
    }
}
