import TSQBase
import TSQIO
import TSQModel
import TSQStore
import TSQTesting

/// A store over a simulated disk and clock, without threads of its own.
struct StoreHarness {
    let disk: SimFileSystem
    let clock: SimClock
    var options: StoreOptions

    init(seed: UInt64 = 1, nowMs: TimestampMs = 1_700_000_000_000) {
        disk = SimFileSystem(seed: seed)
        clock = SimClock(nowMs: nowMs)
        options = StoreOptions()
        options.runsInBackground = false
        options.retentionMs = .max
        options.reserveBytes = 0
    }

    func open() throws(StoreError) -> Store {
        try Store.open(directory: "d", options: options, fileSystem: disk, clock: clock)
    }

    /// A store of its own with the same files.
    func copy() throws(IOError) -> StoreHarness {
        var copy = StoreHarness(nowMs: clock.nowMs())
        copy.options = options
        for path in disk.paths {
            try copy.disk.makeDurableDirectory(Path.directory(of: path))
            let bytes = try disk.readAll(path)
            try copy.disk.write(path, bytes.span)
        }
        return copy
    }

    func openReadOnly() throws(StoreError) -> ReadOnlyStore {
        try Store.openReadOnly(directory: "d", fileSystem: disk)
    }
}

/// Keeps the log's lines.
final class LineEvents: EventSink {
    private let store = Guarded<[String]>([])

    var lines: [String] { store.withLock { $0 } }

    func log(
        _ level: EventLevel, _ message: String, _ fields: [(key: String, value: String)]
    ) {
        let text = fields.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        store.withLock { $0.append("\(level) \(message) \(text)") }
    }

    func count(_ name: StaticString, by amount: UInt64, labels: [(name: String, value: String)]) {}
}

func labels(_ name: String, _ pairs: KeyValuePairs<String, String> = [:]) -> LabelSet {
    var labels = pairs.map { Label($0.key, $0.value) }
    labels.append(Label(LabelName.metricName, name))
    return LabelSet(labels)
}

struct Sample: Equatable, CustomStringConvertible {
    var timeMs: TimestampMs
    var bits: UInt64

    init(_ timeMs: TimestampMs, _ value: Double) {
        self.timeMs = timeMs
        bits = value.bitPattern
    }

    var description: String { "\(timeMs):\(Double(bitPattern: bits))" }
}

extension SeriesSource {
    /// All samples of the series that satisfy `matchers`, by their labels.
    func samples(
        _ matchers: [LabelMatcher], fromMs: TimestampMs = .min, toMs: TimestampMs = .max
    ) throws -> [LabelSet: [Sample]] {
        let symbols = SymbolTable()
        let selection = try select(
            SelectRequest(matchers: matchers, fromMs: fromMs, toMs: toMs), symbols: symbols)
        var result: [LabelSet: [Sample]] = [:]
        var columns = SampleColumns()
        for index in 0..<selection.count {
            try selection.read(index, fromMs: fromMs, toMs: toMs, into: &columns)
            // A series may be selected by the bounds of a chunk and have nothing in the range.
            if columns.times.isEmpty { continue }
            result[selection.labels.labelSet(index, symbols)] = zip(
                columns.times, columns.values
            ).map { Sample($0, $1) }
        }
        return result
    }

    func samples(
        named name: String, fromMs: TimestampMs = .min, toMs: TimestampMs = .max
    ) throws -> [LabelSet: [Sample]] {
        try samples(
            [LabelMatcher(equal: LabelName.metricName, name)], fromMs: fromMs, toMs: toMs)
    }
}

extension Store {
    /// Commits loose samples of one series.
    @discardableResult
    func add(
        _ labels: LabelSet, _ samples: [(TimestampMs, Double)],
        origin: WriteOrigin = .backfill(overwrite: false)
    ) throws -> CommitReport {
        let ref = try resolve(labels)
        var batch = WriteBatch(origin: origin)
        for (time, value) in samples {
            batch.refs.append(ref)
            batch.times.append(time)
            batch.values.append(value)
        }
        return try commit(batch)
    }

    /// Commits one row.
    @discardableResult
    func addRow(
        _ group: WriteGroup, _ timeMs: TimestampMs, _ row: [(SeriesRef, Double)],
        origin: WriteOrigin = .scrape
    ) throws -> CommitReport {
        var batch = WriteBatch(origin: origin, group: group)
        batch.rowTimeMs = timeMs
        batch.rowRefs = row.map(\.0)
        batch.rowValues = row.map(\.1)
        return try commit(batch)
    }
}
