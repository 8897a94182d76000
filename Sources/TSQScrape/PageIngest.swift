import TSQBase
import TSQExposition
import TSQModel
import TSQRelabel

/// Why a page was refused as a whole, in Prometheus's words.
struct ScrapeFailure: Error, Equatable, Sendable {
    var message: String

    init(_ message: String) { self.message = message }
}

/// What a page had.
struct PageCounts: Sendable, Equatable {
    /// Samples on the page.
    var scraped = 0
    /// Samples that relabelling left, duplicates included.
    var postRelabel = 0
    /// Series that the page before did not have.
    var seriesAdded = 0
    /// Samples of a series that the page already had.
    var duplicates = 0
    /// New series that the store had no room for.
    var refusedSeries = 0
    /// The first of them, for the log.
    var refusal: String?
}

/// What decides about a target's samples.
struct IngestSettings: Sendable {
    /// Without the labels that begin with `__`.
    var targetLabels: LabelSet
    var honorLabels = false
    var honorTimestamps = true
    var trackTimestampsStaleness = false
    var metricRelabelRules: [RelabelRule] = []
    /// 0 means none.
    var sampleLimit = 0
    var labelLimit = 0
    var labelNameBytesMax = 0
    var labelValueBytesMax = 0
}

/// Turns the pages of one target into rows of samples.
///
/// A line that stands where it stood last time costs a comparison of its bytes and the decoding of
/// its number; a line that moved costs a hash; only a new line is parsed, relabelled and resolved.
/// One thread at a time.
struct PageIngest: Sendable {
    let settings: IngestSettings
    var lines = LineCache()
    var series = SeriesSlots()
    /// Counts pages, the refused ones, too; starts at 1.
    private var generation: UInt32 = 0
    /// The generation of the last page that was taken; 0: none.
    private var goodGeneration: UInt32 = 0
    /// How many series that page had.
    private var liveCount = 0
    /// That page's series already have their stale markers.
    private var isMarkedStale = true
    /// Metadata by comment line.
    private var metadata: [Int: MetadataLine] = [:]
    private var metadataChanged = false
    /// Comment lines of the last page.
    private var commentCount = 0

    init(_ settings: IngestSettings) { self.settings = settings }

    /// Reads `page` and appends its samples to `batch`: the row in page order, loose samples, and the
    /// stale markers of series that the page does not have any more.
    ///
    /// - Throws: `ScrapeFailure` when the page is refused. The counts up to there are in `counts`,
    ///   the batch is of no use, and `markAllStale` is due.
    mutating func ingest(
        _ page: Span<UInt8>, format: ExpositionFormat, timeMs: TimestampMs,
        into batch: inout WriteBatch, counts: inout PageCounts,
        resolve: (LabelSet) throws(AppendError) -> SeriesRef
    ) throws(ScrapeFailure) {
        generation += 1
        var pass = Pass(
            generation: generation, goodGeneration: goodGeneration, timeMs: timeMs,
            isHonoringTimes: settings.honorTimestamps)
        do {
            try run(page, format, &pass, &batch, &counts, resolve)
        } catch {
            lines.abandonPage()
            throw error
        }
        if pass.hasRepeatedTimes { batch.sortLooseSamples() }
        if !isMarkedStale, pass.stillLive < liveCount { markVanished(timeMs, &batch) }
        if let moved = lines.endPage() { renumberMetadata(moved) }
        goodGeneration = generation
        liveCount = pass.seenCount
        isMarkedStale = false
        if pass.commentCount != commentCount { metadataChanged = true }
        commentCount = pass.commentCount
    }

    /// The state of reading one page.
    struct Pass {
        let generation: UInt32
        let goodGeneration: UInt32
        let timeMs: TimestampMs
        let isHonoringTimes: Bool
        /// The place in the page before.
        var cursor = 0
        var kind = MetricMetadata.Kind.unknown
        /// Series of the page before that came again.
        var stillLive = 0
        var seenCount = 0
        var commentCount = 0
        var hasRepeatedTimes = false
    }

    private mutating func run(
        _ page: Span<UInt8>, _ format: ExpositionFormat, _ pass: inout Pass,
        _ batch: inout WriteBatch, _ counts: inout PageCounts,
        _ resolve: (LabelSet) throws(AppendError) -> SeriesRef
    ) throws(ScrapeFailure) {
        var scanner = ExpositionScanner(page, format: format)
        while true {
            takeKnownLines(&scanner, &pass, &batch, &counts)
            let entry: ExpositionScanner.Entry
            do {
                entry = try scanner.next()
            } catch {
                throw ScrapeFailure(error.description)
            }
            switch entry {
            case .end:
                if settings.sampleLimit > 0, counts.postRelabel > settings.sampleLimit {
                    throw ScrapeFailure("sample limit exceeded")
                }
                return
            case .series:
                try takeUnexpected(&scanner, &pass, &batch, &counts, resolve)
            case .help, .type, .unit, .comment:
                noteComment(&scanner, entry, &pass)
            }
        }
    }

