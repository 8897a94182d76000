import TSQBase

/// How a segment ended: stands as the first record of the segment behind it, so that a segment that
/// is cut off between two records does not pass for a whole one.
package struct LogSegmentEnd: Sendable, Equatable {
    package var segment: UInt64
    /// Where its last whole record ends.
    package var offset: UInt64
    /// Items of records that begin here or later are counted.
    package var countedFrom: UInt64
    package var itemCount: UInt64
    /// Whether an fsync of all of it has succeeded before this was written.
    package var isDurable: Bool

    package init(
        segment: UInt64, offset: UInt64, countedFrom: UInt64, itemCount: UInt64, isDurable: Bool
    ) {
        self.segment = segment
        self.offset = offset
        self.countedFrom = countedFrom
        self.itemCount = itemCount
        self.isDurable = isDurable
    }

    func encode() -> [UInt8] {
        var writer = ByteWriter()
        for number in [segment, offset, countedFrom, itemCount, isDurable ? 1 : 0] {
            writer.uvarint(number)
        }
        return writer.bytes
    }

    init(_ payload: Span<UInt8>) throws(ByteReadError) {
        var reader = ByteReader(payload)
        segment = try reader.uvarint()
        offset = try reader.uvarint()
        countedFrom = try reader.uvarint()
        itemCount = try reader.uvarint()
        // Older writers did not say it.
        isDurable = (try? reader.uvarint()) == 1
    }
}
