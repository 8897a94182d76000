import TSQBase
import TSQModel

// Columns as the log writes them: a varint count, then the entries. Values are left as eight bytes
// each, for LZ4 over the whole record.

extension ByteWriter {
    mutating func labels(_ labels: LabelSet) {
        uvarint(UInt64(labels.labels.count))
        for label in labels.labels {
            string(label.name)
            string(label.value)
        }
    }

    mutating func newSeries(_ series: [LogRecord.NewSeries]) {
        uvarint(UInt64(series.count))
        for (ref, labels) in series {
            uvarint(UInt64(ref))
            self.labels(labels)
        }
    }

    /// Differences, zigzag.
    mutating func refs(_ refs: [SeriesRef]) {
        uvarint(UInt64(refs.count))
        var previous: Int64 = 0
        for ref in refs {
            varint(Int64(ref.rawValue) - previous)
            previous = Int64(ref.rawValue)
        }
    }

    /// Differences, zigzag, wrapping.
    mutating func times(_ times: [TimestampMs]) {
        uvarint(UInt64(times.count))
        var previous: TimestampMs = 0
        for time in times {
            varint(time &- previous)
            previous = time
        }
    }

    mutating func doubles(_ values: [Double]) {
        uvarint(UInt64(values.count))
        #if _endian(little)
            values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        #else
            for value in values { f64(value) }
        #endif
    }

    mutating func histograms(_ columns: HistogramColumns) {
        times(columns.times)
        times(columns.startTimes)
        for index in 0..<columns.count {
            u8(UInt8(bitPattern: columns.schemas[index]))
            u8(columns.hints[index].rawValue)
        }
        doubles(columns.zeroThresholds)
        doubles(columns.zeroCounts)
        doubles(columns.counts)
        doubles(columns.sums)
        spans(columns.positiveSpans, columns.positiveSpanEnds)
        spans(columns.negativeSpans, columns.negativeSpanEnds)
        parts(columns.positiveBuckets, columns.positiveBucketEnds)
        parts(columns.negativeBuckets, columns.negativeBucketEnds)
        parts(columns.customBounds, columns.customBoundEnds)
    }

    private mutating func spans(_ spans: [HistogramSpan], _ ends: [UInt32]) {
        for end in ends { uvarint(UInt64(end)) }
        for span in spans {
            varint(Int64(span.offset))
            uvarint(UInt64(span.length))
        }
    }

    private mutating func parts(_ values: [Double], _ ends: [UInt32]) {
        for end in ends { uvarint(UInt64(end)) }
        doubles(values)
    }
}

extension ByteReader {
    mutating func labels() throws(ByteReadError) -> LabelSet {
        let count = try count(max: remaining)
        var labels: [Label] = []
        labels.reserveCapacity(count)
        for _ in 0..<count { labels.append(Label(try string(), try string())) }
        return LabelSet(sorted: labels)
    }

    mutating func newSeries() throws(ByteReadError) -> [LogRecord.NewSeries] {
        let count = try count(max: remaining)
        var series: [LogRecord.NewSeries] = []
        series.reserveCapacity(count)
        for _ in 0..<count {
            let ref = UInt32(clamping: try uvarint())
            series.append((ref, try labels()))
        }
        return series
    }

    mutating func refs() throws(ByteReadError) -> [SeriesRef] {
        let count = try count(max: remaining)
        var refs: [SeriesRef] = []
        refs.reserveCapacity(count)
        var previous: Int64 = 0
        while refs.count < count {
            // Mostly each is the next, one byte.
            var steps = 0
            let (start, rest) = (offset, min(count - refs.count, remaining))
            span.extracting(start..<(start + rest)).withUnsafeBytes { raw in
                // Safe because: there is room for `rest` more, and a step writes one.
                refs.append(addingCapacity: rest) { (output: inout OutputSpan<SeriesRef>) in
                    output.withUnsafeMutableBufferPointer { target, count in
                        while steps < rest, raw[steps] < 0x80 {
                            let byte = Int64(raw[steps])
                            previous &+= byte >> 1 ^ -(byte & 1)
                            target.initializeElement(
                                at: count + steps, to: SeriesRef(UInt32(clamping: previous)))
                            steps += 1
                        }
                        count += steps
                    }
                }
            }
            try skip(steps)
            if refs.count == count { break }
            previous &+= try varint()
            refs.append(SeriesRef(UInt32(clamping: previous)))
        }
        return refs
    }

