import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// Which refusals are said in the log: of each kind one now and then, with the number since the one
/// before.
struct RefusalLog {
    private struct Kind {
        var saidMs: TimestampMs
        var unsaidCount: UInt64 = 0
    }

    private var kinds: [String: Kind] = [:]
    private static let kindsMax = 100
    static let intervalMs: Int64 = 60_000

    /// Counts refusals; answers how many there were since this kind was said last, when it is to be
    /// said now.
    mutating func note(_ kind: String, count: UInt64, nowMs: TimestampMs) -> UInt64? {
        guard var known = kinds[kind] else {
            if kinds.count >= Self.kindsMax { kinds.removeAll() }
            kinds[kind] = Kind(saidMs: nowMs)
            return count
        }
        known.unsaidCount += count
        let (age, overflow) = nowMs.subtractingReportingOverflow(known.saidMs)
        // The clock may have been set back.
        if overflow || age >= Self.intervalMs || age < 0 {
            kinds[kind] = Kind(saidMs: nowMs)
            return known.unsaidCount
        }
        kinds[kind] = known
        return nil
    }
}

extension Store {
    /// Says refused samples in the log, sampled: reason, series (which names its target) and time.
    func logRefusals(_ report: CommitReport, nowMs: TimestampMs) {
        var counts: [RefusalReason: UInt64] = [:]
        for refusal in report.refusals { counts[refusal.reason, default: 0] += 1 }
        let unlisted = report.refusedCount - report.refusals.count
        if unlisted > 0, let last = report.refusals.last {
            counts[last.reason, default: 0] += UInt64(unlisted)
        }
        for (reason, count) in counts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            guard
                let total = refusals.withLock({
                    $0.note(reason.rawValue, count: count, nowMs: nowMs)
                }), let example = report.refusals.first(where: { $0.reason == reason })
            else { continue }
            let series = labels(of: example.ref).map { "\($0)" } ?? "\(example.ref.rawValue)"
            events.log(
                .warning, "samples are refused",
                [
                    ("reason", reason.rawValue), ("samples", "\(total)"), ("series", series),
                    ("time_ms", "\(example.timeMs)"),
                ])
        }
    }

    /// Throws when the store's share of the memory limit has no room for another series.
    func checkMemory(
        _ registry: inout Registry, _ labels: LabelSet
    ) throws(AppendError) {
        guard let shares = options.memoryShares else { return }
        let (memory, headMax) = core.withLock { ($0.memory, $0.headBytesMax) }
        // As if the head were full: it will be.
        let used =
            memory.seriesBytes + memory.exemplarBytes + UInt64(clamping: registry.byteCount)
            + UInt64(clamping: headMax)
        if used <= shares.storeBytes { return }
        let metric = labels[LabelName.metricName] ?? ""
        let grown = registry.widestNewLabel
        let label = grown.map { "; label \($0.name) has \($0.count) new values" } ?? ""
        let reason =
            "new series of metric \(metric) are refused: the store has \(used) bytes in memory of "
            + "\(shares.storeBytes) that the limit leaves it\(label)"
        let total = refusals.withLock {
            $0.note("series_limit", count: 1, nowMs: clock.nowMs())
        }
        core.withLock { $0.statistics.seriesRefused += 1 }
        if let total {
            events.log(
                .warning, "new series are refused",
                [("reason", reason), ("series", "\(labels)"), ("count", "\(total)")])
        }
        wakeMaintenance()
        throw .seriesLimit(reason)
    }
}

extension Registry {
    /// The label with the most values among series that are in no segment yet.
    var widestNewLabel: (name: String, count: Int)? { delta.widestLabel }
}
