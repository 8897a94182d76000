import TSQBase

/// Which rows of the head's buffers lie within a range of times: found once for each buffer, as the
/// series of a selection share few.
struct HeadRanges {
    /// What is known of a buffer.
    private enum Known {
        case nothing
        /// Every column has a sample in the range, or none has.
        case all(Bool)
        /// These rows have gaps.
        case some(Range<Int>)
    }

    private let generations: [HeadGeneration]
    private let fromMs: TimestampMs
    private let toMs: TimestampMs
    /// First of each generation's buffers in `known`.
    private var starts: [Int] = []
    private var known: [Known]

    init(_ generations: [HeadGeneration], fromMs: TimestampMs, toMs: TimestampMs) {
        self.generations = generations
        self.fromMs = fromMs
        self.toMs = toMs
        var count = 0
        for generation in generations {
            starts.append(count)
            count += generation.buffers.count
        }
        known = [Known](repeating: .nothing, count: count)
    }

    /// Whether one of the columns has a sample with `fromMs < time <= toMs`.
    mutating func hasSample(anyOf places: ArraySlice<SeriesReader.Place>) -> Bool {
        for place in places where hasSample(place) { return true }
        return false
    }

    private mutating func hasSample(_ place: SeriesReader.Place) -> Bool {
        let index = starts[place.generation] + place.buffer
        switch known[index] {
        case .all(let isThere): return isThere
        case .some(let range):
            let buffer = generations[place.generation].buffers[place.buffer]
            return buffer.hasSample(column: place.column, range)
        case .nothing:
            let buffer = generations[place.generation].buffers[place.buffer]
            let range = TimeRange.rows(buffer.times, fromMs: fromMs, toMs: toMs)
            known[index] =
                buffer.isComplete || range.isEmpty ? .all(!range.isEmpty) : .some(range)
            return hasSample(place)
        }
    }
}
