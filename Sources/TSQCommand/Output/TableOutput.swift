import TSQBase
import TSQHTTP
import TSQModel

/// Answers as aligned columns: one column a label that differs, one the value.
enum TableOutput {
    /// Labels with one value in all series stand once above the table.
    static func render(_ answer: QueryAnswer) -> String {
        switch answer.kind {
        case .scalar, .string:
            return (answer.series.first?.points.first?.text ?? "") + "\n"
        case .vector, .matrix: break
        }
        if answer.series.isEmpty { return "no data\n" }
        let names = Set(answer.series.flatMap { $0.labels.labels.map(\.name) })
            .sorted(by: isBytewiseLess)
        var shared: [String] = []
        var columns: [String] = []
        for name in names {
            let values = Set(answer.series.map { $0.labels[name] ?? "" })
            if values.count == 1 && answer.series.count > 1, let value = values.first {
                shared.append(name == LabelName.metricName ? value : "\(name)=\(value)")
            } else {
                columns.append(name)
            }
        }
        var rows = [columns.map { $0 == LabelName.metricName ? "metric" : $0 }]
        let isMatrix = answer.kind == .matrix
        rows[0] += isMatrix ? ["time", "value"] : ["value"]
        for series in answer.series {
            let labels = columns.map { series.labels[$0] ?? "" }
            for (index, point) in series.points.enumerated() {
                let shown = index == 0 ? labels : labels.map { _ in "" }
                rows.append(
                    shown + (isMatrix ? [RFC3339.format(ms: point.timeMs)] : []) + [point.text])
            }
        }
        let header = shared.isEmpty ? "" : shared.joined(separator: "  ") + "\n"
        return header + aligned(rows)
    }

    /// The last column is numbers: right-aligned.
    static func aligned(_ rows: [[String]]) -> String {
        guard let count = rows.first?.count else { return "" }
        let widths = (0..<count).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.indices.map { column -> String in
                let padding = String(
                    repeating: " ", count: widths[column] - row[column].count)
                return column == count - 1 ? padding + row[column] : row[column] + padding
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

/// Answers as comma-separated values: a column a label, then time (seconds) and value.
enum CSVOutput {
    static func render(_ answer: QueryAnswer) -> String {
        let names = Set(answer.series.flatMap { $0.labels.labels.map(\.name) })
            .sorted(by: isBytewiseLess)
        var lines = [(names + ["time", "value"]).map(field).joined(separator: ",")]
        for series in answer.series {
            let labels = names.map { field(series.labels[$0] ?? "") }
            for point in series.points {
                let cells = labels + [QuerySource.seconds(point.timeMs), field(point.text)]
                lines.append(cells.joined(separator: ","))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// RFC 4180.
    static func field(_ text: String) -> String {
        let needsQuotes = text.utf8.contains { [0x2C, 0x22, 0x0A, 0x0D].contains($0) }
        guard needsQuotes else { return text }
        return "\""
            + text.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
    }
}
