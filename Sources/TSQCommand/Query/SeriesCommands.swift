import ArgumentParser
import TSQBase
import TSQModel

/// The span of `series` and `labels`.
struct SpanOptions: ParsableArguments {
    @Option(help: "How far back from --end. (default: everything stored)")
    var since: DurationArgument?

    @Option(help: "The start: seconds, RFC 3339, or before now as --start=-1h.")
    var start: TimeArgument?

    @Option(help: "The end. (default: everything stored)")
    var end: TimeArgument?

    /// Wide enough for everything, and short enough that a server takes it.
    private static let everythingMs: Int64 = 253_402_300_799_000

    var bounds: (fromMs: TimestampMs, toMs: TimestampMs) {
        let nowMs = SystemClock().nowMs()
        let toMs = end?.resolved(nowMs: nowMs) ?? (since == nil ? Self.everythingMs : nowMs)
        let fromMs = start?.resolved(nowMs: nowMs) ?? since.map { toMs - $0.ms } ?? 0
        return (fromMs, toMs)
    }
}

/// `tsq series`: which series there are.
struct SeriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "series",
        abstract: "List the series that selectors choose.",
        discussion: """
            EXAMPLES
              tsq series up --data d
              tsq series '{job="node"}' 'http_requests_total{path=~"/p.*"}' --since 1h
            """)

    @Argument(help: "Selectors; a series of any of them is listed.")
    var selectors: [String]

    @OptionGroup var source: SourceOptions
    @OptionGroup var span: SpanOptions

    func run() async throws {
        let (fromMs, toMs) = span.bounds
        let series = try await source.source.series(selectors, fromMs: fromMs, toMs: toMs)
        StandardOutput.write(series.map { $0.seriesText + "\n" }.joined())
    }
}

/// `tsq labels`: label names, or the values of one.
struct LabelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "labels",
        abstract: "List label names, or the values of one label.",
        discussion: """
            EXAMPLES
              tsq labels --data d
              tsq labels 'http_requests_total' --data d
              tsq labels --values job --data d
              tsq labels --values __name__ '{job="node"}'
            """)

    @Argument(help: "Selectors: only labels of their series.")
    var selectors: [String] = []

    @Option(help: "List the values of this label.")
    var values: String?

    @OptionGroup var source: SourceOptions
    @OptionGroup var span: SpanOptions

    func run() async throws {
        let (fromMs, toMs) = span.bounds
        let list = try await source.source.labels(
            valuesOf: values, selectors, fromMs: fromMs, toMs: toMs)
        StandardOutput.write(list.map { $0 + "\n" }.joined())
    }
}
