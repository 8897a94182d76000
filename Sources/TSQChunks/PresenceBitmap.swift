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
        preconditionFailure("BUG: not built yet")
    }

    /// Appends the smaller of runs and plain bits.
    package func encode(into writer: inout ByteWriter) {
        preconditionFailure("BUG: not built yet")
    }

    /// Reads what `encode` wrote (all of `bytes`, nothing after it).
    package static func decode(_ bytes: Span<UInt8>) throws(ChunkError) -> PresenceBitmap {
        preconditionFailure("BUG: not built yet")
    }
}
