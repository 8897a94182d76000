import TSQBase

/// The text formats of a metrics page.
package enum ExpositionFormat: Sendable, CaseIterable {
    /// Prometheus text format 0.0.4 (and 1.0.0: the same with quoted UTF-8 names).
    case prometheusText
    /// OpenMetrics 1.0 (and 0.0.1).
    case openMetrics

    /// The `Content-Type` of a page in this format.
    package var contentType: String {
        switch self {
        case .prometheusText: "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }
}

/// Why a page was refused, and where.
package struct ExpositionError: Error, Equatable, Sendable, CustomStringConvertible {
    package var message: String
    /// 1-based.
    package var line: Int
    /// 1-based, in bytes.
    package var column: Int

    package init(_ message: String, line: Int, column: Int) {
        self.message = message
        self.line = line
        self.column = column
    }

    package var description: String { "line \(line), column \(column): \(message)" }
}
