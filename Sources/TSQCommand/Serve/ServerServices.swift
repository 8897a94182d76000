import ServiceLifecycle
import TSQHTTP
import TSQScrape
import UnixSignals

/// Scrapes while the server runs. A configuration that cannot be applied ends the server.
struct ScrapeService: Service {
    let server: Server

    func run() async throws {
        try await server.applyConfig()
        try await gracefulShutdown()
        await server.scraper.stop()
    }
}

/// Reads the configuration again at SIGHUP.
struct ReloadService: Service {
    let server: Server

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        for await _ in signals.cancelOnGracefulShutdown() {
            // Logged there; a bad file leaves the old configuration running.
            try? await server.reload()
        }
    }
}

/// Ends running queries when the server stops.
struct QueryEndService: Service {
    let server: APIServer

    func run() async throws {
        try await gracefulShutdown()
        server.cancelRunning()
    }
}
