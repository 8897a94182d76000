import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// Rebuilds head and registry from the log.
struct LogReplay {
    var registry: Registry
    var core: StoreCore
    private var rows = LogRows()
    private var layoutSegment: UInt64 = 0
    /// Refs of the log that are others here: only after a damaged series record.
    private var moved: [UInt32: UInt32] = [:]
    /// From this ref of the log on only those in `moved` are known: a record of new series before
    /// was damaged, and its numbers are given to others here.
    private var movedFrom: UInt32?
    private(set) var recordCount = 0
    private var tally = SampleTally()
    private(set) var lostSamples: UInt64 = 0
    /// The times of lost rows.
    private(set) var lostFromMs: TimestampMs = .max
    private(set) var lostToMs: TimestampMs = .min
    private(set) var damages: [LogDamage] = []
    private(set) var tornTail: LogPlace?
    /// Segments that were durable when their writer left them.
    private(set) var durableSegments: Set<UInt64> = []
    /// The next record is here.
    private(set) var end: LogPlace
    /// Set by tests only: no helper decodes anything.
    var isAlone = false

    init(registry: Registry, core: StoreCore, from start: LogPlace) {
        self.registry = registry
        self.core = core
        end = start
    }

    /// Whether the log differs from what is in memory: its rest must not be replayed again.
    var needsCheckpoint: Bool { !damages.isEmpty || lostSamples > 0 || !moved.isEmpty }

    /// Replays from `end` on to the end of what is written. Can be called again for more.
    mutating func run(
        directory: String, _ fileSystem: any FileSystem
    ) throws(StoreError) {
        do throws(IOError) {
            // From the start of the segment, for the layouts that stand before the place.
            var start = end
            if start.segment != layoutSegment { start.offset = 0 }
            var cursor = try LogCursor(
                directory: directory, from: start, fileSystem: fileSystem)
            var endsSeen = 0
            var ahead = CommitsAheadQueue()
            ahead.isOff = isAlone
            defer { ahead.stop() }
            try ahead.enter(&cursor)
            while try cursor.next(isKnown: ahead.has) {
                if cursor.ends.count > endsSeen {
                    noteEnds(cursor.ends[endsSeen...])
                    endsSeen = cursor.ends.count
                }
                if cursor.recordStart.segment != layoutSegment {
                    layoutSegment = cursor.recordStart.segment
                    rows.removeAll()
                    try ahead.enter(&cursor)
                }
                ahead.begin()
                let isNew = cursor.recordStart >= end
                if isNew {
                    recordCount += 1
                    tally.begin(cursor.recordStart)
                }
                apply(cursor, isNew: isNew, &ahead)
            }
            if let decoded = ahead.rowsAtEnd(of: layoutSegment) { rows = decoded }
            noteEnds(cursor.ends[endsSeen...])
            damages += cursor.damages.filter {
                $0.segment > end.segment || $0.byteCount == 0
                    || $0.offset + $0.byteCount > end.offset
            }
            end = max(end, cursor.place)
            tornTail = cursor.tornTail
        } catch {
            throw .storage(error.message)
        }
    }

    /// What records of a segment that could not be read had, and what is durable.
    private mutating func noteEnds(_ ends: ArraySlice<LogSegmentEnd>) {
        for end in ends {
            if end.isDurable { durableSegments.insert(end.segment) }
            lostSamples += end.itemCount - min(end.itemCount, tally.count(upTo: end))
        }
    }

    /// How a segment ended, as far as it was read.
    func segmentEnd(_ segment: UInt64, byteCount: UInt64, isDurable: Bool) -> LogSegmentEnd {
        let start = core.active.logStart
        let from = start.segment == segment ? start.offset : 0
        var end = LogSegmentEnd(
            segment: segment, offset: byteCount, countedFrom: from, itemCount: 0,
            isDurable: isDurable)
        end.itemCount = tally.count(upTo: end)
        return end
    }

    private mutating func apply(
        _ cursor: borrowing LogCursor, isNew: Bool, _ ahead: inout CommitsAheadQueue
    ) {
        do {
            switch LogRecord.Kind(rawValue: cursor.kind) {
            case .series where isNew:
                for (ref, labels) in try LogRecord.decodeSeries(cursor.payload.span) {
                    try register(ref, labels)
                }
            case .commit:
                if let decoded = ahead.take(cursor.recordStart) {
                    let commit = try decoded.get()
                    if isNew { try apply(commit) }
                    return
                }
                if let decoded = ahead.rowsAtEnd(of: layoutSegment) { rows = decoded }
                let (series, batch) = try LogRecord.decodeCommit(
                    cursor.payload.span, rows: &rows, layoutOnly: !isNew)
                if isNew { try apply(LoggedCommit(series: series, batch: batch)) }
            default: break
            }
        } catch {
            // The checksum was right, so this is no damage of the disk: a record of another version.
            lostSamples += 1
            tally.add(1)
        }
    }

    private mutating func apply(_ commit: LoggedCommit) throws {
        tally.add(commit.batch.sampleCount)
        for (ref, labels) in commit.series { try register(ref, labels) }
        apply(commit.batch)
    }

    private mutating func register(_ ref: UInt32, _ labels: LabelSet) throws {
        if ref < registry.nextRef, isUnmoved(ref), try registry.labels(of: ref) == labels {
            return
        }
        let (actual, _) = try registry.register(labels)
        if actual != ref { movedFrom = min(movedFrom ?? .max, actual, ref) }
        if actual != ref || !isUnmoved(ref) { moved[ref] = actual }
    }

