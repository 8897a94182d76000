import ArgumentParser
import Foundation
import Synchronization
import TSQBase
import TSQConfig
import TSQModel
import TSQScrape
import TSQStore
import UnixSignals

/// `tsq scrape`: pages into a directory, without a server.
struct ScrapeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scrape",
        abstract: "Scrape pages into a store, with a live line per target.",
        discussion: """
            Ends after --duration, or at SIGINT or SIGTERM; nothing that was scraped is lost.

            EXAMPLES
              tsq scrape http://127.0.0.1:9100/metrics --data d --interval 1s --duration 1m
              tsq scrape 127.0.0.1:9100 127.0.0.1:9000 --data d --job demo
              tsq scrape --config.file prometheus.yml --data d
            """)

    @Argument(help: "The pages. Without a path /metrics, without a scheme http is meant.")
    var urls: [String] = []

    @Option(help: "The directory of the store; made where it is missing.")
    var data: String

    @Option(help: "How often.")
    var interval = DurationArgument(ms: 5000)

    @Option(help: "The label job of the series.")
    var job = "scrape"

    @Option(help: "Stop after this long. (default: at a signal)")
    var duration: DurationArgument?

    @Option(
        name: .customLong("config.file"), help: "Scrape what this configuration names instead.",
        completion: .file())
    var configFile: String?

    @Flag(help: "No live lines.")
    var quiet = false

    mutating func validate() throws {
        if urls.isEmpty == (configFile == nil) {
            throw ValidationError("Give either URLs or --config.file.")
        }
        if interval.ms <= 0 { throw ValidationError("--interval must be above 0.") }
    }

    func run() async throws {
        let config = try config()
        let store = try DataDirectory.open(data)
        let lines = LiveLines(isOn: !quiet)
        let scraper = ScrapeManager(appender: store, onScrape: { lines.show($0) })
        do throws(ConfigError) {
            try await scraper.apply(config)
        } catch {
            try? DataDirectory.close(store)
            throw CommandFailure(error.description)
        }
        await waitForEnd()
        await scraper.stop()
        try DataDirectory.close(store)
        let totals = lines.totals
        print("\(totals.scrapes) scrapes, \(totals.samples) samples, \(totals.failures) failed")
    }

    /// A signal, or the end of the duration.
    private func waitForEnd() async {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in signals { return } }
            if let duration {
                group.addTask { try? await Task.sleep(for: .milliseconds(duration.ms)) }
            }
            await group.next()
            group.cancelAll()
        }
    }

    func config() throws(CommandFailure) -> ServerConfig {
        do throws(ConfigError) {
            if let configFile { return try ServerConfig.load(path: configFile) }
            return try ServerConfig.parse(try yaml())
        } catch {
            throw CommandFailure(error.description)
        }
    }

    /// The URLs as a configuration: one section for each way to reach a page.
    func yaml() throws(ConfigError) -> String {
        var sections: [(scheme: String, path: String, targets: [String])] = []
        for url in urls {
            let parts = try ScrapeURL(url)
            if let index = sections.firstIndex(where: {
                $0.scheme == parts.scheme && $0.path == parts.path
            }) {
                sections[index].targets.append(parts.address)
            } else {
                sections.append((parts.scheme, parts.path, [parts.address]))
            }
        }
        let length = PromDuration.format(ms: interval.ms)
        let timeout = PromDuration.format(ms: min(interval.ms, 10_000))
        var yaml = """
            global:
              scrape_interval: \(length)
              scrape_timeout: \(timeout)
            scrape_configs:

            """
        for (index, section) in sections.enumerated() {
            // Section names are unique; the label is what was asked for.
            let name = index == 0 ? job : "\(job)-\(index + 1)"
            yaml += """
                  - job_name: \(GoQuote.quoted(name))
                    scheme: \(section.scheme)
                    metrics_path: \(GoQuote.quoted(section.path))
                    fallback_scrape_protocol: PrometheusText0.0.4
                    static_configs:
                      - targets: [\(section.targets.map { GoQuote.quoted($0) }.joined(separator: ", "))]
                        labels: {job: \(GoQuote.quoted(job))}

                """
        }
        return yaml
    }
}

/// The parts of a page's URL.
struct ScrapeURL: Equatable {
    var scheme = "http"
    var address: String
    var path = "/metrics"

    init(_ text: String) throws(ConfigError) {
        var rest = text[...]
        if let end = text.range(of: "://") {
            scheme = String(text[..<end.lowerBound])
            rest = text[end.upperBound...]
        }
        if let slash = rest.firstIndex(of: "/") {
            if rest.index(after: slash) < rest.endIndex { path = String(rest[slash...]) }
            rest = rest[..<slash]
        }
        address = String(rest)
        guard scheme == "http" || scheme == "https", !address.isEmpty, !path.contains("?") else {
            throw ConfigError("\(text): a URL like http://host:port/path was expected")
        }
    }
}

/// One line a target that shows its newest scrape: redrawn on a terminal, appended elsewhere.
final class LiveLines: Sendable {
    private struct State {
        var order: [String] = []
        var lines: [String: String] = [:]
        var totals = (scrapes: 0, samples: 0, failures: 0)
    }

    private let state = Mutex(State())
    private let isOn: Bool
    private let redraws = StandardOutput.isTerminal

    init(isOn: Bool) { self.isOn = isOn }

    var totals: (scrapes: Int, samples: Int, failures: Int) { state.withLock { $0.totals } }

    func show(_ outcome: ScrapeOutcome) {
        let line = Self.line(outcome)
        let width = redraws ? StandardOutput.size.columns : .max
        let text: String? = state.withLock { state in
            state.totals.scrapes += 1
            state.totals.samples += outcome.sampleCount
            if outcome.error != nil { state.totals.failures += 1 }
            guard isOn else { return nil }
            guard redraws else { return line + "\n" }
            let shown = state.order.count
            if state.lines[outcome.url] == nil { state.order.append(outcome.url) }
            state.lines[outcome.url] = String(line.prefix(width - 1))
            // Up to the first line, then every line anew.
            let up = shown > 0 ? "\u{1B}[\(shown)A" : ""
            return up
                + state.order.map { "\r\u{1B}[2K" + (state.lines[$0] ?? "") + "\n" }.joined()
        }
        if let text { StandardOutput.write(text) }
    }

    static func line(_ outcome: ScrapeOutcome) -> String {
        let duration = GraphOutput.axisText(outcome.durationSeconds * 1000)
        let result =
            outcome.error.map { "down: \($0)" }
            ?? "\(outcome.sampleCount) samples, \(outcome.bodyByteCount / 1024) KiB"
        return "\(outcome.url)  \(result)  \(duration) ms"
    }
}
