import ArgumentParser
import Foundation
import TSQBase
import TSQEngine
import TSQModel
import TSQTesting

/// `tsq test`: scripts of expectations.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Run test files.", subcommands: [PromQL.self])

    struct PromQL: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "promql",
            abstract: "Run scripts in the language of Prometheus's own engine tests.",
            discussion: """
                All experimental features are on. One line a failure; the last line counts.

                EXAMPLES
                  tsq test promql my.test
                  tsq test promql --per-file promql/*.test
                """)

        @Argument(help: "The scripts.", completion: .file())
        var files: [String]

        @Flag(help: "Also count for each file.")
        var perFile = false

        func run() throws {
            let evaluator = EngineEvaluator()
            var passed = 0
            var failed = 0
            for file in files {
                guard let data = FileManager.default.contents(atPath: file) else {
                    throw CommandFailure("\(file): no such file")
                }
                let report = PromQLScript.run(
                    text: String(decoding: data, as: UTF8.self), fileName: file,
                    evaluator: evaluator)
                for failure in report.failures {
                    print("\(failure.place): \(failure.message)")
                }
                passed += report.passedCount
                failed += report.failures.count
                if perFile {
                    print("\(file): \(report.passedCount) passed, \(report.failures.count) failed")
                }
            }
            print("\(passed) passed, \(failed) failed")
            if failed > 0 { throw ExitCode(TSQ.Exit.failure) }
        }
    }
}

/// The engine as scripts want it.
private struct EngineEvaluator: ScriptEvaluator {
    let engine = QueryEngine(options: .script)

    func instant(
        _ query: String, atMs: TimestampMs, from source: any SeriesSource
    ) throws(QueryError) -> QueryResult {
        try engine.instant(query, atMs: atMs, from: source)
    }

    func range(
        _ query: String, startMs: TimestampMs, endMs: TimestampMs, stepMs: Int64,
        from source: any SeriesSource
    ) throws(QueryError) -> QueryResult {
        try engine.range(query, startMs: startMs, endMs: endMs, stepMs: stepMs, from: source)
    }
}
