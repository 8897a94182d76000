import TSQBase

extension HistogramLayout {
    /// Appends a run of `length` samples to the layout and bucket columns.
    static func decode(
        _ reader: inout ChunkReader, _ length: Int, _ budget: inout Budget,
        into columns: inout HistogramColumns
    ) throws(ChunkError) {
        let schema = Int8(bitPattern: try reader.u8())
        columns.schemas.append(contentsOf: repeatElement(schema, count: length))
        let threshold = try reader.f64()
        columns.zeroThresholds.append(contentsOf: repeatElement(threshold, count: length))
        let positiveSpans = try decodeSpans(&reader, length, &budget)
        repeated(
            positiveSpans, length, into: &columns.positiveSpans, ends: &columns.positiveSpanEnds)
        let negativeSpans = try decodeSpans(&reader, length, &budget)
        repeated(
            negativeSpans, length, into: &columns.negativeSpans, ends: &columns.negativeSpanEnds)
        var bounds: [Double] = []
        let boundCount = try reader.count(max: ChunkLimits.samplesMax)
        try budget.take(.bounds, boundCount, length, reader)
        if boundCount > 0 {
            try HistogramChunk.decodeNested(&reader, boundCount, into: &bounds)
        }
        repeated(bounds, length, into: &columns.customBounds, ends: &columns.customBoundEnds)
        let positiveCount = try reader.count(max: ChunkLimits.samplesMax)
        let negativeCount = try reader.count(max: ChunkLimits.samplesMax)
        let bucketCount = positiveCount + negativeCount
        try budget.take(.buckets, bucketCount, length, reader)
        let matrix = try decodeBuckets(&reader, samples: length, buckets: bucketCount)
        for sample in 0..<length {
            let start = sample * bucketCount
            let middle = start + positiveCount
            columns.positiveBuckets.append(contentsOf: matrix[start..<middle])
            columns.negativeBuckets.append(contentsOf: matrix[middle..<(start + bucketCount)])
            columns.positiveBucketEnds.append(UInt32(columns.positiveBuckets.count))
            columns.negativeBucketEnds.append(UInt32(columns.negativeBuckets.count))
        }
    }

    private static func repeated<T>(
        _ part: [T], _ length: Int, into flat: inout [T], ends: inout [UInt32]
    ) {
        for _ in 0..<length {
            flat.append(contentsOf: part)
            ends.append(UInt32(flat.count))
        }
    }

    private static func decodeSpans(
        _ reader: inout ChunkReader, _ length: Int, _ budget: inout Budget
    ) throws(ChunkError) -> [HistogramSpan] {
        // Every span takes two bytes at least.
        let count = try reader.count(max: reader.remaining / 2)
        try budget.take(.spans, count, length, reader)
        var spans: [HistogramSpan] = []
        spans.reserveCapacity(count)
        for _ in 0..<count {
            guard let offset = Int32(exactly: try reader.varint()),
                let length = UInt32(exactly: try reader.uvarint())
            else { throw reader.malformed("span beyond 32 bits") }
            spans.append(HistogramSpan(offset: offset, length: length))
        }
        return spans
    }

    /// The bucket counts, sample by sample.
    private static func decodeBuckets(
        _ reader: inout ChunkReader, samples: Int, buckets: Int
    ) throws(ChunkError) -> [Double] {
        if buckets == 0 { return [] }
        let form = try reader.u8()
        // Every column takes two bytes at least, so that the matrix is not much more than its bytes
        // say, times the length of the run.
        let columnCount = form == acrossForm ? samples : buckets
        if columnCount > reader.remaining / 2 { throw .truncated(offset: reader.offset) }
        var matrix = [Double](repeating: 0, count: samples * buckets)
        switch form {
        case downForm:
            var column = [Int64](repeating: 0, count: samples)
            for bucket in 0..<buckets {
                try decodeColumn(&reader, into: &column)
                for sample in 0..<samples {
                    matrix[sample * buckets + bucket] = Double(column[sample])
                }
            }
        case acrossForm:
            var row = [Int64](repeating: 0, count: buckets)
            for sample in 0..<samples {
                try decodeColumn(&reader, into: &row)
                for bucket in 0..<buckets {
                    matrix[sample * buckets + bucket] = Double(row[bucket])
                }
            }
        case valuesForm:
            var column: [Double] = []
            for bucket in 0..<buckets {
                column.removeAll(keepingCapacity: true)
                try HistogramChunk.decodeNested(&reader, samples, into: &column)
                for sample in 0..<samples { matrix[sample * buckets + bucket] = column[sample] }
            }
        default: throw reader.malformed("form \(form) of buckets")
        }
        return matrix
    }

    private static func decodeColumn(
        _ reader: inout ChunkReader, into column: inout [Int64]
    ) throws(ChunkError) {
        var rest = reader
        var failure: ChunkError?
        column.withUnsafeMutableBufferPointer { out in
            do throws(ChunkError) {
                try IntColumn.decode(&rest, into: out)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        reader = rest
    }
}
