import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("tsq serve as a process", .serialized)
struct ServeTests {
    /// A server that scrapes itself, in a directory of its own.
    private func withServer(
        _ arguments: [String] = [],
        _ body: (_ process: Process, _ url: String, _ directory: String) throws -> Void
    ) throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("tsq-serve-\(UInt64.random(in: .min ... .max))").path
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let port = Int.random(in: 20_000..<40_000)
        try Self.config(port: port, job: "self")
            .write(toFile: directory + "/tsq.yml", atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try Program().path)
        process.arguments =
            [
                "--config.file=\(directory)/tsq.yml", "--storage.tsdb.path=\(directory)/data",
                "--web.listen-address=127.0.0.1:\(port)", "--log.level=error",
                "--web.page-title=ignored",
            ] + arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            if process.isRunning { process.terminate() }
            process.waitUntilExit()
        }
        let url = "http://127.0.0.1:\(port)"
        try eventually { try ask(url + "/-/ready").contains("Ready") }
        try body(process, url, directory)
    }

    private static func config(port: Int, job: String) -> String {
        """
        global: {scrape_interval: 200ms, scrape_timeout: 200ms}
        scrape_configs:
          - job_name: \(job)
            static_configs: [{targets: ['127.0.0.1:\(port)']}]
        """
    }

    private func eventually(_ condition: () throws -> Bool) throws {
        for _ in 0..<200 {
            if (try? condition()) == true { return }
            Thread.sleep(forTimeInterval: 0.05)
        }
        try #require(try condition())
    }

    /// curl: FoundationNetworking is a large library for a GET.
    private func ask(_ url: String, _ options: [String] = []) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["curl", "-gs", "--max-time", "10"] + options + [url]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: text, as: UTF8.self)
    }

    @Test("it scrapes, answers, can be read beside, and stops cleanly at SIGTERM")
    func lifecycle() throws {
        try withServer { process, url, directory in
            try eventually {
                try ask(url + "/api/v1/query?query=sum_over_time(up[1m])").contains(
                    "\"job\":\"self\"")
            }
            let beside = try Program().run(["query", "up", "--data", directory + "/data"])
            #expect(beside.code == 0 && beside.output.contains("self"))
            #expect(try ask(url + "/api/v1/targets").contains("\"health\":\"up\""))
            #expect(try ask(url + "/-/reload", ["-X", "POST"]).contains("not enabled"))
            process.terminate()
            process.waitUntilExit()
            #expect(process.terminationReason == .exit && process.terminationStatus == 0)
            let after = try Program().run(["query", "up", "--data", directory + "/data"])
            #expect(after.output.contains("self"))
        }
    }

    @Test("SIGHUP and POST /-/reload take a new configuration; a bad one changes nothing")
    func reload() throws {
        try withServer(["--web.enable-lifecycle"]) { process, url, directory in
            let file = directory + "/tsq.yml"
            let port = try #require(Int(url.split(separator: ":").last ?? ""))
            try Self.config(port: port, job: "second")
                .write(toFile: file, atomically: true, encoding: .utf8)
            kill(process.processIdentifier, SIGHUP)
            try eventually { try ask(url + "/api/v1/targets").contains("\"job\":\"second\"") }
            try "nonsense: true\n".write(toFile: file, atomically: true, encoding: .utf8)
            let answer = try ask(url + "/-/reload", ["-X", "POST"])
            #expect(answer.hasPrefix("failed to reload config"))
            #expect(try ask(url + "/api/v1/targets").contains("\"job\":\"second\""))
            #expect(
                try ask(url + "/api/v1/status/runtimeinfo")
                    .contains("\"reloadConfigSuccess\":false"))
            _ = try ask(url + "/-/quit", ["-X", "POST"])
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
    }
}
