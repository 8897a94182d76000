import TSQBase
import TSQConfig
import TSQEngine
import TSQModel
import TSQPromQL
import TSQScrape
import TSQStore

/// A time-series store in a directory, with a scraper and PromQL: what the `tsq` program does, in
/// your own.
///
/// ```swift
/// let database = try TSQDatabase(directory: "data")
/// try database.append([
///     TSQSample("room_temperature_celsius", ["room": "kitchen"], at: 1_700_000_000_000, 21.5)
/// ])
/// let answer = try database.query(
///     "avg_over_time(room_temperature_celsius[5m])", atMs: 1_700_000_000_000)
/// for series in answer.series { print(series.labels, series.points) }
/// try database.close()
/// ```
///
/// All methods are safe from any thread. They wait for locks and the disk and compute for as long as
/// a query takes: call them from threads that may block, not from an event loop. One database at a
/// time writes a directory; `TSQReader` reads it meanwhile, from any process.
///
/// Times are milliseconds since 1970.
public final class TSQDatabase: Sendable {
    let store: Store
    let engine: QueryEngine
    private let scraper: ScrapeManager

    /// Opens a directory, and makes it where it is missing. What an earlier process committed and did
    /// not live to store is read back before this returns.
    public init(directory: String, options: TSQOptions = TSQOptions()) throws(TSQError) {
        do throws(StoreError) {
            store = try Store.open(directory: directory, options: options.store)
        } catch {
            throw TSQError(error.message)
        }
        engine = QueryEngine(options: options.engine)
        scraper = ScrapeManager(appender: store)
    }

    /// Adds samples as one transaction: readers see all of it or nothing.
    ///
    /// - Returns: how many were taken, and why others were not (another value at that time is there,
    ///   too far in the future, older than the retention).
    @discardableResult
    public func append(_ samples: [TSQSample]) throws(TSQError) -> TSQAppendReport {
        var batch = WriteBatch(origin: .backfill(overwrite: false))
        do throws(AppendError) {
            // Within a batch a series' samples ascend in time.
            for sample in samples.sorted(by: { $0.timeMs < $1.timeMs }) {
                batch.refs.append(try store.resolve(sample.labelSet))
                batch.times.append(sample.timeMs)
                batch.values.append(sample.value)
            }
            let report = try store.commit(batch)
            return TSQAppendReport(
                acceptedCount: report.acceptedCount, refusedCount: report.refusedCount,
                reasons: Set(report.refusals.map(\.reason.rawValue)))
        } catch {
            throw TSQError(error.message)
        }
    }

    /// The value of a PromQL expression at one time.
    public func query(_ expression: String, atMs timeMs: Int64) throws(TSQError) -> TSQAnswer {
        try TSQAnswer.of(engine, expression, atMs: timeMs, from: store)
    }

    /// Its values at `startMs`, `startMs + stepMs`, … up to `endMs`.
    public func queryRange(
        _ expression: String, startMs: Int64, endMs: Int64, stepMs: Int64
    ) throws(TSQError) -> TSQAnswer {
        try TSQAnswer.of(
            engine, expression, startMs: startMs, endMs: endMs, stepMs: stepMs, from: store)
    }

    /// The labels of the series that a selector chooses, in label order.
    public func series(
        _ selector: String, startMs: Int64, endMs: Int64
    ) throws(TSQError) -> [[String: String]] {
        try TSQAnswer.series(selector, startMs: startMs, endMs: endMs, from: store)
    }

    /// Begins to scrape what a Prometheus configuration (YAML) names, or goes on with a new one.
    public func scrape(configuration: String) async throws(TSQError) {
        do throws(ConfigError) {
            try await scraper.apply(try ServerConfig.parse(configuration))
        } catch {
            throw TSQError(error.description)
        }
    }

    /// Ends scraping; returns when the last scrape is stored.
    public func stopScraping() async { await scraper.stop() }

    /// Makes everything durable and gives the directory free. Stop scraping first.
    public func close() throws(TSQError) {
        do throws(StoreError) {
            try store.close()
        } catch {
            throw TSQError(error.message)
        }
    }
}

/// Reads a directory that another process may be writing. Takes no lock and changes nothing.
public final class TSQReader: Sendable {
    private let store: ReadOnlyStore
    private let engine: QueryEngine

    public init(directory: String, options: TSQOptions = TSQOptions()) throws(TSQError) {
        do throws(StoreError) {
            store = try Store.openReadOnly(directory: directory)
        } catch {
            throw TSQError(error.message)
        }
        engine = QueryEngine(options: options.engine)
    }

    /// Takes in what was written since.
    public func refresh() throws(TSQError) {
        do throws(StoreError) {
            try store.refresh()
        } catch {
            throw TSQError(error.message)
        }
    }

    /// As `TSQDatabase.query`.
    public func query(_ expression: String, atMs timeMs: Int64) throws(TSQError) -> TSQAnswer {
        try TSQAnswer.of(engine, expression, atMs: timeMs, from: store)
    }

    /// As `TSQDatabase.queryRange`.
    public func queryRange(
        _ expression: String, startMs: Int64, endMs: Int64, stepMs: Int64
    ) throws(TSQError) -> TSQAnswer {
        try TSQAnswer.of(
            engine, expression, startMs: startMs, endMs: endMs, stepMs: stepMs, from: store)
    }

    /// As `TSQDatabase.series`.
    public func series(
        _ selector: String, startMs: Int64, endMs: Int64
    ) throws(TSQError) -> [[String: String]] {
        try TSQAnswer.series(selector, startMs: startMs, endMs: endMs, from: store)
    }
}
