import ArgumentParser
import Foundation
import TSQConfig

/// `tsq demo`: the demo application, a small load, and a server that scrapes it.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Start a demo application with some load, scrape it, and serve queries.",
        discussion: """
            Needs the program `planets` next to tsq. Ends at SIGINT (Ctrl-C).

            EXAMPLES
              tsq demo
              tsq demo --port 9091 --data demo-data
            """)

    @Option(help: "The port of the server.")
    var port = 9090

    @Option(help: "The port of the demo application; the container's figures are on the next one.")
    var applicationPort = 9000

    @Option(help: "The directory of the store. (default: a temporary one)")
    var data: String?

    func run() async throws {
        let directory =
            data
            ?? FileManager.default.temporaryDirectory
            .appendingPathComponent("tsq-demo-\(ProcessInfo.processInfo.processIdentifier)").path
        let configPath = directory + ".yml"
        try Self.yaml(applicationPort: applicationPort)
            .write(toFile: configPath, atomically: true, encoding: .utf8)
        let application = try DemoApplication.start(port: applicationPort)
        defer {
            application.stop()
            try? FileManager.default.removeItem(atPath: configPath)
            if data == nil { try? FileManager.default.removeItem(atPath: directory) }
        }
        let flags = try ServeFlags.parse([
            "--config.file=\(configPath)", "--storage.tsdb.path=\(directory)",
            "--web.listen-address=127.0.0.1:\(port)", "--web.enable-lifecycle",
            "--log.level=warn",
        ])
        let config: ServerConfig
        do throws(ConfigError) {
            config = try ServerConfig.load(path: configPath)
        } catch {
            throw CommandFailure(error.description)
        }
        let server = try Server.start(flags: flags, config: config)
        let load = Task { await DemoLoad(port: applicationPort).run() }
        defer { load.cancel() }
        let text = introduction
        try await server.run { StandardOutput.write(text + "\n") }
    }

    /// The article's own configuration with its addresses adapted; the target keeps its name.
    static func yaml(applicationPort: Int) -> String {
        """
        scrape_configs:

          - job_name: mongodb_redis_web_app
            scrape_interval: 5s
            static_configs:
              - targets: ['127.0.0.1:\(applicationPort)']

          - job_name: cadvisor
            scrape_interval: 5s
            static_configs:
              - targets: ['127.0.0.1:\(applicationPort + 1)']

        """
    }

    private var introduction: String {
        let server = "http://127.0.0.1:\(port)"
        let tsq = DemoApplication.programName()
        return """
            demo: running; Ctrl-C ends it.

              application   http://127.0.0.1:\(applicationPort)/          its metrics: /metrics
              server        \(server)/          queries, table and graph
              targets       \(server)/api/v1/targets

            In another terminal, after some seconds:

              \(tsq) query 'rate(http_requests_total[5m])' --server \(server)
              \(tsq) query 'sum by (path) (rate(http_requests_total[1m]))' --server \(server) --since 10m -o graph
              \(tsq) query 'rate(http_response_time_seconds_sum[5m]) / rate(http_response_time_seconds_count[5m])' --server \(server)
              \(tsq) query 'histogram_quantile(0.95, sum by (le, path) (rate(http_response_time_seconds_bucket[1m])))' --server \(server)
              \(tsq) query http_connected_sse_clients --server \(server)
            """
    }
}

/// The demo application as a process of its own.
final class DemoApplication {
    private let process: Process

    private init(_ process: Process) { self.process = process }

    static func start(port: Int) throws -> DemoApplication {
        let path = programDirectory() + "/planets"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw CommandFailure("\(path) is missing: build the product planets")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["--port", "\(port)", "--container-port", "\(port + 1)"]
        process.standardOutput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw CommandFailure("\(path): \(error.localizedDescription)")
        }
        return DemoApplication(process)
    }

    func stop() {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
    }

    /// What to type to run this program again from the working directory.
    static func programName() -> String {
        let path = CommandLine.arguments[0]
        let directory = FileManager.default.currentDirectoryPath + "/"
        return path.hasPrefix(directory) ? String(path.dropFirst(directory.count)) : path
    }

    /// Where this program's file is.
    private static func programDirectory() -> String {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = link ?? CommandLine.arguments[0]
        return (path as NSString).deletingLastPathComponent
    }
}
