import ArgumentParser
import TSQBase
import TSQHTTP

/// How answers are shown.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, graph, json, csv
}

/// `tsq query`: one PromQL expression.
struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Answer a PromQL expression from a directory or a server.",
        discussion: """
            EXAMPLES
              tsq query up
              tsq query 'rate(http_requests_total[5m])' --server http://127.0.0.1:9090
              tsq query 'sum by (job) (up)' --data d --time 2026-01-02T15:04:05Z
              tsq query 'rate(node_cpu_seconds_total[5m])' --data d --since 1h -o graph
              tsq query up --start 1700000000 --end 1700003600 --step 15s -o csv
              tsq query 'sum by (job) (rate(http_requests_total[5m]))' --data d --explain
            """)

    @Argument(help: "The expression.")
    var expression: String

    @OptionGroup var source: SourceOptions

    @Option(
        help: """
            The time of the answer: seconds, RFC 3339, now, or a time before now as --time=-5m.
            """)
    var time: TimeArgument?

    @Option(help: "A range that ends now, or at --end: 1h.")
    var since: DurationArgument?

    @Option(help: "The start of a range.")
    var start: TimeArgument?

    @Option(help: "The end of a range. (default: now)")
    var end: TimeArgument?

    @Option(help: "The step of a range. (default: so that the graph has about 250 points)")
    var step: DurationArgument?

    @Option(
        name: [.short, .long],
        help: "table, graph, json or csv. (default: table on a terminal, json otherwise)")
    var output: OutputFormat?

    @Flag(
        help: """
            Show the plan as it was executed: what each operator delivered, held and took. With -o \
            json the whole answer, the plan in it.
            """)
    var explain = false

    mutating func validate() throws {
        if explain, let output, output != .json, output != .table {
            throw ValidationError("--explain is shown as table or json.")
        }
        if time != nil && (since != nil || start != nil) {
            throw ValidationError("--time is for one moment, --since and --start are for ranges.")
        }
        if since != nil && start != nil {
            throw ValidationError("Give either --since or --start.")
        }
        if let step, step.ms <= 0 { throw ValidationError("--step must be above 0.") }
    }

    func run() async throws {
        let isForPeople = StandardOutput.isTerminal || explain
        let format = output ?? (isForPeople ? .table : .json)
        let span = try span(format, nowMs: SystemClock().nowMs())
        let body = try await source.source.query(expression, span, explain: explain)
        if format == .json {
            StandardOutput.write(body + [0x0A])
            return
        }
        let answer = try QueryAnswer(body)
        for note in answer.notes { StandardError.write("\(note)\n") }
        if explain {
            struct Body: Decodable {
                struct Data: Decodable { let explain: ExplainTree? }
                let data: Data
            }
            guard let plan = try APIClient.decode(Body.self, body).data.explain else {
                throw CommandFailure("the answer has no plan: the server is not tsq, or older")
            }
            let points = answer.series.reduce(0) { $0 + $1.points.count }
            StandardOutput.write(
                ExplainOutput.render(plan) + "\n\(answer.series.count) series, \(points) points\n")
            return
        }
        switch format {
        case .csv: StandardOutput.write(CSVOutput.render(answer))
        case .graph:
            let size = StandardOutput.size
            StandardOutput.write(
                GraphOutput(columns: size.columns, rows: min(size.rows - 4, 24))
                    .render(answer))
        case .table, .json: StandardOutput.write(TableOutput.render(answer))
        }
    }

    /// A graph without times shows the last hour.
    func span(_ format: OutputFormat, nowMs: TimestampMs) throws -> QuerySpan {
        let isRange = since != nil || start != nil || (format == .graph && time == nil)
        guard isRange else {
            return .instant(
                atMs: time?.resolved(nowMs: nowMs) ?? end?.resolved(nowMs: nowMs) ?? nowMs)
        }
        let endMs = end?.resolved(nowMs: nowMs) ?? nowMs
        let startMs =
            start?.resolved(nowMs: nowMs) ?? endMs - (since?.ms ?? Self.graphSpanMs)
        guard startMs <= endMs else { throw ValidationError("The range ends before it starts.") }
        let stepMs = step?.ms ?? max(1000, (endMs - startMs) / Self.graphPoints / 1000 * 1000)
        return .range(startMs: startMs, endMs: endMs, stepMs: stepMs)
    }

    private static let graphSpanMs: Int64 = 3_600_000
    private static let graphPoints: Int64 = 250
}
