import ArgumentParser
import Foundation
import TSQBase

/// The program: `tsq COMMAND …`; a first argument that is a flag means `serve`.
package struct TSQ: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "tsq",
        abstract: "Scrape metrics, keep them, and answer PromQL: works like Prometheus.",
        discussion: """
            A first argument that begins with -- means `serve`, with Prometheus's own flags:

              tsq --config.file=prometheus.yml --storage.tsdb.path=data

            EXAMPLES
              tsq demo
              tsq scrape http://127.0.0.1:9100/metrics --data d --interval 1s
              tsq query 'rate(node_cpu_seconds_total[5m])' --data d -o graph --since 1h
              tsq help query
            """,
        version: "tsq \(Version.text)",
        subcommands: [
            ServeCommand.self, ScrapeCommand.self, QueryCommand.self, SeriesCommand.self,
            LabelsCommand.self, ImportCommand.self, ExportCommand.self, CheckCommand.self,
            TestCommand.self, TSDBCommand.self, DemoCommand.self, CompletionsCommand.self,
        ])

    package init() {}

    /// Exit codes, as promtool's.
    package enum Exit {
        package static let success: Int32 = 0
        package static let failure: Int32 = 1
        package static let usage: Int32 = 2
    }

    /// Runs the program with its arguments (without the program's name).
    ///
    /// - Returns: the exit code.
    package static func main(arguments: [String]) async -> Int32 {
        var arguments = arguments
        if let first = arguments.first, first.hasPrefix("-"),
            !["--help", "-h", "--version", "--experimental-dump-help"].contains(first),
            !first.hasPrefix("--generate-completion-script")
        {
            arguments.insert("serve", at: 0)
        }
        if arguments.first == "serve" {
            arguments = ["serve"] + IgnoredFlags.extract(from: Array(arguments.dropFirst()))
        }
        do {
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return Exit.success
        } catch {
            return report(error)
        }
    }

    private static func report(_ error: any Error) -> Int32 {
        if let failure = error as? CommandFailure {
            StandardError.write("tsq: \(failure.message)\n")
            return failure.code
        }
        let code = exitCode(for: error)
        if code.isSuccess {
            print(fullMessage(for: error))
            return Exit.success
        }
        let message = fullMessage(for: error)
        if !message.isEmpty { StandardError.write(message + "\n") }
        return code == .validationFailure ? Exit.usage : code.rawValue
    }
}

/// An error that ends the program with a message.
package struct CommandFailure: Error, Sendable {
    package var message: String
    package var code: Int32

    package init(_ message: String, code: Int32 = TSQ.Exit.failure) {
        self.message = message
        self.code = code
    }
}

/// What this program calls itself.
package enum Version {
    package static let text = "0.1.0"
}
