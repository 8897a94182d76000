import Foundation
import TSQEngine
import TSQTesting
import Testing

@Suite("Scripts on the engine")
struct EngineScriptTests {
    private let engine = EngineUnderScript()

    @Test("Prometheus's scripts hold, but for what is listed", arguments: ScriptFiles.conformance)
    func conformance(_ file: URL) throws {
        try ScriptVerdict.check(file, engine, expected: "expected-failures.txt")
    }

    @Test("the project's own scripts hold", arguments: ScriptFiles.own)
    func own(_ file: URL) throws {
        try ScriptVerdict.check(file, engine, expected: "expected-failures.txt")
    }
}
