import TSQBase
import TSQModel

/// The payloads of the log's records (docs/format/log.md).
enum LogRecord {
    enum Kind: UInt8 {
        /// New series, when there are more than a commit takes with it.
        case series = 1
        /// A commit: series that are new with it, the layout of its row when it is the first of it
        /// in the segment, and the samples. One record, so that it is there as a whole or not.
        case commit = 3
    }

    /// Samples of one batch: its record stays below the log's limit whatever they are.
    static let batchSamplesMax = 2_000_000

    typealias NewSeries = (ref: UInt32, labels: LabelSet)

    static func encode(series: [NewSeries]) -> [UInt8] {
        var writer = ByteWriter(reserving: series.count * 96)
        writer.newSeries(series)
        return writer.bytes
    }

    static func decodeSeries(_ payload: Span<UInt8>) throws(ByteReadError) -> [NewSeries] {
        var reader = ByteReader(payload)
        return try reader.newSeries()
    }

    private static let seriesFlag: UInt8 = 0x10
    private static let layoutFlag: UInt8 = 0x20

    /// Overwrites `writer` by the payload of a commit.
    static func encode(
        _ batch: borrowing AcceptedBatch, series: [NewSeries], withLayout: Bool,
        into writer: inout ByteWriter
    ) {
        writer.bytes.removeAll(keepingCapacity: true)
        var first = originByte(batch.origin)
        if !series.isEmpty { first |= seriesFlag }
        if withLayout { first |= layoutFlag }
        writer.u8(first)
        if !series.isEmpty { writer.newSeries(series) }
        if withLayout, let layout = batch.rowLayout {
            writer.uvarint(UInt64(layout.id))
            writer.uvarint(UInt64(layout.group))
            writer.refs(layout.refs)
        }
        if let layout = batch.rowLayout {
            writer.uvarint(UInt64(layout.id) + 1)
            writer.i64(batch.rowTimeMs)
            writer.doubles(batch.rowValues)
            writer.times(batch.rowStartTimes)
        } else {
            writer.uvarint(0)
        }
        writer.refs(batch.loose.refs)
        if batch.loose.count > 0 {
            writer.times(batch.loose.times)
            writer.doubles(batch.loose.values)
            writer.times(batch.loose.startTimes)
        }
        writer.refs(batch.histogramRefs)
        if !batch.histogramRefs.isEmpty { writer.histograms(batch.histograms) }
        writer.uvarint(UInt64(batch.exemplars.count))
        for (ref, exemplar) in batch.exemplars {
            writer.uvarint(UInt64(ref.rawValue))
            writer.labels(exemplar.labels)
            writer.f64(exemplar.value)
            writer.u8(exemplar.timeMs == nil ? 0 : 1)
            if let timeMs = exemplar.timeMs { writer.i64(timeMs) }
        }
    }

    /// Reads a commit. Its layout is added to `layouts`, where its row's layout is looked up.
    ///
    /// - Parameter layoutOnly: reads no further than the layout; for records before the place from
    ///   which a log is read.
    static func decodeCommit(
        _ payload: Span<UInt8>, layouts: inout [UInt32: RowLayout], layoutOnly: Bool = false
    ) throws(ByteReadError) -> (series: [NewSeries], batch: AcceptedBatch) {
        var reader = ByteReader(payload)
        var batch = AcceptedBatch()
        let first = try reader.u8()
        batch.origin = origin(first & 0xF)
        let series = first & seriesFlag == 0 ? [] : try reader.newSeries()
        if first & layoutFlag != 0 {
            let id = UInt32(clamping: try reader.uvarint())
            let group = UInt32(clamping: try reader.uvarint())
            layouts[id] = RowLayout(id: id, group: group, refs: try reader.refs())
        }
        if !layoutOnly { try decode(&reader, into: &batch, layouts) }
        return (series, batch)
    }

    private static func decode(
        _ reader: inout ByteReader, into batch: inout AcceptedBatch,
        _ layouts: [UInt32: RowLayout]
    ) throws(ByteReadError) {
        let layoutID = try reader.uvarint()
        if layoutID > 0 {
            batch.rowTimeMs = try reader.i64()
            batch.rowValues = try reader.doubles()
            batch.rowStartTimes = try reader.times()
            // Without its layout (lost with a damaged record) a row means nothing.
            batch.rowLayout = layouts[UInt32(clamping: layoutID - 1)]
            batch.rowPresentCount = batch.rowValues.reduce(0) {
                $0 + ($1.bitPattern == RowLayout.absentBits ? 0 : 1)
            }
        }
        batch.loose.refs = try reader.refs()
        if batch.loose.count > 0 {
            batch.loose.times = try reader.times()
            batch.loose.values = try reader.doubles()
            batch.loose.startTimes = try reader.times()
        }
        batch.histogramRefs = try reader.refs()
        if !batch.histogramRefs.isEmpty { batch.histograms = try reader.histograms() }
        for _ in 0..<(try reader.count(max: reader.remaining)) {
            let ref = SeriesRef(UInt32(clamping: try reader.uvarint()))
            let labels = try reader.labels()
            let value = try reader.f64()
            let timeMs = try reader.u8() == 0 ? nil : try reader.i64()
            batch.exemplars.append(
                (ref, Exemplar(labels: labels, value: value, timeMs: timeMs)))
        }
        let (loose, rows) = (batch.loose, batch.rowValues.count)
        guard loose.times.count == loose.count, loose.values.count == loose.count,
            loose.startTimes.isEmpty || loose.startTimes.count == loose.count,
            batch.rowStartTimes.isEmpty || batch.rowStartTimes.count == rows,
            batch.rowLayout.map({ rows <= $0.refs.count }) ?? true,
            batch.histograms.count == batch.histogramRefs.count
        else { throw .truncated(offset: reader.offset, needed: 0) }
    }

    private static func originByte(_ origin: WriteOrigin) -> UInt8 {
        switch origin {
        case .scrape: 0
        case .timestamped: 1
        case .backfill(let overwrite): overwrite ? 3 : 2
        }
    }

    private static func origin(_ byte: UInt8) -> WriteOrigin {
        switch byte {
        case 1: .timestamped
        case 2: .backfill(overwrite: false)
        case 3: .backfill(overwrite: true)
        default: .scrape
        }
    }
}
