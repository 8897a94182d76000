import TSQBase

/// Which rows of a shared time column a series has.
package struct PresenceBitmap: Sendable, Equatable {
    package let rowCount: Int
    package private(set) var words: [UInt64]

    /// No row is present.
    package init(rowCount: Int) {
        precondition(
            rowCount >= 0 && rowCount <= ChunkLimits.samplesMax, "BUG: \(rowCount) rows in a bitmap"
        )
        self.rowCount = rowCount
        words = [UInt64](repeating: 0, count: (rowCount + 63) / 64)
    }

    /// The number of rows that are present.
    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    package subscript(row: Int) -> Bool {
        get { words[row >> 6] >> UInt64(row & 63) & 1 == 1 }
        set {
            precondition(row >= 0 && row < rowCount, "BUG: row \(row) of \(rowCount)")
            let bit: UInt64 = 1 << UInt64(row & 63)
            if newValue { words[row >> 6] |= bit } else { words[row >> 6] &= ~bit }
        }
    }

    /// Appends the times of the rows that are present to `result`; `times` is the shared column.
    package func select(_ times: Span<TimestampMs>, into result: inout [TimestampMs]) {
        precondition(
            times.count == rowCount, "BUG: \(times.count) times for \(rowCount) rows of a bitmap")
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                result.append(times[index << 6 + rest.trailingZeroBitCount])
                rest &= rest &- 1
            }
        }
    }

    private enum Kind {
        static let all: UInt8 = 0
        static let runs: UInt8 = 1
        static let bits: UInt8 = 2
    }

    /// Appends the smaller of runs and plain bits.
    package func encode(into writer: inout ByteWriter) {
        if count == rowCount {
            writer.u8(Kind.all)
            writer.uvarint(UInt64(rowCount))
            return
        }
        let bitByteCount = (rowCount + 7) / 8
        var runs = ByteWriter()
        var row = 0
        var present = true
        while row < rowCount, runs.count < bitByteCount {
            let start = row
            while row < rowCount, self[row] == present { row += 1 }
            runs.uvarint(UInt64(row - start))
            present.toggle()
        }
        let isComplete = row == rowCount && runs.count < bitByteCount
        writer.u8(isComplete ? Kind.runs : Kind.bits)
        writer.uvarint(UInt64(rowCount))
        if isComplete {
            writer.raw(runs.bytes)
        } else {
            for index in 0..<bitByteCount {
                let word = words[index >> 3] >> UInt64(8 * (index & 7))
                writer.u8(UInt8(truncatingIfNeeded: word))
            }
        }
    }

    /// Reads what `encode` wrote (all of `bytes`, nothing after it).
    package static func decode(_ bytes: Span<UInt8>) throws(ChunkError) -> PresenceBitmap {
        try bytes.withUnsafeBytes { raw throws(ChunkError) in
            var reader = ChunkReader(raw)
            let kind = try reader.u8()
            var result = PresenceBitmap(rowCount: try reader.count(max: ChunkLimits.samplesMax))
            switch kind {
            case Kind.all: result.fill(0..<result.rowCount)
            case Kind.runs: try result.readRuns(&reader)
            case Kind.bits: try result.readBits(&reader)
            default: throw .malformed(offset: 0, reason: "presence kind \(kind)")
            }
            try reader.expectEnd()
            return result
        }
    }

    private mutating func fill(_ rows: Range<Int>) {
        for row in rows { words[row >> 6] |= 1 << UInt64(row & 63) }
    }

    private mutating func readRuns(_ reader: inout ChunkReader) throws(ChunkError) {
        var row = 0
        var present = true
        while row < rowCount {
            let length = try reader.count(max: rowCount - row)
            if length == 0 && (row > 0 || !present) { throw reader.malformed("empty run") }
            if present { fill(row..<(row + length)) }
            row += length
            present.toggle()
        }
    }

    private mutating func readBits(_ reader: inout ChunkReader) throws(ChunkError) {
        for (index, byte) in try reader.bytes((rowCount + 7) / 8).enumerated() {
            words[index >> 3] |= UInt64(byte) << UInt64(8 * (index & 7))
        }
        if rowCount & 63 != 0, words[words.count - 1] >> UInt64(rowCount & 63) != 0 {
            throw reader.malformed("bits beyond the last row")
        }
    }
}
