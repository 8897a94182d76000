import TSQBase
import TSQExposition
import TSQModel

/// Puts the samples of pages with timestamps into a store, in batches.
package struct SampleImporter {
    /// A transaction of about this many samples: large enough to cost little each, small enough that
    /// its log record does not.
    private static let batchSampleCount = 20_000
    /// Refusals that are told one by one; beyond it they are counted.
    package static let refusalsListedMax = 100

    /// What cannot be read or stored; what was committed before it stays.
    package enum Failure: Error {
        case page(String)
        case store(AppendError)

        package var message: String {
            switch self {
            case .page(let text): text
            case .store(let error): error.message
            }
        }
    }

    /// A sample that was not taken.
    package struct Refused: Sendable, Equatable {
        /// As the page spells it.
        package var series: String
        package var timeMs: TimestampMs
        package var reason: String

        package init(series: String, timeMs: TimestampMs, reason: String) {
            self.series = series
            self.timeMs = timeMs
            self.reason = reason
        }
    }

    /// OpenMetrics wants the samples of a series in the order of time: one that goes back is refused,
    /// as Prometheus's own import does. (An older file may well be imported after a newer one.)
    private static let wentBack = "older than the sample before it in the file"

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
    private var refs: Set<SeriesRef> = []
    package private(set) var acceptedCount = 0
    package private(set) var refusedCounts: [String: Int] = [:]
    package private(set) var refusals: [Refused] = []

    package var seriesCount: Int { refs.count }

    package init(store: any SampleAppender, overwrites: Bool) {
        self.store = store
        batch = WriteBatch(origin: .backfill(overwrite: overwrites))
    }

    /// OpenMetrics where the page ends as OpenMetrics ends, the text format otherwise.
    package static func format(of page: [UInt8]) -> ExpositionFormat {
        let end = page.lastIndex { ![0x0A, 0x0D, 0x20].contains($0) } ?? 0
        let isOpenMetrics = page[...end].reversed().starts(with: "# EOF".utf8.reversed())
        return isOpenMetrics && !page.isEmpty ? .openMetrics : .prometheusText
    }

    /// Forgets how the last page spelled its series; the next one is another.
    package mutating func beginPage() { known.removeAll(keepingCapacity: true) }

    /// Takes a page, or a part of one that ends with a line. All of it is committed on return.
    ///
    /// - Parameter lineOffset: lines of the page before this part; negative where the part begins
    ///   with a repeated line.
    /// - Throws: `Failure` with line and column of what cannot be read.
    package mutating func read(
        _ page: [UInt8], format: ExpositionFormat, lineOffset: Int = 0
    ) throws(Failure) {
        do {
            try take(page, format)
        } catch let error as ExpositionError {
            var error = error
            error.line += lineOffset
            throw .page("\(error)")
        } catch let error as AppendError {
            throw .store(error)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .page("\(error)")
        }
    }

    private mutating func take(_ page: [UInt8], _ format: ExpositionFormat) throws {
        var scanner = ExpositionScanner(page.span, format: format)
        var family: (name: String, kind: MetricMetadata.Kind) = ("", .unknown)
        var last: (series: Range<Int>, key: [UInt8]) = (0..<0, [])
        while true {
            let entry = try scanner.next()
            if entry == .type { family = (scanner.familyName, scanner.kind) }
            if entry == .end { break }
            guard entry == .series else { continue }
            guard let timeMs = scanner.timestampMs else {
                throw Failure.page(
                    "expected timestamp for series got none "
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
            if format == .openMetrics, let before = known[last.key], timeMs < before.timeMs {
                note(Self.wentBack, last.key, timeMs)
                continue
            }
            try add(last.key, labels, timeMs, scanner.value)
        }
        try flush()
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
            refs.insert(entry.ref)
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
        for refusal in report.refusals { note(refusal) }
        let unlisted = report.refusedCount - report.refusals.count
        if unlisted > 0 { refusedCounts["not listed", default: 0] += unlisted }
        batch.removeAll()
    }

    private mutating func note(_ refusal: Refusal) {
        let isListed = refusals.count < Self.refusalsListedMax
        let key = isListed ? known.first { $0.value.ref == refusal.ref }?.key : nil
        note(refusal.reason.rawValue, key ?? [], refusal.timeMs)
    }

    private mutating func note(_ reason: String, _ key: [UInt8], _ timeMs: TimestampMs) {
        refusedCounts[reason, default: 0] += 1
        if refusals.count >= Self.refusalsListedMax { return }
        refusals.append(
            Refused(
                series: String(decoding: key, as: UTF8.self), timeMs: timeMs, reason: reason))
    }
}