    /// The steady state: lines that stand where they stood.
    private mutating func takeKnownLines(
        _ scanner: inout ExpositionScanner, _ pass: inout Pass, _ batch: inout WriteBatch,
        _ counts: inout PageCounts
    ) {
        while pass.cursor < lines.order.count {
            let number = Int(lines.order[pass.cursor])
            let entry = lines.entries[number]
            if entry.slot <= LineCache.comment {
                guard lines.skips(entry, &scanner) else { return }
                pass.commentCount += 1
                if entry.slot <= LineCache.typeBase {
                    pass.kind = Self.kinds[Int(LineCache.typeBase - entry.slot)]
                }
            } else {
                guard lines.matches(entry, &scanner) else { return }
                counts.scraped += 1
                if entry.slot != LineCache.dropped {
                    counts.postRelabel += 1
                    take(Int(entry.slot), &scanner, &pass, &batch, &counts)
                }
            }
            lines.note(number)
            pass.cursor += 1
        }
    }

    /// A sample of a known series.
    @inline(__always)
    private mutating func take(
        _ slot: Int, _ scanner: inout ExpositionScanner, _ pass: inout Pass,
        _ batch: inout WriteBatch, _ counts: inout PageCounts
    ) {
        let seen = series.seen[slot]
        let isRepeated = seen == pass.generation
        if scanner.hasTimestamp && pass.isHonoringTimes {
            takeLoose(slot, isRepeated, scanner, &pass, &batch)
        } else if isRepeated {
            counts.duplicates += 1
            return
        } else {
            batch.rowRefs.append(series.refs[slot])
            batch.rowValues.append(scanner.value)
        }
        if scanner.hasExemplar, let exemplar = scanner.exemplar() {
            batch.exemplars.append((series.refs[slot], exemplar))
        }
        if isRepeated { return }
        series.seen[slot] = pass.generation
        pass.seenCount += 1
        if seen == pass.goodGeneration && seen != 0 {
            pass.stillLive += 1
        } else if seen < pass.goodGeneration || seen == 0 {
            counts.seriesAdded += 1
        }
    }

    private mutating func takeLoose(
        _ slot: Int, _ isRepeated: Bool, _ scanner: borrowing ExpositionScanner,
        _ pass: inout Pass, _ batch: inout WriteBatch
    ) {
        batch.origin = .timestamped
        batch.refs.append(series.refs[slot])
        batch.times.append(scanner.timestampMs ?? pass.timeMs)
        batch.values.append(scanner.value)
        if isRepeated { pass.hasRepeatedTimes = true }
        if !settings.trackTimestampsStaleness { series.noteLoose(slot, pass.generation) }
    }

    /// A sample line that is not the one expected here.
    private mutating func takeUnexpected(
        _ scanner: inout ExpositionScanner, _ pass: inout Pass, _ batch: inout WriteBatch,
        _ counts: inout PageCounts, _ resolve: (LabelSet) throws(AppendError) -> SeriesRef
    ) throws(ScrapeFailure) {
        counts.scraped += 1
        let bytes = scanner.page.extracting(scanner.series)
        let number: Int
        if let known = lines.find(bytes) {
            number = known
            let position = lines.entries[known].position
            if position < lines.order.count { pass.cursor = Int(position) + 1 }
        } else {
            guard let slot = try newSlot(&scanner, pass, &counts, resolve) else { return }
            guard let inserted = lines.insert(bytes, slot: slot) else {
                throw ScrapeFailure("the page has more lines than can be kept")
            }
            number = inserted
        }
        lines.note(number)
        let slot = lines.entries[number].slot
        if slot == LineCache.dropped { return }
        counts.postRelabel += 1
        take(Int(slot), &scanner, &pass, &batch, &counts)
    }

    /// Parses, relabels and resolves a new line; nil when the store has no room for the series.
    private mutating func newSlot(
        _ scanner: inout ExpositionScanner, _ pass: Pass, _ counts: inout PageCounts,
        _ resolve: (LabelSet) throws(AppendError) -> SeriesRef
    ) throws(ScrapeFailure) -> Int32? {
        if let name = scanner.duplicateLabelName() {
            throw ScrapeFailure("label name \(GoQuote.quoted(name)) is not unique: invalid sample")
        }
        let exposed = scanner.labels(family: pass.kind)
        guard let labels = try settings.seriesLabels(exposed) else { return LineCache.dropped }
        if settings.sampleLimit > 0, counts.postRelabel >= settings.sampleLimit {
            // The page will be refused; its new series shall not reach the store.
            counts.postRelabel += 1
            return nil
        }
        do {
            return Int32(series.slotAdding(try resolve(labels)))
        } catch {
            guard case .seriesLimit(let reason) = error else {
                throw ScrapeFailure(error.message)
            }
            counts.postRelabel += 1
            counts.refusedSeries += 1
            if counts.refusal == nil { counts.refusal = "\(labels): \(reason)" }
            return nil
        }
    }

