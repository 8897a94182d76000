import TSQBase
import TSQModel

extension SampleColumns {
    /// Whether a sample has `fromMs < time <= toMs`.
    package func hasSamples(fromMs: TimestampMs, toMs: TimestampMs) -> Bool {
        func contains(_ times: [TimestampMs]) -> Bool {
            let range = Self.window(times, fromMs: fromMs, toMs: toMs)
            return !range.isEmpty
        }
        return contains(times) || contains(histograms.times)
    }

    /// Appends the samples of `other` with `fromMs < time <= toMs`.
    package mutating func append(
        _ other: SampleColumns, fromMs: TimestampMs = .min, toMs: TimestampMs = .max
    ) {
        let floats = Self.window(other.times, fromMs: fromMs, toMs: toMs)
        for index in floats {
            appendFloat(
                other.values[index], timeMs: other.times[index],
                startTimeMs: other.startTimes.isEmpty ? 0 : other.startTimes[index])
        }
        let columns = other.histograms
        for index in Self.window(columns.times, fromMs: fromMs, toMs: toMs) {
            histograms.append(
                columns.histogram(index), timeMs: columns.times[index],
                startTimeMs: columns.startTimes.isEmpty ? 0 : columns.startTimes[index])
        }
    }

    /// Appends one float sample; a start time of 0 is an unknown one.
    package mutating func appendFloat(
        _ value: Double, timeMs: TimestampMs, startTimeMs: TimestampMs = 0
    ) {
        if startTimeMs != 0 && startTimes.isEmpty {
            startTimes = [TimestampMs](repeating: 0, count: times.count)
        }
        if startTimeMs != 0 || !startTimes.isEmpty { startTimes.append(startTimeMs) }
        times.append(timeMs)
        values.append(value)
    }

    /// The indices of ascending `times` with `fromMs < time <= toMs`.
    ///
    /// - Complexity: O(log n).
    static func window(
        _ times: [TimestampMs], fromMs: TimestampMs, toMs: TimestampMs
    ) -> Range<Int> {
        let start = times.firstIndexPast(fromMs)
        return start..<max(start, times.firstIndexPast(toMs))
    }
}

extension [TimestampMs] {
    /// The first index whose time is later than `bound`.
    fileprivate func firstIndexPast(_ bound: TimestampMs) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] > bound { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
