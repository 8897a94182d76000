import TSQBase
import TSQModel

/// What is taken and what is refused, by where it comes from:
///
/// | origin | older than the newest | same time, same value | same time, other value |
/// |---|---|---|---|
/// | scrape | refused | silent | refused |
/// | timestamped | within the window | silent | refused |
/// | backfill | any time within the retention | silent | refused, or wins |
struct Acceptance {
    let origin: WriteOrigin
    let nowMs: TimestampMs
    let futureMs: TimestampMs
    let cutoffMs: TimestampMs
    let windowMs: Int64
    var report = CommitReport()
    var accepted = AcceptedBatch()
    /// What late samples are held against: the series' samples from its first late one on.
    var stored: [UInt32: (fromMs: TimestampMs, columns: SampleColumns)] = [:]
    var reader: SeriesReader?
    /// Float samples of this batch by series and time, once a late one has to be compared.
    var looseIndex: [UInt32: [TimestampMs: UInt64]]?
    var histogramIndex: [UInt32: [TimestampMs: Int]]?

    init(_ batch: borrowing WriteBatch, nowMs: TimestampMs, core: borrowing StoreCore) {
        origin = batch.origin
        self.nowMs = nowMs
        let (future, overflow) = nowMs.addingReportingOverflow(core.options.futureToleranceMs)
        futureMs = overflow ? .max : future
        cutoffMs = core.cutoffMs(nowMs: nowMs)
        windowMs = core.options.outOfOrderWindowMs
        accepted.origin = batch.origin
    }

    mutating func refuse(_ ref: SeriesRef, _ timeMs: TimestampMs, _ reason: RefusalReason) {
        report.refuse(Refusal(ref: ref, timeMs: timeMs, reason: reason))
    }

    /// Whether a time can be taken at all.
    func reasonAgainst(_ timeMs: TimestampMs) -> RefusalReason? {
        // A range is open on the left: nothing could read a sample at the smallest time.
        timeMs > futureMs ? .future : timeMs < cutoffMs || timeMs == .min ? .tooOld : nil
    }

    /// What speaks against a new sample that is older than one the series has.
    func reasonAgainstLate(
        _ timeMs: TimestampMs, newestMs: TimestampMs
    ) -> RefusalReason? {
        if timeMs > newestMs { return nil }
        switch origin {
        case .scrape: return .outOfOrder
        case .timestamped:
            let (behind, overflow) = newestMs.subtractingReportingOverflow(timeMs)
            return overflow || behind > windowMs ? .outOfOrder : nil
        case .backfill: return nil
        }
    }

    var overwrites: Bool { origin == .backfill(overwrite: true) }
}

extension StoreCore {
    /// Takes what can be taken of `batch`; the head is not changed yet.
    ///
    /// - Throws: `AppendError` when nothing of it can be.
    mutating func accept(
        _ batch: borrowing WriteBatch, nowMs: TimestampMs, seriesCount: Int
    ) throws(AppendError) -> Acceptance {
        precondition(
            batch.rowRefs.count == batch.rowValues.count
                && batch.refs.count == batch.times.count
                && batch.refs.count == batch.values.count
                && batch.histogramRefs.count == batch.histograms.count,
            "BUG: columns of a batch differ in length")
        var acceptance = Acceptance(batch, nowMs: nowMs, core: self)
        if !batch.rowRefs.isEmpty { try acceptRow(batch, seriesCount, &acceptance) }
        if !batch.refs.isEmpty {
            try check(batch.refs, seriesCount)
            series.grow(to: seriesCount)
            for index in batch.refs.indices {
                try acceptLoose(
                    batch.refs[index], batch.times[index], batch.values[index],
                    batch.startTimes.isEmpty ? 0 : batch.startTimes[index], &acceptance)
            }
        }
        if !batch.histogramRefs.isEmpty {
            try check(batch.histogramRefs, seriesCount)
            series.grow(to: seriesCount)
            for index in batch.histogramRefs.indices {
                try acceptHistogram(batch, index, &acceptance)
            }
        }
        for (ref, exemplar) in batch.exemplars where ref.rawValue < seriesCount {
            acceptance.accepted.exemplars.append((ref, exemplar))
        }
        acceptance.report.acceptedCount = acceptance.accepted.sampleCount
        return acceptance
    }

    private mutating func acceptRow(
        _ batch: borrowing WriteBatch, _ seriesCount: Int, _ acceptance: inout Acceptance
    ) throws(AppendError) {
        if let reason = acceptance.reasonAgainst(batch.rowTimeMs) {
            for ref in batch.rowRefs { acceptance.refuse(ref, batch.rowTimeMs, reason) }
            return
        }
        switch try planRow(batch, seriesCount: seriesCount) {
        case .row(let layout, let values, let startTimes):
            acceptance.accepted.rowLayout = layout
            acceptance.accepted.rowTimeMs = batch.rowTimeMs
            acceptance.accepted.rowPresentCount = batch.rowRefs.count
            // Exact copies: the writer's buffers may have room to spare, and are used again.
            acceptance.accepted.rowValues = Self.copy(values.isEmpty ? batch.rowValues : values)
            acceptance.accepted.rowStartTimes = Self.copy(
                values.isEmpty ? batch.rowStartTimes : startTimes)
            noteRow(layout, batch.rowTimeMs)
        case .loose:
            try check(batch.rowRefs, seriesCount)
            series.grow(to: seriesCount)
            for index in batch.rowRefs.indices {
                try acceptLoose(
                    batch.rowRefs[index], batch.rowTimeMs, batch.rowValues[index],
                    batch.rowStartTimes.isEmpty ? 0 : batch.rowStartTimes[index], &acceptance)
            }
        }
    }

