import TSQBase
import TSQChunks
import TSQModel

/// Rows of samples of one group of series: one time column, one row of values a time.
///
/// - Shape: rows × columns of `layout`; a row may be shorter than the layout (columns that came
///   later). Cells without a sample have `RowLayout.absentBits`.
struct RowBuffer: Sendable {
    var layout: RowLayout
    private(set) var times: [TimestampMs] = []
    private(set) var rows: [[Double]] = []
    /// Empty, or one entry a row; an entry is empty or has the row's count.
    private(set) var startTimes: [[TimestampMs]] = []
    /// Whether every row has every column.
    private(set) var isComplete = true

    init(layout: RowLayout) { self.layout = layout }

    var lastTimeMs: TimestampMs { times.last ?? .min }

    mutating func append(
        timeMs: TimestampMs, values: [Double], startTimes starts: [TimestampMs], hasGaps: Bool
    ) {
        precondition(timeMs > lastTimeMs, "BUG: rows of a group go back in time")
        if values.count != layout.refs.count || hasGaps { isComplete = false }
        if let first = rows.first, first.count != values.count { isComplete = false }
        if !starts.isEmpty && startTimes.isEmpty {
            startTimes = [[TimestampMs]](repeating: [], count: rows.count)
        }
        if !starts.isEmpty || !startTimes.isEmpty { startTimes.append(starts) }
        times.append(timeMs)
        rows.append(values)
    }

    /// Appends the samples of `column` in the rows `range` to `columns`; answers whether every row
    /// had one.
    @discardableResult
    func read(column: Int, _ range: Range<Int>, into columns: inout SampleColumns) -> Bool {
        if !startTimes.isEmpty || !columns.startTimes.isEmpty {
            return readWithStartTimes(column: column, range, into: &columns)
        }
        if isComplete {
            columns.times.append(contentsOf: times[range])
            for row in range { columns.values.append(rows[row][column]) }
            return true
        }
        var complete = true
        for row in range {
            guard column < rows[row].count,
                rows[row][column].bitPattern != RowLayout.absentBits
            else {
                complete = false
                continue
            }
            columns.times.append(times[row])
            columns.values.append(rows[row][column])
        }
        return complete
    }

    private func readWithStartTimes(
        column: Int, _ range: Range<Int>, into columns: inout SampleColumns
    ) -> Bool {
        var complete = true
        for row in range {
            guard column < rows[row].count,
                rows[row][column].bitPattern != RowLayout.absentBits
            else {
                complete = false
                continue
            }
            let starts = startTimes.isEmpty ? [] : startTimes[row]
            columns.appendFloat(
                times[row], rows[row][column], startTimeMs: starts.isEmpty ? 0 : starts[column])
        }
        return complete
    }

    /// Whether `column` has a sample in the rows `range`.
    func hasSample(column: Int, _ range: Range<Int>) -> Bool {
        if isComplete { return !range.isEmpty }
        return range.contains {
            column < rows[$0].count && rows[$0][column].bitPattern != RowLayout.absentBits
        }
    }
}
