import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import TSQStore

/// How a database keeps and answers.
public struct TSQOptions: Sendable {
    /// Samples older than this go; nil keeps everything.
    public var retentionMs: Int64? = 15 * 86_400_000
    /// The directory keeps below this many bytes, the oldest samples go first; nil: any number.
    public var retentionBytes: UInt64?
    /// What the database may hold in memory; new series beyond it are refused. nil: any number.
    public var memoryLimitBytes: UInt64?
    /// What a power cut may take at most; 0 makes every append durable before it returns.
    public var syncIntervalMs: Int64 = 1000
    /// How old a series' newest sample may be to still count as its value.
    public var lookbackMs: Int64 = 5 * 60_000
    /// Functions that Prometheus calls experimental.
    public var allowsExperimentalFunctions = false

    public init() {}

    var store: StoreOptions {
        var options = StoreOptions()
        options.retentionMs = retentionMs ?? .max
        options.syncIntervalMs = syncIntervalMs
        options.retentionBytes = retentionBytes ?? 0
        options.memoryLimitBytes = memoryLimitBytes ?? 0
        return options
    }

    var engine: EngineOptions {
        var options = EngineOptions()
        options.lookbackMs = lookbackMs
        options.parse.experimentalFunctions = allowsExperimentalFunctions
        return options
    }
}

/// One value of one series.
public struct TSQSample: Sendable, Hashable {
    public var metric: String
    public var labels: [String: String]
    public var timeMs: Int64
    public var value: Double

    public init(
        _ metric: String, _ labels: [String: String] = [:], at timeMs: Int64, _ value: Double
    ) {
        self.metric = metric
        self.labels = labels
        self.timeMs = timeMs
        self.value = value
    }

    var labelSet: LabelSet {
        LabelSet(
            labels.map { Label($0.key, $0.value) } + [Label(LabelName.metricName, metric)])
    }
}

/// What became of appended samples.
public struct TSQAppendReport: Sendable, Hashable {
    public var acceptedCount: Int
    public var refusedCount: Int
    /// `duplicate`, `out_of_order`, `too_old`, `future`.
    public var reasons: Set<String>
}

/// One series of an answer; an instant query gives one point a series.
public struct TSQSeries: Sendable, Hashable {
    public var labels: [String: String]
    public var points: [TSQPoint]
}

public struct TSQPoint: Sendable, Hashable {
    public var timeMs: Int64
    public var value: Double
}

/// Why something did not work, in words.
public struct TSQError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

/// The answer of a query. A scalar is one series without labels; native histograms are left out.
public struct TSQAnswer: Sendable, Hashable {
    public var series: [TSQSeries]
    /// The value of an expression that is a string.
    public var text: String?
    public var warnings: [String]
    public var infos: [String]
}

extension TSQAnswer {
    static func of(
        _ engine: QueryEngine, _ expression: String, atMs timeMs: TimestampMs,
        from source: any SeriesSource
    ) throws(TSQError) -> TSQAnswer {
        do throws(QueryError) {
            return TSQAnswer(try engine.instant(expression, atMs: timeMs, from: source))
        } catch {
            throw TSQError(error.message)
        }
    }

    static func of(
        _ engine: QueryEngine, _ expression: String, startMs: TimestampMs, endMs: TimestampMs,
        stepMs: Int64, from source: any SeriesSource
    ) throws(TSQError) -> TSQAnswer {
        guard stepMs > 0, endMs >= startMs else {
            throw TSQError("a range needs a step above 0 and an end that is not before its start")
        }
        do throws(QueryError) {
            return TSQAnswer(
                try engine.range(
                    expression, startMs: startMs, endMs: endMs, stepMs: stepMs, from: source))
        } catch {
            throw TSQError(error.message)
        }
    }

    private init(_ result: QueryResult) {
        series = []
        warnings = result.warnings
        infos = result.infos
        switch result.value {
        case .scalar(let timeMs, let value):
            series = [TSQSeries(labels: [:], points: [TSQPoint(timeMs: timeMs, value: value)])]
        case .string(_, let text): self.text = text
        case .vector(let columns), .matrix(let columns):
            series = (0..<columns.count).map { index in
                TSQSeries(
                    labels: columns.labels.labelSet(index, columns.symbols).dictionary,
                    points: columns.points(index).map {
                        TSQPoint(timeMs: columns.times[$0], value: columns.values[$0])
                    })
            }
        }
    }
}

extension LabelSet {
    var dictionary: [String: String] {
        Dictionary(labels.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    }
}
