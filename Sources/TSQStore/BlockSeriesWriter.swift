import TSQBase
import TSQChunks
import TSQIO

/// Spreads series over the blocks of a cut or merge: one block, or one a range of time.
struct BlockSeriesWriter {
    /// Length of a block's range; nil: everything goes into one block.
    private let rangeMs: Int64?
    private let makeWriter: () throws(IOError) -> BlockWriter
    private var writers: [Int64: BlockWriter] = [:]
    /// Time columns of the series before, by their identity: series that are sampled together come
    /// with the same one.
    private var columnsByID: [UInt64: [UInt32]] = [:]
    private static let columnsMax = 1024
    /// Samples over wide times are spread over at most about this many blocks.
    private static let blocksMax: Int64 = 32

    init(
        minTimeMs: TimestampMs, maxTimeMs: TimestampMs, blockRangeMs: Int64,
        makeWriter: @escaping () throws(IOError) -> BlockWriter
    ) {
        self.makeWriter = makeWriter
        let (span, overflow) = maxTimeMs.subtractingReportingOverflow(minTimeMs)
        if overflow || span > 2 * blockRangeMs {
            var range = blockRangeMs
            while overflow ? range < Int64.max / 8 : span / range > Self.blocksMax { range *= 4 }
            rangeMs = range
        } else {
            rangeMs = nil
        }
    }

    /// The only writer, when there is one range.
    mutating func singleWriter() throws(IOError) -> BlockWriter? {
        rangeMs == nil ? try writer(at: 0) : nil
    }

    private func range(of timeMs: TimestampMs) -> Int64 {
        guard let rangeMs else { return 0 }
        return timeMs >= 0 ? timeMs / rangeMs : (timeMs + 1) / rangeMs - 1
    }

    private mutating func writer(at range: Int64) throws(IOError) -> BlockWriter {
        if let writer = writers[range] { return writer }
        let writer = try makeWriter()
        writers[range] = writer
        return writer
    }

    /// Adds all samples of one series; refs ascend from call to call.
    mutating func add(ref: UInt32, _ columns: borrowing SampleColumns) throws(IOError) {
        let times = columns.times
        if rangeMs == nil, columns.timesID != 0, !times.isEmpty {
            try addShared(ref: ref, columns)
        } else {
            try split(times) { (range, rows, writer) throws(IOError) in
                let column = writer.timeColumn(times.span.extracting(rows))
                try Self.addFloats(ref, column, columns, rows, writer)
            }
        }
        let histograms = columns.histograms
        try split(histograms.times) { (range, rows, writer) throws(IOError) in
            let column = writer.timeColumn(histograms.times.span.extracting(rows))
            try writer.addHistograms(
                ref: ref, timeColumn: column, columns: histograms, range: rows)
        }
    }

    private mutating func addShared(
        ref: UInt32, _ columns: borrowing SampleColumns
    ) throws(IOError) {
        let writer = try writer(at: 0)
        let parts = Self.parts(0..<columns.times.count)
        var known = columnsByID[columns.timesID] ?? []
        if known.isEmpty {
            if columnsByID.count >= Self.columnsMax { columnsByID.removeAll() }
            for rows in parts {
                known.append(writer.timeColumn(columns.times.span.extracting(rows)))
            }
            columnsByID[columns.timesID] = known
        }
        for (index, rows) in parts.enumerated() {
            try Self.addFloats(ref, known[index], columns, rows, writer)
        }
    }

    private static func addFloats(
        _ ref: UInt32, _ column: UInt32, _ columns: borrowing SampleColumns, _ rows: Range<Int>,
        _ writer: BlockWriter
    ) throws(IOError) {
        let values = columns.values
        let starts = columns.startTimes
        if starts.isEmpty {
            try writer.addFloats(
                ref: ref, timeColumn: column, presence: nil, values: values.span.extracting(rows),
                startTimes: nil)
        } else {
            try writer.addFloats(
                ref: ref, timeColumn: column, presence: nil, values: values.span.extracting(rows),
                startTimes: starts.span.extracting(rows))
        }
    }

    /// Calls `body` with every stretch of at most one chunk's samples within one range.
    private mutating func split(
        _ times: [TimestampMs],
        _ body: (Int64, Range<Int>, BlockWriter) throws(IOError) -> Void
    ) throws(IOError) {
        var start = 0
        while start < times.count {
            let range = range(of: times[start])
            var end = times.count
            if self.range(of: times[end - 1]) != range {
                end = start + 1
                while self.range(of: times[end]) == range { end += 1 }
            }
            let writer = try writer(at: range)
            for rows in Self.parts(start..<end) { try body(range, rows, writer) }
            start = end
        }
    }

    /// Cuts rows into chunks of nearly equal length.
    static func parts(_ rows: Range<Int>) -> [Range<Int>] {
        let limit = BlockFormat.chunkSamplesMax
        if rows.count <= limit { return rows.isEmpty ? [] : [rows] }
        let count = (rows.count + limit - 1) / limit
        return (0..<count).map { part in
            let low = rows.lowerBound + rows.count * part / count
            return low..<(rows.lowerBound + rows.count * (part + 1) / count)
        }
    }

    /// Finishes the blocks, in the order of their ranges.
    consuming func finish() throws(IOError) -> [(path: String, footer: BlockFooter, bytes: UInt64)]
    {
        var result: [(path: String, footer: BlockFooter, bytes: UInt64)] = []
        for (_, writer) in writers.sorted(by: { $0.key < $1.key }) {
            let footer = try writer.finish()
            result.append((writer.path, footer, writer.byteCount))
        }
        return result
    }
}
