/// Rows as aligned columns.
enum TextTable {
    /// - Parameters:
    ///   - first: columns from here on are numbers: right-aligned, up to `last`.
    static func render(
        _ rows: [[String]], rightAlignedFrom first: Int, to last: Int = .max, indent: Int = 0
    ) -> String {
        guard let count = rows.first?.count else { return "" }
        let widths = (0..<count).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = String(repeating: " ", count: indent)
            for column in row.indices {
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                let isRight = column >= first && column <= last
                line += (column > 0 ? "  " : "")
                line += isRight ? padding + row[column] : row[column] + padding
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
