import Foundation

/// The project's own Swift files, as text.
struct SourceTree {
    struct File {
        /// Relative to the package (`Sources/TSQBase/Clock.swift`).
        let path: String
        let lines: [Substring]

        /// The target's folder (`TSQBase`), nil for files outside a target.
        var target: String? {
            let parts = path.split(separator: "/")
            return parts.count > 2 ? String(parts[1]) : nil
        }
    }

    let files: [File]

    /// Reads everything below `folders`.
    init(_ folders: String...) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        var files: [File] = []
        for folder in folders {
            let base = root.appending(path: folder)
            guard let walk = FileManager.default.enumerator(atPath: base.path()) else { continue }
            for case let name as String in walk where name.hasSuffix(".swift") {
                let text = try String(contentsOf: base.appending(path: name), encoding: .utf8)
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                files.append(File(path: "\(folder)/\(name)", lines: lines))
            }
        }
        self.files = files.sorted { $0.path < $1.path }
    }

    /// `path:line: text` of every line of code (comments left out) that `matches`.
    func findings(
        in include: (File) -> Bool = { _ in true }, _ matches: (Substring) -> Bool
    ) -> [String] {
        files.filter(include).flatMap { file in
            file.lines.enumerated().compactMap { index, line in
                let code = line.drop { $0 == " " }
                guard !code.hasPrefix("//"), matches(line) else { return nil }
                return "\(file.path):\(index + 1): \(code)"
            }
        }
    }
}
