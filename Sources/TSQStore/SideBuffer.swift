import TSQBase
import TSQModel

/// Samples of one series that came with times of their own: loose samples, out of order, histograms.
///
/// - Order: `floats.times` and `histograms.times` ascend strictly.
struct SideBuffer: Sendable {
    let ref: UInt32
    private(set) var columns = SampleColumns()

    init(ref: UInt32) { self.ref = ref }

    var sampleCount: Int { columns.times.count + columns.histograms.count }

    /// Appends a sample that is newer than all; false when it is not.
    mutating func appendFloat(
        _ timeMs: TimestampMs, _ value: Double, startTimeMs: TimestampMs
    ) -> Bool {
        if let last = columns.times.last, last >= timeMs { return false }
        columns.appendFloat(timeMs, value, startTimeMs: startTimeMs)
        return true
    }

    /// Merges samples, usually in ascending order of time; at a time that is there already the new
    /// value takes the place of the old, and of new ones the last counts.
    ///
    /// - Complexity: O(samples here behind the first new one + new samples).
    mutating func merge(_ unordered: SampleColumns) {
        let new = Self.ascending(unordered)
        guard let first = new.times.first else { return }
        let start = first == .min ? 0 : TimeRange.firstIndex(columns.times, after: first - 1)
        var merged = SampleColumns()
        var (old, next) = (start, 0)
        func take(_ source: SampleColumns, _ index: Int) {
            merged.appendFloat(
                source.times[index], source.values[index],
                startTimeMs: source.startTimes.isEmpty ? 0 : source.startTimes[index])
        }
        while old < columns.times.count || next < new.times.count {
            if next == new.times.count {
                take(columns, old)
                old += 1
            } else if old == columns.times.count || new.times[next] < columns.times[old] {
                take(new, next)
                next += 1
            } else {
                if columns.times[old] == new.times[next] {
                    take(new, next)
                    next += 1
                } else {
                    take(columns, old)
                }
                old += 1
            }
        }
        let tail = columns.times.count - start
        columns.times.removeLast(tail)
        columns.values.removeLast(tail)
        if !columns.startTimes.isEmpty { columns.startTimes.removeLast(tail) }
        let hasStarts = !columns.startTimes.isEmpty || !merged.startTimes.isEmpty
        columns.times.append(contentsOf: merged.times)
        columns.values.append(contentsOf: merged.values)
        if hasStarts {
            columns.padStartTimes(to: start)
            columns.startTimes.append(contentsOf: merged.startTimes)
            columns.padStartTimes(to: columns.times.count)
        }
    }

    /// The samples with times that ascend strictly.
    private static func ascending(_ columns: SampleColumns) -> SampleColumns {
        let times = columns.times
        if zip(times, times.dropFirst()).allSatisfy({ $0 < $1 }) { return columns }
        let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
        var result = SampleColumns()
        for (place, index) in order.enumerated() {
            if place + 1 < order.count, times[order[place + 1]] == times[index] { continue }
            result.appendFloat(
                times[index], columns.values[index],
                startTimeMs: columns.startTimes.isEmpty ? 0 : columns.startTimes[index])
        }
        return result
    }

    /// Adds histogram `index` of `source`, in the place of one of the same time.
    mutating func addHistogram(_ source: HistogramColumns, _ index: Int) {
        let timeMs = source.times[index]
        if columns.histograms.times.last.map({ $0 < timeMs }) ?? true {
            columns.histograms.append(source, index)
            return
        }
        let old = columns.histograms
        let position = TimeRange.firstIndex(old.times, after: timeMs)
        let replaces = position > 0 && old.times[position - 1] == timeMs
        var merged = HistogramColumns()
        merged.append(old, 0..<(replaces ? position - 1 : position))
        merged.append(source, index)
        merged.append(old, position..<old.count)
        columns.histograms = merged
    }

    func _checkInvariants() {
        let (times, histogramTimes) = (columns.times, columns.histograms.times)
        precondition(times.count == columns.values.count, "BUG: side columns differ in length")
        precondition(
            columns.startTimes.isEmpty || columns.startTimes.count == times.count,
            "BUG: start times differ in length")
        precondition(
            zip(times, times.dropFirst()).allSatisfy { $0 < $1 }
                && zip(histogramTimes, histogramTimes.dropFirst()).allSatisfy { $0 < $1 },
            "BUG: side times do not ascend")
    }
}
