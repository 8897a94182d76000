import TSQBase
import TSQChunks
import TSQIO
import TSQModel

/// Writes generations of the head as blocks.
struct HeadFlush {
    /// A column of a row buffer, or (`buffer` = `side`) a side buffer.
    private struct Item {
        var ref: UInt32
        var generation: UInt32
        var buffer: UInt32
        var column: UInt32
        static let side = UInt32.max
    }

    private let generations: [HeadGeneration]
    private var output: BlockSeriesWriter
    private var reader: SeriesReader
    private var columns = SampleColumns()
    private var values: [Double] = []
    /// By generation and buffer: the time columns of the buffer's chunks.
    private var timeColumns: [[[UInt32]]]

    init(
        _ generations: [HeadGeneration], blockRangeMs: Int64,
        makeWriter: @escaping () throws(IOError) -> BlockWriter
    ) {
        self.generations = generations
        let filled = generations.filter { !$0.isEmpty }
        output = BlockSeriesWriter(
            minTimeMs: filled.map(\.minTimeMs).min() ?? 0,
            maxTimeMs: filled.map(\.maxTimeMs).max() ?? 0, blockRangeMs: blockRangeMs,
            makeWriter: makeWriter)
        reader = SeriesReader(StoreSnapshot(generations: generations, blocks: []))
        timeColumns = generations.map { $0.buffers.map { _ in [] } }
    }

    /// - Complexity: O(series × log series + samples).
    mutating func write() throws(StoreError) -> [(
        path: String, footer: BlockFooter, bytes: UInt64
    )] {
        let items = items()
        do {
            var start = 0
            while start < items.count {
                var end = start + 1
                while end < items.count, items[end].ref == items[start].ref { end += 1 }
                try write(items[start..<end])
                start = end
            }
            return try output.finish()
        } catch let error as IOError {
            throw .storage(error.message)
        } catch {
            throw .storage("\(error)")
        }
    }

    private func items() -> [Item] {
        var items: [Item] = []
        for (generation, head) in generations.enumerated() {
            for (buffer, rows) in head.buffers.enumerated() {
                items.reserveCapacity(items.count + rows.layout.refs.count)
                for (column, ref) in rows.layout.refs.enumerated() {
                    items.append(
                        Item(
                            ref: ref.rawValue, generation: UInt32(generation),
                            buffer: UInt32(buffer), column: UInt32(column)))
                }
            }
            for side in head.side {
                items.append(
                    Item(
                        ref: side.ref, generation: UInt32(generation), buffer: Item.side, column: 0)
                )
            }
        }
        items.sort { $0.ref < $1.ref }
        return items
    }

    private mutating func write(_ items: ArraySlice<Item>) throws {
        guard let first = items.first else { return }
        if items.count == 1, first.buffer != Item.side,
            generations[Int(first.generation)].buffers[Int(first.buffer)].startTimes.isEmpty,
            let writer = try output.singleWriter()
        {
            try writeRows(first, writer)
            return
        }
        let places = items.filter { $0.buffer != Item.side }.map {
            SeriesReader.Place(
                generation: Int($0.generation), buffer: Int($0.buffer), column: Int($0.column))
        }
        columns.removeAll()
        try reader.read(first.ref, places, fromMs: .min, toMs: .max, into: &columns)
        if !columns.isEmpty { try output.add(ref: first.ref, columns) }
    }

    /// The common case: one column of rows, straight into chunks that share the rows' times.
    private mutating func writeRows(_ item: Item, _ writer: BlockWriter) throws {
        let (generation, buffer) = (Int(item.generation), Int(item.buffer))
        let rows = generations[generation].buffers[buffer]
        let parts = BlockSeriesWriter.parts(0..<rows.times.count)
        if timeColumns[generation][buffer].isEmpty {
            timeColumns[generation][buffer] = parts.map {
                writer.timeColumn(rows.times.span.extracting($0))
            }
        }
        let column = Int(item.column)
        for (index, part) in parts.enumerated() {
            values.removeAll(keepingCapacity: true)
            var presence: PresenceBitmap?
            if rows.isComplete {
                for row in part { values.append(rows.rows[row][column]) }
            } else {
                var present = PresenceBitmap(rowCount: part.count)
                for row in part where column < rows.rows[row].count {
                    let value = rows.rows[row][column]
                    if value.bitPattern == RowLayout.absentBits { continue }
                    values.append(value)
                    present[row - part.lowerBound] = true
                }
                if values.count < part.count { presence = present }
            }
            if values.isEmpty { continue }
            try writer.addFloats(
                ref: item.ref, timeColumn: timeColumns[generation][buffer][index],
                presence: presence, values: values.span, startTimes: nil)
        }
    }
}
