/// What is wrong with a configuration, in Prometheus's words where it has them, and where.
package struct ConfigError: Error, Equatable, Sendable {
    package var message: String
    /// 1-based; nil where the cause is not in one place (a missing file).
    package var line: Int?
    package var column: Int?
    /// The file as it was named by the user.
    package var file: String?

    package init(_ message: String, line: Int? = nil, column: Int? = nil, file: String? = nil) {
        self.message = message
        self.line = line
        self.column = column
        self.file = file
    }
}

extension ConfigError: CustomStringConvertible {
    /// `prometheus.yml:12:3: message`, as compilers write it.
    package var description: String {
        var place = file ?? ""
        if let line {
            place += place.isEmpty ? "line \(line)" : ":\(line)"
            if let column { place += place.hasPrefix("line") ? "" : ":\(column)" }
        }
        return place.isEmpty ? message : "\(place): \(message)"
    }
}