    mutating func times() throws(ByteReadError) -> [TimestampMs] {
        let count = try count(max: remaining)
        var times: [TimestampMs] = []
        times.reserveCapacity(count)
        var previous: TimestampMs = 0
        for _ in 0..<count {
            previous &+= try varint()
            times.append(previous)
        }
        return times
    }

    mutating func doubles() throws(ByteReadError) -> [Double] {
        let count = try count(max: remaining / 8)
        let span = try bytes(count * 8)
        return [Double](unsafeUninitializedCapacity: count) { target, initialized in
            // Safe because: both sides have `count` entries of eight bytes.
            span.withUnsafeBytes { raw in
                for index in 0..<count {
                    let bits = raw.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
                    target.initializeElement(
                        at: index, to: Double(bitPattern: UInt64(littleEndian: bits)))
                }
            }
            initialized = count
        }
    }

    mutating func histograms() throws(ByteReadError) -> HistogramColumns {
        var columns = HistogramColumns()
        columns.times = try times()
        columns.startTimes = try times()
        let count = columns.count
        for _ in 0..<count {
            columns.schemas.append(Int8(bitPattern: try u8()))
            columns.hints.append(CounterResetHint(rawValue: try u8()) ?? .unknown)
        }
        columns.zeroThresholds = try doubles()
        columns.zeroCounts = try doubles()
        columns.counts = try doubles()
        columns.sums = try doubles()
        (columns.positiveSpans, columns.positiveSpanEnds) = try spans(count)
        (columns.negativeSpans, columns.negativeSpanEnds) = try spans(count)
        (columns.positiveBuckets, columns.positiveBucketEnds) = try parts(count)
        (columns.negativeBuckets, columns.negativeBucketEnds) = try parts(count)
        (columns.customBounds, columns.customBoundEnds) = try parts(count)
        guard columns.startTimes.isEmpty || columns.startTimes.count == count,
            columns.zeroThresholds.count == count, columns.zeroCounts.count == count,
            columns.counts.count == count, columns.sums.count == count
        else { throw .truncated(offset: offset, needed: count) }
        return columns
    }

    /// Ascending ends of `count` slices.
    private mutating func ends(_ count: Int) throws(ByteReadError) -> [UInt32] {
        var ends: [UInt32] = []
        ends.reserveCapacity(count)
        for _ in 0..<count {
            let end = try uvarint()
            guard end >= UInt64(ends.last ?? 0), end <= UInt64(span.count) else {
                throw .truncated(offset: offset, needed: count)
            }
            ends.append(UInt32(clamping: end))
        }
        return ends
    }

    private mutating func spans(
        _ count: Int
    ) throws(ByteReadError) -> ([HistogramSpan], [UInt32]) {
        let ends = try ends(count)
        var spans: [HistogramSpan] = []
        for _ in 0..<(ends.last ?? 0) {
            let offset = Int32(clamping: try varint())
            spans.append(HistogramSpan(offset: offset, length: UInt32(clamping: try uvarint())))
        }
        return (spans, ends)
    }

    private mutating func parts(_ count: Int) throws(ByteReadError) -> ([Double], [UInt32]) {
        let ends = try ends(count)
        let values = try doubles()
        guard values.count == Int(ends.last ?? 0) else {
            throw .truncated(offset: offset, needed: count)
        }
        return (values, ends)
    }
}
