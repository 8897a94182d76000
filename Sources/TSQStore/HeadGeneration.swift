import TSQBase
import TSQIO
import TSQModel

/// What was committed between two checkpoints, in memory: row buffers of groups, and side buffers.
///
/// A value: a reader's copy is a snapshot of whole commits.
struct HeadGeneration: Sendable {
    /// Ascends; of two samples at one time the one of the later generation counts.
    let number: UInt64
    /// The log from here on (up to the next generation's) is what this holds.
    let logStart: LogPlace
    /// The wall clock when this was begun.
    let startedMs: TimestampMs
    private(set) var buffers: [RowBuffer] = []
    /// Of each buffer's series: a query of few series passes over most buffers, and these lie apart.
    private(set) var bufferRefs: [RefBounds] = []
    private var bufferOfGroup: [UInt32: Int] = [:]
    private(set) var side: [SideBuffer] = []
    private var sideOfRef: [UInt32: Int] = [:]

    private(set) var sampleCount = 0
    private(set) var byteCount = 0
    private(set) var minTimeMs: TimestampMs = .max
    private(set) var maxTimeMs: TimestampMs = .min

    init(number: UInt64, logStart: LogPlace, startedMs: TimestampMs) {
        self.number = number
        self.logStart = logStart
        self.startedMs = startedMs
    }

    var isEmpty: Bool { sampleCount == 0 }

    /// What a side buffer weighs beside its samples: three array headers and its places in tables.
    private static let sideOverheadBytes = 240

    private mutating func extend(_ minMs: TimestampMs, _ maxMs: TimestampMs) {
        minTimeMs = min(minTimeMs, minMs)
        maxTimeMs = max(maxTimeMs, maxMs)
    }

    /// Appends a row to the group's buffer, or to a new one when `layout` does not extend it.
    ///
    /// - Parameter presentCount: cells that are samples.
    mutating func appendRow(
        _ layout: RowLayout, timeMs: TimestampMs, values: [Double], startTimes: [TimestampMs],
        presentCount: Int
    ) {
        let index: Int
        if let known = bufferOfGroup[layout.group],
            buffers[known].layout === layout || layout.extends(buffers[known].layout)
        {
            index = known
            buffers[known].layout = layout
            bufferRefs[known] = layout.refBounds
        } else {
            index = buffers.count
            buffers.append(RowBuffer(layout: layout))
            bufferRefs.append(layout.refBounds)
            bufferOfGroup[layout.group] = index
            byteCount += layout.byteCount
        }
        buffers[index].append(
            timeMs: timeMs, values: values, startTimes: startTimes,
            hasGaps: presentCount != values.count)
        sampleCount += presentCount
        byteCount += values.count * 8 + startTimes.count * 8 + 48
        extend(timeMs, timeMs)
    }

    private mutating func sideIndex(_ ref: UInt32) -> Int {
        if let index = sideOfRef[ref] { return index }
        let index = side.count
        side.append(SideBuffer(ref: ref))
        sideOfRef[ref] = index
        byteCount += Self.sideOverheadBytes
        return index
    }

    /// Adds float samples with times of their own; those of one series ascend.
    mutating func appendLoose(_ loose: LooseSamples) {
        var late: [UInt32: SampleColumns] = [:]
        for index in 0..<loose.count {
            let (ref, timeMs) = (loose.refs[index].rawValue, loose.times[index])
            let start = loose.startTimes.isEmpty ? 0 : loose.startTimes[index]
            if late[ref] == nil,
                side[sideIndex(ref)].appendFloat(
                    timeMs, loose.values[index], startTimeMs: start)
            {
            } else {
                late[ref, default: SampleColumns()].appendFloat(
                    timeMs, loose.values[index], startTimeMs: start)
            }
            extend(timeMs, timeMs)
        }
        for (ref, columns) in late {
            let index = sideIndex(ref)
            sampleCount -= side[index].sampleCount
            side[index].merge(columns)
            sampleCount += side[index].sampleCount - columns.times.count
        }
        sampleCount += loose.count
        byteCount += loose.count * (loose.startTimes.isEmpty ? 16 : 24)
    }

    mutating func appendHistograms(_ refs: [SeriesRef], _ histograms: HistogramColumns) {
        for index in refs.indices {
            let place = sideIndex(refs[index].rawValue)
            sampleCount -= side[place].sampleCount
            side[place].addHistogram(histograms, index)
            sampleCount += side[place].sampleCount
            extend(histograms.times[index], histograms.times[index])
        }
        byteCount +=
            refs.count * 80 + (histograms.positiveBuckets.count + histograms.negativeBuckets.count)
            * 8 + (histograms.positiveSpans.count + histograms.negativeSpans.count) * 8
    }

    /// The time of the group's newest row.
    func lastRowMs(of group: UInt32) -> TimestampMs {
        bufferOfGroup[group].map { buffers[$0].lastTimeMs } ?? .min
    }

    func hasRows(of group: UInt32) -> Bool { bufferOfGroup[group] != nil }

    func sideBuffer(of ref: UInt32) -> SideBuffer? { sideOfRef[ref].map { side[$0] } }

    func _checkInvariants() {
        var samples = 0
        for (group, index) in bufferOfGroup {
            precondition(buffers[index].layout.group == group, "BUG: buffer of another group")
        }
        for buffer in buffers {
            let times = buffer.times
            precondition(
                zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "BUG: row times not ascending"
            )
            precondition(times.count == buffer.rows.count, "BUG: rows and times differ")
            precondition(
                Set(buffer.layout.refs).count == buffer.layout.refs.count, "BUG: ref twice in a row"
            )
            for row in buffer.rows {
                precondition(row.count <= buffer.layout.refs.count, "BUG: row beyond its layout")
                samples += row.reduce(0) { $0 + ($1.bitPattern == RowLayout.absentBits ? 0 : 1) }
            }
        }
        for (ref, index) in sideOfRef {
            precondition(side[index].ref == ref, "BUG: side buffer of another series")
        }
        for buffer in side {
            buffer._checkInvariants()
            samples += buffer.sampleCount
        }
        precondition(
            samples == sampleCount, "BUG: \(samples) samples in the head, \(sampleCount) counted")
    }
}

/// Float samples with times of their own, as columns of equal count.
struct LooseSamples: Sendable {
    var refs: [SeriesRef] = []
    var times: [TimestampMs] = []
    var values: [Double] = []
    /// Empty, or of the same count.
    var startTimes: [TimestampMs] = []

    var count: Int { refs.count }

    mutating func append(
        _ ref: SeriesRef, _ timeMs: TimestampMs, _ value: Double, startTimeMs: TimestampMs
    ) {
        if startTimeMs != 0 && startTimes.isEmpty {
            startTimes = [TimestampMs](repeating: 0, count: refs.count)
        }
        if startTimeMs != 0 || !startTimes.isEmpty { startTimes.append(startTimeMs) }
        refs.append(ref)
        times.append(timeMs)
        values.append(value)
    }
}
