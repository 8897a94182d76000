import Foundation
import Testing

/// Runs the built program, which the test build puts beside the test bundle.
struct Program {
    struct Outcome {
        var code: Int32
        var output: String
        var errors: String
    }

    let path: String

    init() throws {
        let directory = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        path = directory.appendingPathComponent("tsq").path
        try #require(
            FileManager.default.isExecutableFile(atPath: path), "\(path): swift build first")
    }

    func run(_ arguments: [String], input: String = "") throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let (output, errors, given) = (Pipe(), Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = given
        try process.run()
        try given.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try given.fileHandleForWriting.close()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        let complaint = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Outcome(
            code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: complaint, as: UTF8.self))
    }
}

@Suite("Commands against golden files")
struct CommandGoldenTests {
    private static let page = """
        # TYPE http_requests counter
        http_requests_total{path="/",method="GET"} 0 1700000000
        http_requests_total{path="/",method="GET"} 60 1700000060
        http_requests_total{path="/",method="GET"} 120.5 1700000120
        http_requests_total{path="/a,b \\"c\\"",method="GET"} 7 1700000000
        http_requests_total{path="/a,b \\"c\\"",method="GET"} 5 1700000060
        # TYPE temperature gauge
        temperature NaN 1700000000
        temperature -3.25 1700000060
        # TYPE latency histogram
        latency_bucket{le="1"} 3 1700000060
        latency_bucket{le="+Inf"} 4 1700000060
        # EOF

        """

    /// Runs each line in a fresh directory and writes down what it said.
    private func transcript(_ name: String, _ commands: [[String]]) throws {
        let program = try Program()
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("tsq-golden-\(UInt64.random(in: .min ... .max))").path
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        func write(_ file: String, _ text: String) throws {
            try text.write(toFile: directory + "/" + file, atomically: true, encoding: .utf8)
        }
        try write("page.om", Self.page)
        try write("bad.txt", "up 1\nup{a=\"b} 1\n")
        try write("good.yml", "scrape_configs:\n  - job_name: a\n")
        try write("bad.yml", "global:\n  scrape_intervall: 5s\n")
        try write(
            "script.test",
            "load 1m\n  a 1 2 3\n\neval instant at 1m a\n  a 2\n\neval instant at 2m a\n  a 4\n")
        var text = ""
        for command in commands {
            let outcome = try program.run(command.map { $0.replacing("DIR", with: directory) })
            text +=
                "$ tsq \(command.map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: " "))\n"
            text += outcome.output.replacing(directory, with: "DIR")
            for line in outcome.errors.replacing(directory, with: "DIR").split(separator: "\n") {
                text += "! \(line)\n"
            }
            text += "= \(outcome.code)\n\n"
        }
        try Golden.check("cli/\(name).txt", text)
    }

    @Test("import, query, series, labels and export")
    func data() throws {
        let data = ["--data", "DIR/data"]
        let range = ["--start", "1700000000", "--end", "1700000120", "--step", "60"]
        try transcript(
            "data",
            [
                ["import", "DIR/page.om"] + data, ["import", "DIR/page.om"] + data,
                ["import", "DIR/bad.txt"] + data, ["import", "DIR/none"] + data,
                ["query", "http_requests_total", "--time", "1700000120", "-o", "table"] + data,
                ["query", "http_requests_total", "-o", "table"] + range + data,
                ["query", "http_requests_total", "-o", "csv"] + range + data,
                ["query", "rate(http_requests_total[2m])", "--time", "1700000120"] + data,
                ["query", "http_requests_total{path=\"/\"}", "-o", "graph"] + range + data,
                ["query", "1 + 1", "-o", "table"] + data,
                ["query", "none", "--time", "1700000120", "-o", "table"] + data,
                ["series", "http_requests_total", "{__name__=~\"lat.*\"}"] + data,
                ["labels"] + data, ["labels", "--values", "le"] + data,
                ["labels", "temperature"] + data,
                ["export", "{__name__=~\".+\"}"] + data,
            ])
    }

    @Test("what is wrong is said, and the exit code tells usage from failure")
    func errors() throws {
        try transcript(
            "errors",
            [
                ["query", "up{", "--data", "DIR"], ["query", "rate(up)", "--data", "DIR"],
                ["query", "up", "--data", "DIR/none"],
                ["query", "up", "--data", "DIR", "--server", "x"],
                ["query", "up", "--time", "zz"], ["query"], ["nonsense"],
                ["query", "up", "--server", "http://127.0.0.1:1"],
                ["scrape", "--data", "DIR"], ["scrape", "ftp://x/", "--data", "DIR/d"],
                ["serve", "--log.level=loud"], ["--web.listen-address=nowhere"],
                ["--config.file=DIR/none.yml"],
            ])
    }

    @Test("check and test answer with promtool's exit codes")
    func checks() throws {
        try transcript(
            "checks",
            [
                ["check", "config", "DIR/good.yml"],
                ["check", "config", "DIR/bad.yml", "DIR/good.yml"],
                ["check", "metrics", "DIR/page.om"], ["check", "metrics", "DIR/bad.txt"],
                ["test", "promql", "DIR/script.test"], ["test", "promql", "DIR/none.test"],
                ["--version"],
            ])
    }

    @Test("every command's help has examples")
    func help() throws {
        let program = try Program()
        let commands = [
            "serve", "scrape", "query", "series", "labels", "import", "export", "demo",
            "completions", "check config", "check metrics", "test promql", "tsdb list",
            "tsdb analyze", "tsdb verify", "tsdb delete", "tsdb deletions", "tsdb undo",
            "tsdb clean", "tsdb snapshot",
        ]
        for command in commands {
            let outcome = try program.run(["help"] + command.split(separator: " ").map(String.init))
            #expect(outcome.code == 0 && outcome.output.contains("EXAMPLES"), "\(command)")
        }
    }
}
