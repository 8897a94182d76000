import TSQBase

/// Native histograms of one series as bytes, all but their times: those are a `TimeChunk`, which may
/// be shared.
package enum HistogramChunk {
    static let startTimesFlag: UInt8 = 0x01

    /// Appends the encoding of the samples `range` of `columns` (at most `ChunkLimits.samplesMax`),
    /// start times included where there are some, times not.
    ///
    /// Buckets, spans and bounds of all samples together, each, are at most
    /// `ChunkLimits.histogramPartsMax`.
    package static func encode(
        _ columns: borrowing HistogramColumns, _ range: Range<Int>, into writer: inout ByteWriter,
        scratch: inout ChunkScratch
    ) {
        precondition(
            range.count <= ChunkLimits.samplesMax, "BUG: \(range.count) histograms in a chunk")
        writer.uvarint(UInt64(range.count))
        if range.isEmpty { return }
        let hasStartTimes = !columns.startTimes.isEmpty
        writer.u8(hasStartTimes ? startTimesFlag : 0)
        if hasStartTimes {
            scratch.ints.ints.removeAll(keepingCapacity: true)
            scratch.ints.ints.append(contentsOf: columns.startTimes[range])
            IntColumn.encode(&scratch.ints, into: &writer)
        }
        encodeHints(columns.hints, range, into: &writer)
        for column in [columns.zeroCounts, columns.counts, columns.sums] {
            encodeNested(column[range], into: &writer, &scratch)
        }
        var start = range.lowerBound
        while start < range.upperBound {
            var end = start + 1
            while end < range.upperBound, HistogramLayout.isEqual(columns, start, end) { end += 1 }
            HistogramLayout.encode(columns, start..<end, into: &writer, &scratch)
            start = end
        }
    }

    private static func encodeHints(
        _ hints: [CounterResetHint], _ range: Range<Int>, into writer: inout ByteWriter
    ) {
        var start = range.lowerBound
        while start < range.upperBound {
            var end = start + 1
            while end < range.upperBound, hints[end] == hints[start] { end += 1 }
            writer.u8(hints[start].rawValue)
            writer.uvarint(UInt64(end - start))
            start = end
        }
    }

    /// A value chunk after its byte count.
    static func encodeNested(
        _ values: ArraySlice<Double>, into writer: inout ByteWriter, _ scratch: inout ChunkScratch
    ) {
        var nested = ByteWriter()
        ValueChunk.encode(values.span, into: &nested, scratch: &scratch)
        writer.uvarint(UInt64(nested.count))
        writer.raw(nested.bytes)
    }

    /// Appends all columns but `times` to `columns`; the caller appends as many times.
    ///
    /// - Throws: `ChunkError` on any bytes that no encoder writes; `columns` may then have been
    ///   extended unevenly and is good for nothing but `removeAll`.
    package static func decode(
        _ bytes: Span<UInt8>, into columns: inout HistogramColumns
    ) throws(ChunkError) {
        try bytes.withUnsafeBytes { raw throws(ChunkError) in
            var reader = ChunkReader(raw)
            try decode(&reader, into: &columns)
            try reader.expectEnd()
        }
    }

    private static func decode(
        _ reader: inout ChunkReader, into columns: inout HistogramColumns
    ) throws(ChunkError) {
        let count = try reader.count(max: ChunkLimits.samplesMax)
        if count == 0 { return }
        let before = columns.schemas.count
        let flags = try reader.u8()
        if flags & ~startTimesFlag != 0 { throw reader.malformed("flags \(flags)") }
        if flags & startTimesFlag != 0 {
            // Earlier chunks without start times: unknown.
            let missing = before - columns.startTimes.count
            columns.startTimes.append(contentsOf: repeatElement(0, count: max(0, missing)))
            try columns.startTimes.extend(by: count, filler: 0) { out throws(ChunkError) in
                try IntColumn.decode(&reader, into: out)
            }
        } else if !columns.startTimes.isEmpty {
            columns.startTimes.append(contentsOf: repeatElement(0, count: count))
        }
        try decodeHints(&reader, count, into: &columns.hints)
        try decodeNested(&reader, count, into: &columns.zeroCounts)
        try decodeNested(&reader, count, into: &columns.counts)
        try decodeNested(&reader, count, into: &columns.sums)
        var budget = HistogramLayout.Budget()
        var done = 0
        while done < count {
            let length = try reader.count(max: count - done)
            if length == 0 { throw reader.malformed("empty layout run") }
            try HistogramLayout.decode(&reader, length, &budget, into: &columns)
            done += length
        }
    }

    private static func decodeHints(
        _ reader: inout ChunkReader, _ count: Int, into hints: inout [CounterResetHint]
    ) throws(ChunkError) {
        var done = 0
        while done < count {
            guard let hint = CounterResetHint(rawValue: try reader.u8()) else {
                throw reader.malformed("unknown hint")
            }
            let length = try reader.count(max: count - done)
            if length == 0 { throw reader.malformed("empty run of hints") }
            hints.append(contentsOf: repeatElement(hint, count: length))
            done += length
        }
    }

    static func decodeNested(
        _ reader: inout ChunkReader, _ count: Int, into values: inout [Double]
    ) throws(ChunkError) {
        var nested = try reader.nested()
        let start = nested
        guard try ValueChunk.head(&nested).count == count else {
            throw reader.malformed("column of another count")
        }
        nested = start
        try ValueChunk.decode(&nested, into: &values)
    }

    /// How many histograms the chunk has, from its head alone.
    package static func count(_ bytes: Span<UInt8>) throws(ChunkError) -> Int {
        try bytes.withUnsafeBytes { raw throws(ChunkError) in
            var reader = ChunkReader(raw)
            return try reader.count(max: ChunkLimits.samplesMax)
        }
    }
}
