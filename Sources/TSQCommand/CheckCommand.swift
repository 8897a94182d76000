import ArgumentParser
import Foundation
import TSQConfig
import TSQExposition
import TSQHTTP

/// `tsq check`: files, without a server.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check files. The exit code is 1 when one is wrong.",
        subcommands: [Config.self, Metrics.self])

    struct Config: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "config",
            abstract: "Check configuration files.",
            discussion: """
                EXAMPLES
                  tsq check config prometheus.yml
                """)

        @Argument(help: "The files.", completion: .file())
        var files: [String]

        @Flag(help: "Only the file itself, not what it names. (That is all that is looked at now.)")
        var syntaxOnly = false

        func run() throws {
            var failed = false
            for file in files {
                print("Checking \(file)")
                do throws(ConfigError) {
                    let config = try ServerConfig.load(path: file)
                    for warning in config.warnings { print("  WARNING: \(warning)") }
                    print(" SUCCESS: \(file) is valid prometheus config file syntax\n")
                } catch {
                    failed = true
                    StandardError.write("  FAILED: \(error.description)\n")
                }
            }
            if failed { throw ExitCode(TSQ.Exit.failure) }
        }
    }

    struct Metrics: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "metrics",
            abstract: "Check metrics pages: standard input, or files.",
            discussion: """
                EXAMPLES
                  curl -s http://127.0.0.1:9100/metrics | tsq check metrics
                  tsq check metrics page.txt page.om.gz
                """)

        @Argument(help: "The files. (default: standard input)", completion: .file())
        var files: [String] = []

        func run() throws {
            var failed = false
            for file in files.isEmpty ? ["-"] : files {
                let page = try ImportCommand.contents(file)
                var scanner = ExpositionScanner(page.span, format: SampleImporter.format(of: page))
                do throws(ExpositionError) {
                    while try scanner.next() != .end {}
                } catch {
                    failed = true
                    StandardError.write("\(file): \(error)\n")
                }
            }
            if failed { throw ExitCode(TSQ.Exit.failure) }
        }
    }
}
