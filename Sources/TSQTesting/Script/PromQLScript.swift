import TSQBase
import TSQEngine
import TSQModel

/// What became of a script.
package struct ScriptReport: Sendable {
    package struct Failure: Sendable, Equatable {
        package var file: String
        /// From 1: the line of the command.
        package var line: Int
        package var message: String

        package var place: String { "\(file):\(line)" }
    }

    /// `eval` commands that held, in all their variants.
    package var passed: [Int] = []
    package var failures: [Failure] = []

    package var passedCount: Int { passed.count }

    /// One line a failure, then `N passed, N failed`.
    package var lines: [String] {
        failures.map { "\($0.place): \($0.message)" }
            + ["\(passedCount) passed, \(failures.count) failed"]
    }
}

/// A script in Prometheus's test language (`load`, `eval`, `expect`, `clear`).
package enum PromQLScript {
    /// Runs `text` from an empty store.
    ///
    /// Every instant query is also run as a range query around its time and, where that cannot change
    /// the result, with `@` on every selector at several other times.
    package static func run(
        text: String, fileName: String, evaluator: any ScriptEvaluator
    ) -> ScriptReport {
        var parser = ScriptParser(text)
        var storage = ScriptStorage()
        var source = storage.source
        var report = ScriptReport()
        for command in parser.parse() {
            var message: String?
            switch command.action {
            case .clear:
                storage.clear()
                source = storage.source
            case .load(let load):
                do {
                    try storage.load(load)
                    source = storage.source
                } catch {
                    message = error.reason
                }
            case .evaluate(let evaluation):
                let runner = ScriptEvaluationRunner(
                    evaluation: evaluation, evaluator: evaluator, source: source)
                message = runner.difference()
                if message == nil { report.passed.append(command.line) }
            case .invalid(let reason): message = reason
            }
            if let message {
                report.failures.append(
                    ScriptReport.Failure(
                        file: fileName, line: command.line,
                        message: message.replacingNewlines()))
            }
        }
        return report
    }
}

extension String {
    fileprivate func replacingNewlines() -> String {
        String(map { $0.isNewline ? " " : $0 })
    }
}
