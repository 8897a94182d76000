import TSQBase
import TSQModel

/// One series' values over the steps of a tile: what flows between operators.
///
/// - Shape: `values.count == tags.count` = the tile's steps, ascending in time. `histograms` is empty
///   while the row has none, otherwise of the same count.
/// - `values[i]` means something only where `tags[i] == .float`; elementwise loops may compute over
///   all entries and combine the tags.
/// - Ownership: rows are reused; whoever fills one resets it first.
package struct StepRow: Sendable {
    package enum Tag {
        package static let absent: UInt8 = 0
        package static let float: UInt8 = 1
        package static let histogram: UInt8 = 2
    }

    package var values: [Double]
    package var tags: [UInt8]
    package var histograms: [Histogram?] = []

    package init(stepCount: Int) {
        values = [Double](filledWith: 0, count: stepCount)
        tags = [UInt8](filledWith: Tag.absent, count: stepCount)
    }

    package var stepCount: Int { values.count }

    /// How many steps have a float, where none has a histogram: tags are 0 or 1 then, and are added up
    /// in bytes, sixteen at once.
    var floatCount: Int {
        let tags = tags.span
        var (count, start) = (0, 0)
        while start < tags.count {
            let end = min(tags.count, start &+ 240)
            var part: UInt8 = 0
            for step in start..<end { part &+= tags[unchecked: step] }
            count &+= Int(part)
            start = end
        }
        return count
    }

    /// Makes every step absent, for `stepCount` steps; keeps the buffers.
    package mutating func reset(stepCount: Int) {
        if values.count != stepCount {
            values = [Double](filledWith: 0, count: stepCount)
            tags = [UInt8](filledWith: Tag.absent, count: stepCount)
        } else {
            var tags = tags.mutableSpan
            for step in 0..<stepCount { tags[unchecked: step] = Tag.absent }
        }
        histograms.removeAll(keepingCapacity: true)
    }

    @inlinable
    package mutating func setFloat(_ step: Int, _ value: Double) {
        values[step] = value
        tags[step] = Tag.float
    }

    package mutating func setHistogram(_ step: Int, _ histogram: Histogram) {
        if histograms.isEmpty {
            histograms = [Histogram?](repeating: nil, count: values.count)
        }
        histograms[step] = histogram
        tags[step] = Tag.histogram
    }

    package mutating func setAbsent(_ step: Int) { tags[step] = Tag.absent }
}
