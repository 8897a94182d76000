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

    /// Overwrites `writer` by the payload of a commit, its row as the difference to `base`.
    static func encode(
        _ batch: borrowing AcceptedBatch, series: [NewSeries], withLayout: Bool,
        base: LogRows.Base?, into writer: inout ByteWriter
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
            writer.uvarint(
                base.map { UInt64(bitPattern: batch.rowTimeMs &- $0.timeMs) } ?? 0)
            LogRow.encode(batch.rowValues, base: base?.values ?? [], into: &writer)
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
        for (ref, exemplar) in batch.exemplars { writer.exemplar(ref, exemplar) }
    }

    /// Reads a commit. Its layout is added to `rows`, where its row's layout and base are looked up.
    ///
    /// A row without its layout or base, which a damaged record took along, is left out: then
    /// `rowLayout` is nil, and `rowPresentCount` says how many samples it had at most.
    ///
    /// - Parameter layoutOnly: reads no further than the layout; for records before the place from
    ///   which a log is read, where rows refer to nothing before it.
    static func decodeCommit(
        _ payload: Span<UInt8>, rows: inout LogRows, layoutOnly: Bool = false
    ) throws(ByteReadError) -> (series: [NewSeries], batch: AcceptedBatch) {
        var reader = ByteReader(payload)
        var batch = AcceptedBatch()
        let first = try reader.u8()
        batch.origin = origin(first & 0xF)
        let series = first & seriesFlag == 0 ? [] : try reader.newSeries()
        if first & layoutFlag != 0 {
            let id = UInt32(clamping: try reader.uvarint())
            let group = UInt32(clamping: try reader.uvarint())
            rows.layouts[id] = RowLayout(id: id, group: group, refs: try reader.refs())
        }
        if !layoutOnly { try decode(&reader, into: &batch, &rows) }
        return (series, batch)
    }

    private static func decode(
        _ reader: inout ByteReader, into batch: inout AcceptedBatch, _ rows: inout LogRows
    ) throws(ByteReadError) {
        let layoutID = try reader.uvarint()
        if layoutID > 0 {
            try decodeRow(&reader, into: &batch, &rows, UInt32(clamping: layoutID - 1))
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
            batch.exemplars.append(try reader.exemplar())
        }
        let loose = batch.loose
        guard loose.times.count == loose.count, loose.values.count == loose.count,
            loose.startTimes.isEmpty || loose.startTimes.count == loose.count,
            batch.histograms.count == batch.histogramRefs.count
        else { throw .truncated(offset: reader.offset, needed: 0) }
    }

    private static func decodeRow(
        _ reader: inout ByteReader, into batch: inout AcceptedBatch, _ rows: inout LogRows,
        _ layoutID: UInt32
    ) throws(ByteReadError) {
        batch.rowTimeMs = try reader.i64()
        let back = Int64(bitPattern: try reader.uvarint())
        let layout = rows.layouts[layoutID]
        let base = layout.flatMap { rows.base(of: $0.group, at: batch.rowTimeMs &- back) }
        let isKnown = layout != nil && (back == 0 || base != nil)
        let (count, values) = try LogRow.decode(
            &reader, base: isKnown ? (back == 0 ? [] : base?.values) : nil)
        let startTimes = try reader.times()
        guard startTimes.isEmpty || startTimes.count == count,
            layout.map({ count <= $0.refs.count }) ?? true
        else { throw .truncated(offset: reader.offset, needed: 0) }
        guard let layout, isKnown else {
            batch.rowPresentCount = count
            return
        }
        batch.rowLayout = layout
        batch.rowValues = values
        batch.rowStartTimes = startTimes
        var absent = 0
        // Without checks the loop vectorises.
        for value in values { absent &+= value.bitPattern == RowLayout.absentBits ? 1 : 0 }
        batch.rowPresentCount = values.count - absent
        rows.note(
            layout.group, timeMs: batch.rowTimeMs, values: values, after: back == 0 ? nil : base)
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
