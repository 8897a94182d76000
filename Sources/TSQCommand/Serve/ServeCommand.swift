import ArgumentParser
import Foundation
import TSQConfig

/// `tsq serve`: scrape, store, answer.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Scrape what a configuration names, and serve the Prometheus HTTP API.",
        discussion: """
            Takes Prometheus's own flags; those without a meaning here are accepted and named once \
            in the log. SIGHUP reads the configuration again, SIGTERM and SIGINT stop cleanly.

            EXAMPLES
              tsq serve --config.file=prometheus.yml --storage.tsdb.path=data
              tsq --config.file=prometheus.yml --web.listen-address=127.0.0.1:9090
              tsq serve --storage.tsdb.path=data        serves what is stored, scrapes nothing
            """)

    @OptionGroup var flags: ServeFlags

    func run() async throws {
        let server = try Server.start(flags: flags, config: try config())
        try await server.run()
    }

    /// Without a file of the default name there is nothing to scrape; a file that was named must be
    /// there.
    private func config() throws -> ServerConfig {
        let wasNamed = CommandLine.arguments.contains { $0.contains("config.file") }
        if !wasNamed && !FileManager.default.fileExists(atPath: flags.configFile) {
            return ServerConfig()
        }
        do throws(ConfigError) {
            return try ServerConfig.load(path: flags.configFile)
        } catch {
            throw CommandFailure(
                "error loading config from \(flags.configFile): \(error.description)")
        }
    }
}
