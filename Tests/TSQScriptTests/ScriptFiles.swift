import Foundation
import TSQTesting

/// Where scripts lie.
enum ScriptFiles {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The project's own.
    static let own = scripts(in: root.appending(path: "testdata/promql"))

    /// Prometheus's, which are not part of the project; empty where they are not at hand.
    static let conformance: [URL] = {
        let shared =
            ProcessInfo.processInfo.environment["TSQ_SHARED"].map { URL(filePath: $0) }
            ?? root.deletingLastPathComponent().appending(path: "shared")
        return scripts(in: shared.appending(path: "conformance/promql"))
    }()

    private static func scripts(in folder: URL) -> [URL] {
        let files = try? FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: nil)
        return (files ?? []).filter { $0.pathExtension == "test" }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    /// The lines of an expected-failures file: `file:line`, then why. `#` begins a comment.
    static func expectedFailures(_ name: String) throws -> [String: String] {
        let file = root.appending(path: "testdata/promql").appending(path: name)
        var result: [String: String] = [:]
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        where !line.hasPrefix("#") {
            let parts = line.split(separator: " ", maxSplits: 1)
            result[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        return result
    }
}
