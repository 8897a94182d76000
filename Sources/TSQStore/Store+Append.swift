import Synchronization
import TSQBase
import TSQIO
import TSQIndex
import TSQModel

extension Store: SampleAppender {
    /// A label name or value is at most this long.
    static let labelBytesMax = 1 << 20

    package func resolve(_ labels: LabelSet) throws(AppendError) -> SeriesRef {
        try Self.validate(labels)
        return try registry.withLock { (registry) throws(AppendError) -> SeriesRef in
            let hash = LabelHash.hash(labels)
            do throws(IndexError) {
                if let ref = try registry.find(labels, hash: hash) {
                    registry.resolved.insert(ref)
                    return SeriesRef(ref)
                }
            } catch {
                noteIndexDamage(error.message)
                throw .storage(error.message)
            }
            try checkMemory(&registry, labels)
            let ref = registry.add(labels, hash: hash)
            registry.resolved.insert(ref)
            pendingSeries.withLock { $0.append((ref, labels)) }
            seriesCount.store(ref + 1, ordering: .releasing)
            return SeriesRef(ref)
        }
    }

    private static func validate(_ labels: LabelSet) throws(AppendError) {
        if labels.labels.isEmpty { throw .invalidLabels("a series without labels") }
        var previous: String?
        for label in labels.labels {
            if label.name.isEmpty { throw .invalidLabels("a label without a name in \(labels)") }
            if label.value.isEmpty {
                throw .invalidLabels("label \(GoQuote.quoted(label.name)) is empty in \(labels)")
            }
            if label.name.utf8.count > labelBytesMax || label.value.utf8.count > labelBytesMax {
                throw .invalidLabels("a label has more than \(labelBytesMax) bytes")
            }
            if let previous, !isBytewiseLess(previous, label.name) {
                throw .invalidLabels("labels are not sorted, or one occurs twice: \(labels)")
            }
            previous = label.name
        }
    }

    package func openGroup() -> WriteGroup {
        core.withLock { core in
            let number = core.nextGroup
            core.nextGroup += 1
            core.groups[number] = GroupState()
            return WriteGroup(number)
        }
    }

    package func closeGroup(_ group: WriteGroup) {
        core.withLock { core in
            core.release(group.rawValue)
            core.groups[group.rawValue] = nil
        }
    }

    package func commit(_ batch: borrowing WriteBatch) throws(AppendError) -> CommitReport {
        if batch.sampleCount > LogRecord.batchSamplesMax {
            throw .storage(
                "a batch of \(batch.sampleCount) samples: at most \(LogRecord.batchSamplesMax)")
        }
        let nowMs = clock.nowMs()
        let registered = Int(seriesCount.load(ordering: .acquiring))
        var end: LogPlace?
        var isDue = false
        let report = try core.withLock { (core) throws(AppendError) -> CommitReport in
            if let refusal = core.refusal { throw .readOnly(refusal) }
            var acceptance = try core.accept(batch, nowMs: nowMs, seriesCount: registered)
            // Its snapshot would make the head copy what it changes now.
            acceptance.reader = nil
            core.countRefusals(acceptance.report)
            if acceptance.accepted.isEmpty { return acceptance.report }
            end = try write(acceptance.accepted, &core)
            core.apply(acceptance.accepted)
            core.statistics.commits += 1
            core.statistics.samplesAppended += UInt64(acceptance.accepted.sampleCount)
            isDue = core.checkpointIsDue(nowMs: nowMs)
            return acceptance.report
        }
        if let end, options.syncIntervalMs == 0 {
            do throws(IOError) {
                try log.sync(to: end)
            } catch {
                stopWrites(
                    .unsafeLog, "the log cannot be made durable: \(error.message)")
                throw .readOnly(error.message)
            }
        }
        if isDue { wakeMaintenance() }
        if report.refusedCount > 0 { logRefusals(report, nowMs: nowMs) }
        return report
    }

