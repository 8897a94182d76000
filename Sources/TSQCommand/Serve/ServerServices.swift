import ServiceLifecycle
import TSQHTTP
import TSQScrape
import UnixSignals

// They say their names themselves: the service group asks each for a text, and would look through
// everything a service holds for one, which a start has to wait for.

/// Answers requests at one address.
struct WebService: Service, CustomStringConvertible {
    let application: any Service
    var description: String { "web" }

    func run() async throws { try await application.run() }
}

/// Scrapes while the server runs. A configuration that cannot be applied ends the server.
struct ScrapeService: Service, CustomStringConvertible {
    let server: Server
    var description: String { "scrape" }

    func run() async throws {
        try await server.applyConfig()
        try await gracefulShutdown()
        await server.scraper.stop()
    }
}

/// Reads the configuration again at SIGHUP.
struct ReloadService: Service, CustomStringConvertible {
    let server: Server
    var description: String { "reload" }

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        for await _ in signals.cancelOnGracefulShutdown() {
            // Logged there; a bad file leaves the old configuration running.
            try? await server.reload()
        }
    }
}

/// Ends running queries when the server stops.
struct QueryEndService: Service, CustomStringConvertible {
    let server: APIServer
    var description: String { "end of queries" }

    func run() async throws {
        try await gracefulShutdown()
        server.cancelRunning()
    }
}
