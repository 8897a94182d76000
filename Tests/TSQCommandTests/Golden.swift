import Foundation
import Testing

/// Texts that answers are held against: `testdata/golden/NAME`. `make goldens` writes them anew.
enum Golden {
    static func check(
        _ name: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../testdata/golden/\(name)").standardizedFileURL
        if ProcessInfo.processInfo.environment["TSQ_UPDATE_GOLDENS"] != nil {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: true, encoding: .utf8)
            return
        }
        let golden = try #require(
            try? String(contentsOf: file, encoding: .utf8),
            "\(name) is missing: make goldens", sourceLocation: sourceLocation)
        #expect(text == golden, "\(name)", sourceLocation: sourceLocation)
    }
}
