import TSQBase
import TSQModel

/// The payloads of the log's records (docs/format/log.md).
enum LogRecord {
    enum Kind: UInt8 {
        /// New series: refs and labels.
        case series = 1
        /// The series of a group's rows; stands in every segment before the first row of it.
        case layout = 2
        /// A commit.
        case batch = 3
    }

    /// Samples of one batch: its record stays below the log's limit whatever they are.
    static let batchSamplesMax = 2_000_000

    static func encode(series: [(ref: UInt32, labels: LabelSet)]) -> [UInt8] {
        var writer = ByteWriter(reserving: series.count * 96)
        writer.uvarint(UInt64(series.count))
        for (ref, labels) in series {
            writer.uvarint(UInt64(ref))
            writer.labels(labels)
        }
        return writer.bytes
    }

    static func decodeSeries(
        _ payload: Span<UInt8>
    ) throws(ByteReadError) -> [(ref: UInt32, labels: LabelSet)] {
        var reader = ByteReader(payload)
        let count = try reader.count(max: payload.count)
        var series: [(ref: UInt32, labels: LabelSet)] = []
        series.reserveCapacity(count)
        for _ in 0..<count {
            let ref = UInt32(clamping: try reader.uvarint())
            series.append((ref, try reader.labels()))
        }
        return series
    }

    static func encode(layout: RowLayout) -> [UInt8] {
        var writer = ByteWriter(reserving: layout.refs.count * 2 + 16)
        writer.uvarint(UInt64(layout.id))
        writer.uvarint(UInt64(layout.group))
        writer.refs(layout.refs)
        return writer.bytes
    }

    static func decodeLayout(_ payload: Span<UInt8>) throws(ByteReadError) -> RowLayout {
        var reader = ByteReader(payload)
        let id = UInt32(clamping: try reader.uvarint())
        let group = UInt32(clamping: try reader.uvarint())
        return RowLayout(id: id, group: group, refs: try reader.refs())
    }

    /// Overwrites `writer` by the payload of a commit.
    static func encode(_ batch: borrowing AcceptedBatch, into writer: inout ByteWriter) {
        writer.bytes.removeAll(keepingCapacity: true)
        writer.u8(originByte(batch.origin))
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

    /// - Parameter layout: the layout of an id that the segment has given.
    static func decodeBatch(
        _ payload: Span<UInt8>, layout: (UInt32) -> RowLayout?
    ) throws(ByteReadError) -> AcceptedBatch {
        var reader = ByteReader(payload)
        var batch = AcceptedBatch()
        batch.origin = origin(try reader.u8())
        let layoutID = try reader.uvarint()
        if layoutID > 0 {
            batch.rowTimeMs = try reader.i64()
            batch.rowValues = try reader.doubles()
            batch.rowStartTimes = try reader.times()
            // Without its layout (lost with a damaged record) a row means nothing.
            batch.rowLayout = layout(UInt32(clamping: layoutID - 1))
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
        for _ in 0..<(try reader.count(max: payload.count)) {
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
        return batch
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
