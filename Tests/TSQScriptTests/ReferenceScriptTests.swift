import Foundation
import TSQEngine
import TSQTesting
import Testing

@Suite("Scripts on the reference evaluator")
struct ReferenceScriptTests {
    private let evaluator = ReferenceEvaluator(options: .script)

    @Test("Prometheus's scripts hold, but for what is listed", arguments: ScriptFiles.conformance)
    func conformance(_ file: URL) throws {
        try ScriptVerdict.check(
            file, evaluator, expected: "expected-failures-reference.txt")
    }

    @Test("the project's own scripts hold", arguments: ScriptFiles.own)
    func own(_ file: URL) throws {
        try ScriptVerdict.check(file, evaluator, expected: "expected-failures-reference.txt")
    }
}

enum ScriptVerdict {
    /// Runs `file`; a failure that is not listed, and a listed case that holds, are issues.
    static func check(
        _ file: URL, _ evaluator: any ScriptEvaluator, expected listName: String
    ) throws {
        let name = file.lastPathComponent
        let listed = try ScriptFiles.expectedFailures(listName)
        let report = PromQLScript.run(
            text: try String(contentsOf: file, encoding: .utf8), fileName: name,
            evaluator: evaluator)
        for failure in report.failures where listed[failure.place] == nil {
            Issue.record("\(failure.place): \(failure.message)")
        }
        for line in report.passed where listed["\(name):\(line)"] != nil {
            Issue.record("\(name):\(line) holds, though it is listed as an expected failure")
        }
        print("\(name): \(report.lines[report.lines.count - 1])")
    }
}