    /// Logs a batch, and before it what it refers to.
    private func write(
        _ batch: borrowing AcceptedBatch, _ core: inout StoreCore
    ) throws(AppendError) -> LogPlace {
        do throws(IOError) {
            // A segment repeats the layouts: with very many series it is to be worth it.
            let segment = try log.rotateIfNeeded(
                atLeast: 8 * UInt64(core.series.count))
            if segment != core.loggedSegment {
                core.loggedSegment = segment
                core.loggedLayouts.removeAll(keepingCapacity: true)
                core.loggedRows.removeAll()
            }
            let before = log.bytesAppended
            let series = try nextSeries(&core)
            let layout = batch.rowLayout.flatMap {
                core.loggedLayouts.contains($0.id) ? nil : $0
            }
            let base = batch.rowLayout.flatMap { core.loggedRows.base(of: $0.group) }
            LogRecord.encode(
                batch, series: series, withLayout: layout != nil, base: base,
                into: &core.writer)
            let end = try log.append(
                kind: LogRecord.Kind.commit.rawValue, core.writer.bytes.span,
                itemCount: batch.sampleCount)
            if !series.isEmpty {
                pendingSeries.withLock { $0.removeFirst(series.count) }
                core.loggedSeries += series.count
            }
            if let layout { core.loggedLayouts.insert(layout.id) }
            if let group = batch.rowLayout?.group {
                core.loggedRows.note(
                    group, timeMs: batch.rowTimeMs, values: batch.rowValues, after: base)
            }
            core.logBytes += log.bytesAppended - before
            core.noteWritten(events)
            return end
        } catch {
            let reason = core.noteWriteFault(error, events)
            if log.isUnsafe && core.refusal == nil {
                core.refusal = "the log cannot be made durable: \(error.message)"
                core.stop = .unsafeLog
            }
            wakeMaintenance()
            throw .readOnly(reason)
        }
    }

    /// Series in one log record, at most.
    private static let seriesPerRecordMax = 50_000

    /// The new series that go with the next commit. When there are very many, those before them are
    /// written on their own.
    private func nextSeries(
        _ core: inout StoreCore
    ) throws(IOError) -> [LogRecord.NewSeries] {
        while true {
            let (series, isAll) = pendingSeries.withLock {
                (Array($0.prefix(Self.seriesPerRecordMax)), $0.count <= Self.seriesPerRecordMax)
            }
            if isAll { return series }
            let record = LogRecord.encode(series: series)
            try log.append(kind: LogRecord.Kind.series.rawValue, record.span)
            pendingSeries.withLock { $0.removeFirst(series.count) }
            core.loggedSeries += series.count
        }
    }
}

extension StoreCore {
    mutating func countRefusals(_ report: CommitReport) {
        if report.refusedCount == 0 { return }
        for refusal in report.refusals {
            statistics.samplesRefused[refusal.reason.rawValue, default: 0] += 1
        }
        // Beyond the list only the number is known; the last reason stands for the rest.
        let rest = report.refusedCount - report.refusals.count
        if rest > 0, let reason = report.refusals.last?.reason {
            statistics.samplesRefused[reason.rawValue, default: 0] += UInt64(rest)
        }
    }

    /// The head's buffers may take this much: some twenty rows of 57,000 series, three or four of a
    /// million, so that memory and replay stay small. Merges make long chunks of short ones soon.
    var headBytesMax: Int {
        min((8 << 20) + 24 * series.count, options.headShareBytes ?? .max)
    }

    /// New series that a start registers in some 50 ms.
    static let loggedSeriesMax = 20_000

    /// Whether the head is to be cut: by its size, by the log that a start would replay, or by age.
    func checkpointIsDue(nowMs: TimestampMs) -> Bool {
        if active.isEmpty { return false }
        return active.byteCount > headBytesMax
            || logBytes > options.checkpointLogBytes + 16 * UInt64(series.count)
            || loggedSeries > Self.loggedSeriesMax
            || nowMs > active.startedMs && nowMs - active.startedMs > options.blockRangeMs
    }
}