    private static func copy<T: BitwiseCopyable>(_ source: [T]) -> [T] {
        source.withUnsafeBufferPointer { source in
            [T](unsafeUninitializedCapacity: source.count) { target, count in
                _ = target.initialize(from: source)
                count = source.count
            }
        }
    }

    /// Notes that the series has a sample at `timeMs` that its owner's rows do not show.
    private mutating func note(_ ref: SeriesRef, _ timeMs: TimestampMs) {
        series.raise(ref, to: timeMs)
        if let owner = series.owner(ref), var group = groups[owner], group.floorMs < timeMs {
            group.floorMs = timeMs
            groups[owner] = group
        }
    }

    private mutating func acceptLoose(
        _ ref: SeriesRef, _ timeMs: TimestampMs, _ value: Double, _ startTimeMs: TimestampMs,
        _ acceptance: inout Acceptance
    ) throws(AppendError) {
        if let reason = acceptance.reasonAgainst(timeMs) {
            acceptance.refuse(ref, timeMs, reason)
            return
        }
        if timeMs <= newestBound(ref) {
            let stored = try storedColumns(ref, timeMs, &acceptance)
            let newest = max(stored.times.last ?? .min, stored.histograms.times.last ?? .min)
            let inBatch = Self.looseBits(ref, timeMs, &acceptance)
            let present =
                inBatch
                ?? TimeRange.index(stored.times, of: timeMs).map {
                    stored.values[$0].bitPattern
                }
            if let present {
                if present == value.bitPattern { return }
                if !acceptance.overwrites {
                    acceptance.refuse(ref, timeMs, .duplicate)
                    return
                }
            } else if let reason = acceptance.reasonAgainstLate(timeMs, newestMs: newest) {
                acceptance.refuse(ref, timeMs, reason)
                return
            }
        }
        note(ref, timeMs)
        acceptance.accepted.loose.append(ref, timeMs, value, startTimeMs: startTimeMs)
        acceptance.looseIndex?[ref.rawValue, default: [:]][timeMs] = value.bitPattern
    }

    /// The value bits that this batch has for a series and time already.
    private static func looseBits(
        _ ref: SeriesRef, _ timeMs: TimestampMs, _ acceptance: inout Acceptance
    ) -> UInt64? {
        if acceptance.looseIndex == nil {
            var index: [UInt32: [TimestampMs: UInt64]] = [:]
            let loose = acceptance.accepted.loose
            for at in 0..<loose.count {
                index[loose.refs[at].rawValue, default: [:]][loose.times[at]] =
                    loose.values[at].bitPattern
            }
            if let layout = acceptance.accepted.rowLayout {
                let row = acceptance.accepted
                for (column, value) in row.rowValues.enumerated()
                where value.bitPattern != RowLayout.absentBits {
                    index[layout.refs[column].rawValue, default: [:]][row.rowTimeMs] =
                        value.bitPattern
                }
            }
            acceptance.looseIndex = index
        }
        return acceptance.looseIndex?[ref.rawValue]?[timeMs]
    }

    /// The series' samples from its first late one of this batch on.
    private func storedColumns(
        _ ref: SeriesRef, _ timeMs: TimestampMs, _ acceptance: inout Acceptance
    ) throws(AppendError) -> SampleColumns {
        if let known = acceptance.stored[ref.rawValue], known.fromMs <= timeMs {
            return known.columns
        }
        var columns = SampleColumns()
        var reader = acceptance.reader ?? SeriesReader(snapshot)
        do throws(BlockError) {
            try reader.read(
                ref.rawValue, reader.places(of: ref.rawValue), fromMs: timeMs - 1, toMs: .max,
                into: &columns)
        } catch {
            throw .storage("late samples cannot be compared: \(error.reason)")
        }
        acceptance.reader = reader
        acceptance.stored[ref.rawValue] = (timeMs, columns)
        return columns
    }

    private mutating func acceptHistogram(
        _ batch: borrowing WriteBatch, _ index: Int, _ acceptance: inout Acceptance
    ) throws(AppendError) {
        let ref = batch.histogramRefs[index]
        let timeMs = batch.histograms.times[index]
        if let reason = acceptance.reasonAgainst(timeMs) {
            acceptance.refuse(ref, timeMs, reason)
            return
        }
        if timeMs <= newestBound(ref) {
            let stored = try storedColumns(ref, timeMs, &acceptance)
            let newest = max(stored.times.last ?? .min, stored.histograms.times.last ?? .min)
            var present = false
            if let at = acceptance.histogramIndex?[ref.rawValue]?[timeMs] {
                present = true
                if batch.histograms.isIdentical(index, acceptance.accepted.histograms, at) {
                    return
                }
            } else if let at = TimeRange.index(stored.histograms.times, of: timeMs) {
                present = true
                if batch.histograms.isIdentical(index, stored.histograms, at) { return }
            }
            if present && !acceptance.overwrites {
                acceptance.refuse(ref, timeMs, .duplicate)
                return
            }
            if !present,
                let reason = acceptance.reasonAgainstLate(timeMs, newestMs: newest)
            {
                acceptance.refuse(ref, timeMs, reason)
                return
            }
        }
        note(ref, timeMs)
        acceptance.histogramIndex = acceptance.histogramIndex ?? [:]
        acceptance.histogramIndex?[ref.rawValue, default: [:]][timeMs] =
            acceptance.accepted.histograms.count
        acceptance.accepted.histogramRefs.append(ref)
        acceptance.accepted.histograms.append(batch.histograms, index)
    }
}
