import TSQBase
import TSQIO
import TSQModel

/// The store's state behind its commit lock.
struct StoreCore {
    var active: HeadGeneration
    /// Set aside by a checkpoint that has not ended yet; older first.
    var frozen: [HeadGeneration] = []
    /// Ascending by sequence.
    var blocks: [Block]
    /// What of the blocks is hidden, older first.
    var deletions: [Deletion] = []
    /// Those of them that cannot be undone any more, as in the MANIFEST.
    var begunDeletions: Set<UInt64> = []
    var groups: [UInt32: GroupState] = [:]
    var nextGroup: UInt32 = 0
    var nextLayout: UInt32 = 0
    var series: SeriesStates
    /// Numbers that writers were given once, of series that are gone.
    var droppedRefs = RefBits()
    var hasDroppedRefs = false
    var exemplars: ExemplarRing
    /// The newest sample of all.
    var newestMs: TimestampMs

    /// Layouts that stand in the log's current segment.
    var loggedLayouts: Set<UInt32> = []
    var loggedSegment: UInt64 = 0
    /// What the log's next rows may refer to.
    var loggedRows = LogRows()
    var writer = ByteWriter()
    /// Log bytes since the checkpoint before.
    var logBytes: UInt64 = 0
    /// Series in that part of the log: a start registers them anew.
    var loggedSeries = 0
    /// Why no more is taken.
    var refusal: String?
    var stop: WriteStop?
    /// Why the commit before could not be written.
    var writeFault: String?

    var statistics = StoreStatistics()
    let options: StoreOptions

    init(
        active: HeadGeneration, blocks: [Block], series: SeriesStates, newestMs: TimestampMs,
        options: StoreOptions
    ) {
        self.active = active
        self.blocks = blocks
        self.series = series
        self.newestMs = newestMs
        self.options = options
        exemplars = ExemplarRing(capacity: options.exemplarsMax)
    }

    var snapshot: StoreSnapshot {
        StoreSnapshot(generations: frozen + [active], blocks: blocks, deletions: deletions)
    }

    /// Samples before this are not taken any more.
    func cutoffMs(nowMs: TimestampMs) -> TimestampMs {
        if options.retentionMs == .max || newestMs == .min { return .min }
        let (cutoff, overflow) = min(nowMs, newestMs).subtractingReportingOverflow(
            options.retentionMs)
        return overflow ? .min : cutoff
    }

    /// Puts a logged batch into the head.
    mutating func apply(_ batch: borrowing AcceptedBatch) {
        if let layout = batch.rowLayout {
            active.appendRow(
                layout, timeMs: batch.rowTimeMs, values: batch.rowValues,
                startTimes: batch.rowStartTimes, presentCount: batch.rowPresentCount)
        }
        if batch.loose.count > 0 { active.appendLoose(batch.loose) }
        if !batch.histogramRefs.isEmpty {
            active.appendHistograms(batch.histogramRefs, batch.histograms)
        }
        for (ref, exemplar) in batch.exemplars { exemplars.append(ref, exemplar) }
        newestMs = max(newestMs, active.maxTimeMs)
    }

    /// How long what is known of a series is kept after its newest sample.
    private static let stateKeptMs: Int64 = 3_600_000

    /// Forgets what is known of series that nobody has written to for so long.
    mutating func dropUnusedStates() {
        let (keptMs, overflow) = newestMs.subtractingReportingOverflow(Self.stateKeptMs)
        if !overflow { series.dropUnused(keptMs: keptMs) }
    }

    func _checkInvariants() {
        active._checkInvariants()
        for head in frozen { head._checkInvariants() }
        series._checkInvariants()
        for (number, group) in groups {
            guard let layout = group.layout else { continue }
            for (column, ref) in layout.refs.enumerated() where series.owner(ref) == number {
                precondition(series.column(ref) == column, "BUG: series \(ref) in a wrong column")
            }
            precondition(group.floorMs >= group.lastTimeMs, "BUG: a group's floor below its rows")
        }
        let sequences = blocks.map(\.entry.sequence)
        precondition(
            zip(sequences, sequences.dropFirst()).allSatisfy { $0 < $1 }, "BUG: blocks unordered")
    }
}