    private func isUnmoved(_ ref: UInt32) -> Bool {
        moved[ref] == nil && movedFrom.map { ref < $0 } ?? true
    }

    /// The ref here of one of the log; nil: its series is not known.
    private func local(_ ref: SeriesRef, _ known: UInt32) -> SeriesRef? {
        if let moved = moved[ref.rawValue] { return SeriesRef(moved) }
        return ref.rawValue < known && isUnmoved(ref.rawValue) ? ref : nil
    }

    private mutating func apply(_ batch: consuming AcceptedBatch) {
        let known = registry.nextRef
        let isMoved = !moved.isEmpty
        if let layout = batch.rowLayout {
            // No writer lets a group's rows go back in time; a log may say so all the same.
            let isLate = batch.rowTimeMs <= core.active.lastRowMs(of: layout.group)
            if isMoved || isLate || layout.refBounds.high >= known {
                spill(&batch, layout)
            }
        } else {
            noteLostRow(batch)
        }
        if isMoved || batch.loose.refs.contains(where: { $0.rawValue >= known })
            || batch.histogramRefs.contains(where: { $0.rawValue >= known })
        {
            translate(&batch, known)
        }
        core.series.grow(to: Int(known))
        if let layout = batch.rowLayout {
            core.nextLayout = max(core.nextLayout, layout.id + 1)
            core.nextGroup = max(core.nextGroup, layout.group + 1)
        }
        for index in 0..<batch.loose.count {
            core.series.raise(batch.loose.refs[index], to: batch.loose.times[index])
        }
        for (index, ref) in batch.histogramRefs.enumerated() {
            core.series.raise(ref, to: batch.histograms.times[index])
        }
        core.apply(batch)
    }

    /// A row whose layout, or the row it is a difference to, went with a damaged record.
    private mutating func noteLostRow(_ batch: borrowing AcceptedBatch) {
        if batch.rowPresentCount == 0 { return }
        lostSamples += UInt64(batch.rowPresentCount)
        lostFromMs = min(lostFromMs, batch.rowTimeMs)
        lostToMs = max(lostToMs, batch.rowTimeMs)
    }

    /// Makes a row loose samples, where refs of its layout are not what they were. They come before
    /// the batch's own: those count where a series has both at one time.
    private func spill(_ batch: inout AcceptedBatch, _ layout: RowLayout) {
        let own = batch.loose
        batch.loose = LooseSamples()
        for (column, value) in batch.rowValues.enumerated()
        where value.bitPattern != RowLayout.absentBits {
            let start = batch.rowStartTimes.isEmpty ? 0 : batch.rowStartTimes[column]
            batch.loose.append(
                layout.refs[column], batch.rowTimeMs, value, startTimeMs: start)
        }
        for index in 0..<own.count {
            batch.loose.append(
                own.refs[index], own.times[index], own.values[index],
                startTimeMs: own.startTimes.isEmpty ? 0 : own.startTimes[index])
        }
        batch.rowLayout = nil
        batch.rowValues = []
        batch.rowStartTimes = []
        batch.rowPresentCount = 0
    }

    /// Gives samples the refs their series have here; those of unknown series are lost.
    private mutating func translate(_ batch: inout AcceptedBatch, _ known: UInt32) {
        let old = batch.loose
        batch.loose = LooseSamples()
        for index in 0..<old.count {
            guard let ref = local(old.refs[index], known) else {
                lostSamples += 1
                continue
            }
            batch.loose.append(
                ref, old.times[index], old.values[index],
                startTimeMs: old.startTimes.isEmpty ? 0 : old.startTimes[index])
        }
        let (refs, histograms) = (batch.histogramRefs, batch.histograms)
        batch.histogramRefs = []
        batch.histograms = HistogramColumns()
        for (index, logged) in refs.enumerated() {
            guard let ref = local(logged, known) else {
                lostSamples += 1
                continue
            }
            batch.histogramRefs.append(ref)
            batch.histograms.append(histograms, index)
        }
        batch.exemplars = batch.exemplars.compactMap { entry in
            local(entry.ref, known).map { ($0, entry.exemplar) }
        }
    }

    /// Ends the replay: rows count for the newest times of their series.
    mutating func finish() {
        core.series.grow(to: Int(registry.nextRef))
        for rows in core.active.buffers {
            core.series.raiseRoughly(rows.layout.refs, to: rows.lastTimeMs)
        }
    }
}

/// The samples of the records of one segment, by their places.
private struct SampleTally {
    private var segment: UInt64 = 0
    private var records: [(offset: UInt64, count: Int)] = []

    /// A record follows.
    mutating func begin(_ place: LogPlace) {
        if place.segment != segment {
            segment = place.segment
            records.removeAll(keepingCapacity: true)
        }
        records.append((place.offset, 0))
    }

    mutating func add(_ count: Int) {
        if !records.isEmpty { records[records.count - 1].count += count }
    }

    func count(upTo end: LogSegmentEnd) -> UInt64 {
        if end.segment != segment { return 0 }
        return records.reduce(0) {
            $1.offset < end.countedFrom ? $0 : $0 + UInt64(clamping: $1.count)
        }
    }
}