    /// Stale markers for the series of the last good page that this one does not have.
    private mutating func markVanished(_ timeMs: TimestampMs, _ batch: inout WriteBatch) {
        for slot in 0..<series.count where series.seen[slot] == goodGeneration {
            if !series.looseSeen.isEmpty, series.looseSeen[slot] == goodGeneration { continue }
            batch.refs.append(series.refs[slot])
            batch.times.append(timeMs)
            batch.values.append(StaleMarker.value)
        }
    }

    /// The series that still count as living, in no order: those of the last good page, unless they
    /// have their markers. Series with times of their own are not among them.
    var liveRefs: [SeriesRef] {
        if isMarkedStale { return [] }
        var result: [SeriesRef] = []
        for slot in 0..<series.count where isLive(slot) { result.append(series.refs[slot]) }
        return result
    }

    private func isLive(_ slot: Int) -> Bool {
        // A refused page may have marked the slot later.
        series.seen[slot] >= goodGeneration && series.seen[slot] != 0
            && (series.looseSeen.isEmpty || series.looseSeen[slot] < goodGeneration)
    }

    /// Puts a stale marker of every living series into the row, in the order of the last good page:
    /// the scrape failed, or the target is gone.
    mutating func markAllStale(_ batch: inout WriteBatch) {
        guard !isMarkedStale else { return }
        isMarkedStale = true
        generation += 1
        for number in lines.order {
            let slot = lines.entries[Int(number)].slot
            guard slot >= 0, isLive(Int(slot)), series.seen[Int(slot)] != generation else {
                continue
            }
            series.seen[Int(slot)] = generation
            batch.rowRefs.append(series.refs[Int(slot)])
            batch.rowValues.append(StaleMarker.value)
        }
    }

    /// Takes over the living series of the target's earlier settings, so that those which do not come
    /// again get their markers.
    mutating func inherit(_ refs: [SeriesRef]) {
        guard !refs.isEmpty else { return }
        generation = 1
        goodGeneration = 1
        isMarkedStale = false
        for ref in refs { series.seen[series.slotAdding(ref)] = 1 }
        liveCount = refs.count
    }

    static let kinds = MetricMetadata.Kind.allCases
}

extension PageIngest {
    /// A metadata line of the page.
    struct MetadataLine: Sendable {
        var family: String
        var help: String?
        var kind: MetricMetadata.Kind?
        var unit: String?
    }

    private mutating func noteComment(
        _ scanner: inout ExpositionScanner, _ entry: ExpositionScanner.Entry, _ pass: inout Pass
    ) {
        let bytes = scanner.page.extracting(scanner.lineRange)
        var slot = LineCache.comment
        if entry == .type {
            pass.kind = scanner.kind
            slot = LineCache.typeBase - Int32(Self.kinds.firstIndex(of: scanner.kind) ?? 0)
        }
        // The last line of a page may lack its newline; it is not worth keeping.
        guard bytes.count > 0, bytes[bytes.count - 1] == 0x0A else { return }
        let number: Int
        if let known = lines.find(bytes) {
            number = known
            let position = lines.entries[known].position
            if position < lines.order.count { pass.cursor = Int(position) + 1 }
        } else {
            guard let inserted = lines.insert(bytes, slot: slot) else { return }
            number = inserted
        }
        lines.note(number)
        pass.commentCount += 1
        guard entry != .comment else { return }
        metadataChanged = true
        guard metadata[number] == nil else { return }
        var line = MetadataLine(family: scanner.familyName)
        switch entry {
        case .help: line.help = scanner.help
        case .type: line.kind = scanner.kind
        default: line.unit = scanner.unit
        }
        metadata[number] = line
    }

    /// The line cache has forgotten old lines and counts anew.
    private mutating func renumberMetadata(_ moved: [(from: Int, to: Int)]) {
        var next: [Int: MetadataLine] = [:]
        for (from, to) in moved { next[to] = metadata[from] }
        metadata = next
    }

    /// The families of the last page, in its order; nil when nothing changed since the last call.
    mutating func changedMetadata() -> [(name: String, metadata: MetricMetadata)]? {
        guard metadataChanged else { return nil }
        metadataChanged = false
        var result: [(name: String, metadata: MetricMetadata)] = []
        var places: [String: Int] = [:]
        for number in lines.order {
            guard let line = metadata[Int(number)] else { continue }
            let place: Int
            if let known = places[line.family] {
                place = known
            } else {
                place = result.count
                places[line.family] = place
                result.append((line.family, MetricMetadata()))
            }
            if let help = line.help { result[place].metadata.help = help }
            if let kind = line.kind { result[place].metadata.kind = kind }
            if let unit = line.unit { result[place].metadata.unit = unit }
        }
        return result
    }
}
