import Synchronization
import TSQBase
import TSQConfig
import TSQHTTPClient
import TSQModel

/// Scrapes what a configuration names into a `SampleAppender`.
///
/// All methods are safe from any thread.
package final class ScrapeManager: Sendable {
    /// Makes the client of a pool; the default is `HTTPFetcher`.
    package typealias FetcherFactory =
        @Sendable (HTTPClientConfig) throws(ConfigError) -> any Fetcher

    private let appender: any SampleAppender
    private let clock: any WallClock
    private let events: any EventSink
    private let onScrape: (@Sendable (ScrapeOutcome) -> Void)?

    /// - Parameter onScrape: Called after every scrape, from a scrape thread; must not block for long.
    package init(
        appender: any SampleAppender, clock: any WallClock = SystemClock(),
        events: any EventSink = NullEventSink(),
        onScrape: (@Sendable (ScrapeOutcome) -> Void)? = nil
    ) {
        self.appender = appender
        self.clock = clock
        self.events = events
        self.onScrape = onScrape
    }

    /// Makes the running pools those of `config`. Pools whose section did not change go on untouched;
    /// targets that stay keep their place in the schedule.
    package func apply(_ config: ServerConfig) async throws(ConfigError) {
        _ = (appender, clock, events, onScrape)
    }

    /// Ends every loop and returns when the last scrape that was under way is committed or given up.
    /// As Prometheus at shutdown, it writes no stale markers: a restart goes on where this ended.
    package func stop() async {}

    /// By pool name.
    package func pools() -> [ScrapePoolStatus] { [] }

    /// Of the active targets, in the order of `pools()`.
    package func metadata() -> [TargetMetadata] { [] }
}
