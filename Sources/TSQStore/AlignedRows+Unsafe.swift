import CPrefetch
import TSQBase

// What an `AlignedReader` keeps of columns of times and of the head's rows.
extension AlignedReader {
    /// The rows of a column of times that lie within the bounds.
    struct Rows {
        var low = 0
        var high = 0
        /// The newest row up to `newestAtMs`, −1 for none.
        var newest = -1
        /// Of the whole column.
        var count = 0
        /// The first and the last of the times within the bounds.
        var minMs: TimestampMs = 0
        var maxMs: TimestampMs = 0
        /// Of the rows within the bounds (`TimesIdentity`).
        var identity: UInt64 = 0

        init() {}

        init(_ times: [TimestampMs], _ bounds: Bounds) {
            let range = TimeRange.rows(times, fromMs: bounds.fromMs, toMs: bounds.toMs)
            (low, high) = (range.lowerBound, range.upperBound)
            count = times.count
            if low >= high { return }
            let before = TimeRange.firstIndex(times, after: bounds.newestAtMs) - 1
            newest = before >= low ? min(before, high - 1) : -1
            (minMs, maxMs) = (times[low], times[high - 1])
        }
    }

    /// A column of times, as far as it was needed.
    struct TimeRows {
        var times: [TimestampMs] = []
        /// What the rows were worked out for; 0: nothing yet.
        var epoch: UInt32 = 0
        var rows = Rows()
        /// The pattern that began with these rows last: mostly all series that begin so share it.
        var pattern: (id: UInt64, index: Int) = (0, 0)

        /// `source` and `column` say which times these are among all.
        mutating func bound(
            _ bounds: Bounds, _ epoch: UInt32, _ source: UInt64, _ column: UInt64
        ) {
            rows = Rows(times, bounds)
            if rows.low < rows.high {
                rows.identity = TimesIdentity.piece(source, column, rows.low..<rows.high)
            }
            self.epoch = epoch
            pattern = (0, 0)
        }
    }

    /// A row buffer of the head, and what the selection wants of it.
    ///
    /// A column's values lie a row apart: each is in a line of the cache of its own. So the wanted
    /// columns are turned together, row by row, and a series finds its values in one piece.
    struct HeadRows {
        var column = TimeRows()
        let buffer: RowBuffer
        var isPlain = false
        /// The columns of the selection's series that are here, in their order: a part of
        /// `AlignedReader.wantedColumns`.
        var wanted = 0..<0
        /// The wanted columns' values, one column after the other; empty: not turned yet.
        var turned: [Double] = []

        /// What identifies the times: the generation, and the buffer in it.
        let source: UInt64
        let number: UInt64

        init(_ buffer: RowBuffer, number: Int, of generation: HeadGeneration) {
            self.buffer = buffer
            source = ~generation.number
            self.number = UInt64(truncatingIfNeeded: number)
        }

        /// Through spans: rows are shared with other threads, over whose references both would fight.
        mutating func turn(_ columns: [Int32]) {
            let rows = buffer.rows
            let rowCount = rows.count
            let wanted = wanted
            turned = [Double](unsafeUninitializedCapacity: rowCount * wanted.count) { out, count in
                let (rows, columns) = (rows.span, columns.span.extracting(wanted))
                for row in 0..<rowCount {
                    if row + 2 < rowCount { Self.prefetch(rows[row + 2].span, columns) }
                    let values = rows[row].span
                    var place = row
                    for index in 0..<columns.count {
                        out[place] = values[Int(columns[unchecked: index])]
                        place &+= rowCount
                    }
                }
                count = rowCount * wanted.count
            }
        }

        /// Values in a line of the cache.
        private static let lineValues: Int32 = 8

        /// Columns that are neighbours share a line.
        private static func prefetch(_ row: Span<Double>, _ columns: Span<Int32>) {
            row.withUnsafeBufferPointer { values in
                guard let start = values.baseAddress else { return }
                var last = -lineValues
                for place in 0..<columns.count {
                    let column = columns[unchecked: place]
                    if abs(column &- last) < lineValues { continue }
                    last = column
                    tsq_prefetch(start + Int(column))
                }
            }
        }
    }
}
