import TSQEngine
import TSQModel

/// A query's answer as it becomes text: what there is to write, cut into pieces that begin without
/// knowing the ones before. So several threads write one answer, each with a writer of its own.
package struct QueryAnswer: @unchecked Sendable {
    // Safe to send because: it is a value, and nobody writes to the result's symbol table.

    /// Where a piece begins or ends.
    package struct Place: Equatable, Sendable {
        enum Step: Equatable {
            /// The frame in front of the series, with all that a scalar or string has.
            case head
            /// Between two series, or behind the last one.
            case series(Int)
            /// Within the float points of a series.
            case points(Int, next: Int)
            case histograms(Int, next: Int)
            /// The frame behind the series.
            case tail
            case end
        }

        var step: Step

        package static let start = Place(step: .head)
        /// Behind everything.
        package static let end = Place(step: .end)
    }

    /// About how long the text of a piece becomes.
    package static let pieceByteCount = 256 << 10
    /// Of a usual point.
    private static let pointByteCount = 36
    /// What stands around a series' or label's texts.
    private static let seriesFrameByteCount = 48
    private static let labelFrameByteCount = 6
    private static let bucketByteCount = 48

    let result: QueryResult
    let timings: QueryTimings?
    /// Whether the envelope is written around the data.
    let isFramed: Bool
    /// Those of `result`, which are not copied out of it for every series; none for a scalar.
    let columns: ResultSeries
    let isVector: Bool

    /// - Parameter statistics: shown as `stats` where it is given.
    package init(_ result: QueryResult, statistics: QueryTimings? = nil) {
        self.init(result, statistics, isFramed: true)
    }

    init(_ result: QueryResult, _ timings: QueryTimings?, isFramed: Bool) {
        self.result = result
        self.timings = timings
        self.isFramed = isFramed
        switch result.value {
        case .vector(let series):
            columns = series
            isVector = true
        case .matrix(let series):
            columns = series
            isVector = false
        case .scalar, .string:
            columns = ResultSeries(symbols: SymbolTable())
            isVector = false
        }
    }

    /// Where the piece that begins at `place` ends, so that its text is about `pieceByteCount` long.
    ///
    /// - Complexity: O(labels of the piece).
    package func end(from place: Place) -> Place {
        var left = Self.pieceByteCount
        var step = place.step
        while left > 0 {
            switch step {
            case .head: step = columns.count == 0 && !isList ? .tail : .series(0)
            case .series(let index):
                if index == columns.count {
                    step = .tail
                } else {
                    left -= headByteCount(index)
                    step = .points(index, next: columns.points(index).lowerBound)
                }
            case .points(let index, let next):
                let count = columns.points(index).upperBound - next
                let taken = min(count, left / Self.pointByteCount + 1)
                left -= taken * Self.pointByteCount
                step =
                    taken < count
                    ? .points(index, next: next + taken)
                    : .histograms(index, next: columns.histogramPoints(index).lowerBound)
            case .histograms(let index, let next):
                let upper = columns.histogramPoints(index).upperBound
                if next < upper { left -= byteCount(columns.histograms[next]) }
                step = next + 1 < upper ? .histograms(index, next: next + 1) : .series(index + 1)
            case .tail, .end: return .end
            }
        }
        return Place(step: step)
    }

    /// What the columns take, as the query was charged for them.
    package var byteCount: Int64 { result.memory?.bytesInUse ?? 0 }

    /// Room for the first piece, or for the whole text where it is shorter.
    package var firstPieceByteCount: Int {
        min(JSONWriter.byteCountEstimate(result), Self.pieceByteCount + Self.pieceByteCount / 4)
    }

    /// What `pieceCount` pieces of the text of `result` take at most.
    package static func byteCountMax(_ result: QueryResult, pieces pieceCount: Int) -> Int {
        min(JSONWriter.byteCountEstimate(result), pieceCount * pieceByteCount)
    }

    /// Whether the data are an array of series.
    var isList: Bool {
        switch result.value {
        case .vector, .matrix: true
        case .scalar, .string: false
        }
    }

    private func headByteCount(_ index: Int) -> Int {
        var count = Self.seriesFrameByteCount
        for pair in columns.labels.pairs[columns.labels.range(index)] {
            count +=
                columns.symbols.byteCount(pair.name) + columns.symbols.byteCount(pair.value)
                + Self.labelFrameByteCount
        }
        return count
    }

    private func byteCount(_ histogram: Histogram) -> Int {
        let buckets = histogram.positiveBuckets.count + histogram.negativeBuckets.count
        return Self.seriesFrameByteCount + (buckets + 1) * Self.bucketByteCount
    }
}
