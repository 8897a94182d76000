import ArgumentParser
import Foundation
import TSQBase
import TSQExposition
import TSQModel
import TSQStore

/// `tsq import`: files with timestamps into a directory.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Read OpenMetrics or text files with timestamps into a store.",
        discussion: """
            Files may be gzipped, times may be any, and importing a file again changes nothing. \
            The directory must not be written by another process meanwhile. - is standard input.

            EXAMPLES
              tsq import samples.om.gz --data d
              tsq export '{job="node"}' --data old | tsq import - --data new
            """)

    @Argument(help: "The files.", completion: .file())
    var files: [String]

    @Option(help: "The directory of the store; made where it is missing.")
    var data: String

    @Flag(help: "Where another value is stored at the same time, the file's one wins.")
    var overwrite = false

    func run() throws {
        let store = try DataDirectory.open(data)
        var importer = Importer(store: store, overwrites: overwrite)
        do {
            for file in files {
                let before = importer.acceptedCount
                try importer.read(try Self.contents(file), name: file)
                print("\(file): \(importer.acceptedCount - before) samples")
            }
        } catch {
            // What was committed before the fault stays.
            try? DataDirectory.close(store)
            throw error
        }
        try DataDirectory.close(store)
        for (reason, count) in importer.refusedCounts.sorted(by: { $0.key < $1.key }) {
            StandardError.write("refused: \(count) samples (\(reason))\n")
        }
        let total = importer.acceptedCount
        print("\(total) samples of \(importer.seriesCount) series imported")
    }

    static func contents(_ file: String) throws(CommandFailure) -> [UInt8] {
        let data: Data?
        if file == "-" {
            data = try? FileHandle.standardInput.readToEnd()
        } else {
            guard FileManager.default.fileExists(atPath: file) else {
                throw CommandFailure("\(file): no such file")
            }
            data = FileManager.default.contents(atPath: file)
        }
        guard let data else { throw CommandFailure("\(file): cannot be read") }
        let bytes = Array(data)
        guard Gzip.isCompressed(bytes) else { return bytes }
        do throws(CommandFailure) {
            return try Gzip.inflated(bytes)
        } catch {
            throw CommandFailure("\(file): \(error.message)")
        }
    }
}

/// Puts the samples of pages into an appender, in batches.
struct Importer {
    /// A transaction of about this many samples: large enough to cost little each, small enough that
    /// its log record does not.
    private static let batchSampleCount = 20_000

    private struct Known {
        var ref: SeriesRef
        /// The newest time in the batch that is being filled.
        var batchNumber = 0
        var timeMs: TimestampMs = 0
    }

    private let store: any SampleAppender
    private var batch: WriteBatch
    private var batchNumber = 1
    private var known: [[UInt8]: Known] = [:]
    private(set) var acceptedCount = 0
    private(set) var refusedCounts: [String: Int] = [:]

    var seriesCount: Int { known.count }

    init(store: any SampleAppender, overwrites: Bool) {
        self.store = store
        batch = WriteBatch(origin: .backfill(overwrite: overwrites))
    }

    /// OpenMetrics where the page ends as OpenMetrics ends, the text format otherwise.
    static func format(of page: [UInt8]) -> ExpositionFormat {
        let end = page.lastIndex { ![0x0A, 0x0D, 0x20].contains($0) } ?? 0
        let isOpenMetrics = page[...end].reversed().starts(with: "# EOF".utf8.reversed())
        return isOpenMetrics && !page.isEmpty ? .openMetrics : .prometheusText
    }

    /// - Throws: `CommandFailure` with file, line and column of what cannot be read.
    mutating func read(_ page: [UInt8], name: String) throws(CommandFailure) {
        known.removeAll(keepingCapacity: true)
        var scanner = ExpositionScanner(page.span, format: Self.format(of: page))
        var family: (name: String, kind: MetricMetadata.Kind) = ("", .unknown)
        var last: (series: Range<Int>, key: [UInt8]) = (0..<0, [])
        do {
            while true {
                let entry = try scanner.next()
                if entry == .type { family = (scanner.familyName, scanner.kind) }
                if entry == .end { break }
                guard entry == .series else { continue }
                guard let timeMs = scanner.timestampMs else {
                    throw CommandFailure(
                        "\(name): expected timestamp for series got none "
                            + "(\(String(decoding: page[scanner.series], as: UTF8.self)))")
                }
                // Lines of one series mostly follow one another.
                if !page[scanner.series].elementsEqual(page[last.series]) {
                    last = (scanner.series, Array(page[scanner.series]))
                }
                let isKnown = known[last.key] != nil
                let labels =
                    isKnown
                    ? LabelSet()
                    : scanner.labels(
                        family: last.key.starts(with: family.name.utf8) ? family.kind : .unknown)
                try add(last.key, labels, timeMs, scanner.value)
            }
            try flush()
        } catch let error as ExpositionError {
            throw CommandFailure("\(name): \(error)")
        } catch let error as AppendError {
            throw CommandFailure("\(name): \(error.message)")
        } catch let error as CommandFailure {
            throw error
        } catch {
            throw CommandFailure("\(name): \(error)")
        }
    }

    private mutating func add(
        _ key: [UInt8], _ labels: @autoclosure () -> LabelSet, _ timeMs: TimestampMs,
        _ value: Double
    ) throws(AppendError) {
        var entry: Known
        if let found = known[key] {
            entry = found
        } else {
            entry = Known(ref: try store.resolve(labels()))
        }
        // Within a batch a series' samples ascend.
        if entry.batchNumber == batchNumber && timeMs <= entry.timeMs { try flush() }
        entry.batchNumber = batchNumber
        entry.timeMs = timeMs
        known[key] = entry
        batch.refs.append(entry.ref)
        batch.times.append(timeMs)
        batch.values.append(value)
        if batch.refs.count >= Self.batchSampleCount { try flush() }
    }

    private mutating func flush() throws(AppendError) {
        batchNumber += 1
        if batch.refs.isEmpty { return }
        let report = try store.commit(batch)
        acceptedCount += report.acceptedCount
        for refusal in report.refusals { refusedCounts[refusal.reason.rawValue, default: 0] += 1 }
        let unlisted = report.refusedCount - report.refusals.count
        if unlisted > 0 { refusedCounts["not listed", default: 0] += unlisted }
        batch.removeAll()
    }
}
