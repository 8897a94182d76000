/// The numbers of docs/format/index.md that writer and reader share.
enum IndexFormat {
    static let magic: [UInt8] = Array("TSQINDEX".utf8)
    static let version: UInt32 = 1
    static let headerByteCount = 16
    static let footerByteCount = 232
    static let blockByteCount = 1 << 16
    static let sectionAlignment = 8
    static let seriesPerBlock = 16
    static let postingsPerBlock = 128

    enum Section: Int, CaseIterable {
        case nameEnds, nameBytes, namePairEnds, valueEnds, valueBytes
        case seriesBlocks, series, refs, ordinalsByRef, hashSlots
        case postingsOffsets, postings
    }

    enum FooterOffset {
        static let nameCount = 192
        static let pairCount = 196
        static let seriesCount = 200
        static let slotCount = 204
        static let checksumsOffset = 208
        static let checksumsChecksum = 216
        static let footerChecksum = 220
        static let magic = 224
    }

    /// Four slots for three series.
    static func slotCount(_ seriesCount: Int) -> Int { seriesCount + seriesCount / 3 + 1 }

    @inline(__always)
    static func firstSlot(_ hash: UInt64, _ slotCount: Int) -> Int {
        Int(((hash >> 32) &* UInt64(slotCount)) >> 32)
    }
}
