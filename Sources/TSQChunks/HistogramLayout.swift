import TSQBase

/// A run of histograms with the same schema, threshold, spans and bounds: these once, then the
/// bucket counts.
enum HistogramLayout {
    static let downForm: UInt8 = 0
    static let acrossForm: UInt8 = 1
    static let valuesForm: UInt8 = 2

    /// What a chunk may still announce.
    struct Budget {
        private var spans = ChunkLimits.histogramPartsMax
        private var bounds = ChunkLimits.histogramPartsMax
        private var buckets = ChunkLimits.histogramPartsMax

        enum Part { case spans, bounds, buckets }

        /// `each` parts in each of `length` samples.
        mutating func take(
            _ part: Part, _ each: Int, _ length: Int, _ reader: ChunkReader
        ) throws(ChunkError) {
            let total = each * length
            switch part {
            case .spans: spans -= total
            case .bounds: bounds -= total
            case .buckets: buckets -= total
            }
            if min(spans, bounds, buckets) < 0 { throw .tooLarge(offset: reader.offset) }
        }
    }

    static func isEqual(_ columns: borrowing HistogramColumns, _ a: Int, _ b: Int) -> Bool {
        func slices<T>(_ ends: [UInt32], _ flat: [T]) -> (ArraySlice<T>, ArraySlice<T>) {
            (flat[HistogramColumns.range(ends, a)], flat[HistogramColumns.range(ends, b)])
        }
        func counts(_ ends: [UInt32]) -> Bool {
            HistogramColumns.range(ends, a).count == HistogramColumns.range(ends, b).count
        }
        guard columns.schemas[a] == columns.schemas[b],
            columns.zeroThresholds[a].bitPattern == columns.zeroThresholds[b].bitPattern,
            counts(columns.positiveBucketEnds), counts(columns.negativeBucketEnds)
        else { return false }
        let positive = slices(columns.positiveSpanEnds, columns.positiveSpans)
        let negative = slices(columns.negativeSpanEnds, columns.negativeSpans)
        let bounds = slices(columns.customBoundEnds, columns.customBounds)
        return positive.0 == positive.1 && negative.0 == negative.1
            && bounds.0.elementsEqual(bounds.1) { $0.bitPattern == $1.bitPattern }
    }

    static func encode(
        _ columns: borrowing HistogramColumns, _ range: Range<Int>, into writer: inout ByteWriter,
        _ scratch: inout ChunkScratch
    ) {
        let first = range.lowerBound
        writer.uvarint(UInt64(range.count))
        writer.u8(UInt8(bitPattern: columns.schemas[first]))
        writer.f64(columns.zeroThresholds[first])
        encodeSpans(
            columns.positiveSpans[HistogramColumns.range(columns.positiveSpanEnds, first)],
            into: &writer)
        encodeSpans(
            columns.negativeSpans[HistogramColumns.range(columns.negativeSpanEnds, first)],
            into: &writer)
        let bounds = HistogramColumns.range(columns.customBoundEnds, first)
        writer.uvarint(UInt64(bounds.count))
        if !bounds.isEmpty {
            HistogramChunk.encodeNested(columns.customBounds[bounds], into: &writer, &scratch)
        }
        let positive = bucketRange(columns.positiveBucketEnds, range)
        let negative = bucketRange(columns.negativeBucketEnds, range)
        let (p, q) = (positive.count / range.count, negative.count / range.count)
        writer.uvarint(UInt64(p))
        writer.uvarint(UInt64(q))
        if p + q == 0 { return }
        // Sample by sample, positive then negative.
        scratch.values.removeAll(keepingCapacity: true)
        for sample in 0..<range.count {
            let (i, j) = (positive.lowerBound + sample * p, negative.lowerBound + sample * q)
            scratch.values.append(contentsOf: columns.positiveBuckets[i..<(i + p)])
            scratch.values.append(contentsOf: columns.negativeBuckets[j..<(j + q)])
        }
        encodeBuckets(samples: range.count, buckets: p + q, into: &writer, &scratch)
    }

    private static func encodeSpans(
        _ spans: ArraySlice<HistogramSpan>, into writer: inout ByteWriter
    ) {
        writer.uvarint(UInt64(spans.count))
        for span in spans {
            writer.varint(Int64(span.offset))
            writer.uvarint(UInt64(span.length))
        }
    }

    private static func bucketRange(_ ends: [UInt32], _ samples: Range<Int>) -> Range<Int> {
        let first = HistogramColumns.range(ends, samples.lowerBound)
        let last = HistogramColumns.range(ends, samples.upperBound - 1)
        return first.lowerBound..<last.upperBound
    }

    /// The matrix `scratch.values` of samples × buckets in the form that takes least.
    private static func encodeBuckets(
        samples: Int, buckets: Int, into writer: inout ByteWriter, _ scratch: inout ChunkScratch
    ) {
        let values = scratch.values
        var isWhole = true
        for value in values where DecimalColumn.integer(value, 0) == nil {
            isWhole = false
            break
        }
        if !isWhole {
            writer.u8(valuesForm)
            for bucket in 0..<buckets {
                let column = (0..<samples).map { values[$0 * buckets + bucket] }
                HistogramChunk.encodeNested(column[...], into: &writer, &scratch)
            }
            return
        }
        let whole = values.map { DecimalColumn.integer($0, 0) ?? 0 }
        var down = ByteWriter()
        for bucket in 0..<buckets {
            scratch.ints.ints.removeAll(keepingCapacity: true)
            for sample in 0..<samples { scratch.ints.ints.append(whole[sample * buckets + bucket]) }
            IntColumn.encode(&scratch.ints, into: &down)
        }
        var across = ByteWriter()
        // Long runs are always shorter down the samples.
        if samples < 16 {
            for sample in 0..<samples {
                scratch.ints.ints.removeAll(keepingCapacity: true)
                let start = sample * buckets
                scratch.ints.ints.append(contentsOf: whole[start..<(start + buckets)])
                IntColumn.encode(&scratch.ints, into: &across)
            }
        }
        if samples < 16 && across.count < down.count {
            writer.u8(acrossForm)
            writer.raw(across.bytes)
        } else {
            writer.u8(downForm)
            writer.raw(down.bytes)
        }
    }
}
