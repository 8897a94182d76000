/// A query's plan as it was executed, from the `explain` of an answer.
struct ExplainTree: Decodable {
    var name: String
    var detail: String
    var series: Int
    var rows: Int64
    var samples: Int64
    var bytes: Int64
    var seconds: Double
    var children: [ExplainTree]
}

/// The plan as a tree with columns: what each operator delivered, held and took.
enum ExplainOutput {
    /// Longer descriptions are cut: the numbers stay on the screen.
    private static let titleCountMax = 60

    static func render(_ tree: ExplainTree) -> String {
        var rows = [["operator", "series", "rows", "samples", "bytes", "time"]]
        append(tree, lead: "", branch: "", &rows)
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + padding : padding + row[column]
            }.joined(separator: "  ") + "\n"
        }.joined()
    }

    private static func append(
        _ node: ExplainTree, lead: String, branch: String, _ rows: inout [[String]]
    ) {
        let title = node.detail.isEmpty ? node.name : "\(node.name) \(node.detail)"
        let shown =
            title.count > titleCountMax ? title.prefix(titleCountMax - 1) + "…" : title[...]
        rows.append([
            lead + branch + shown, String(node.series), String(node.rows), String(node.samples),
            bytes(node.bytes), time(node.seconds),
        ])
        // Below a branch that goes on, a line; below the last one, nothing.
        let inner = branch.isEmpty ? lead : lead + (branch == "├─ " ? "│  " : "   ")
        for (index, child) in node.children.enumerated() {
            let isLast = index == node.children.count - 1
            append(child, lead: inner, branch: isLast ? "└─ " : "├─ ", &rows)
        }
    }

    /// `12.3 KiB`, three digits or four.
    static func bytes(_ count: Int64) -> String {
        var value = Double(count)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 || unit == "GiB" {
                return unit == "B" ? "\(count) B" : "\(digits(value)) \(unit)"
            }
            value /= 1024
        }
        return "\(count) B"
    }

    static func time(_ seconds: Double) -> String {
        if seconds >= 1 { return digits(seconds) + " s" }
        if seconds >= 0.001 { return digits(seconds * 1000) + " ms" }
        return digits(seconds * 1_000_000) + " µs"
    }

    private static func digits(_ value: Double) -> String {
        let tenths = (value * 10).rounded() / 10
        return value >= 100 ? "\((value).rounded())".split(separator: ".")[0] + "" : "\(tenths)"
    }
}
