import TSQBase

/// Finds the sections of an index file whose footer is damaged: each begins where the one before
/// ends, and their sizes follow from what is in them.
///
/// Only where the table of checksums is whole, and says that everything before it is.
package struct IndexFooterSearch {
    private typealias Section = IndexFormat.Section

    private let raw: UnsafeRawBufferPointer
    /// Where the sections end.
    private let tableOffset: Int
    private var starts: [Int] = []
    private var ends: [Int] = []

    /// A segment with the file's sections and a footer made anew; nil when it cannot be told what the
    /// footer was.
    ///
    /// - Complexity: O(file); a copy of it is held in memory.
    package static func restore(_ bytes: any IndexBytes) -> IndexSegment? {
        guard var search = IndexFooterSearch(bytes.raw) else { return nil }
        return withExtendedLifetime(bytes) { search.segment() }
    }

    private init?(_ raw: UnsafeRawBufferPointer) {
        self.raw = raw
        let headerCount = IndexFormat.headerByteCount
        guard raw.count > headerCount + IndexFormat.footerByteCount,
            raw[..<8].elementsEqual(IndexFormat.magic), raw.u32(8) == IndexFormat.version
        else { return nil }
        let tableEnd = raw.count - IndexFormat.footerByteCount
        let blockCount =
            (tableEnd + IndexFormat.blockByteCount + 3) / (IndexFormat.blockByteCount + 4)
        tableOffset = tableEnd - 4 * blockCount
        guard tableOffset > headerCount, Self.aligned(tableOffset) == tableOffset else {
            return nil
        }
        for block in 0..<blockCount {
            let start = block * IndexFormat.blockByteCount
            let end = min(start + IndexFormat.blockByteCount, tableOffset)
            guard start < end,
                CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[start..<end]).bytes)
                    == raw.u32(tableOffset + 4 * block)
            else { return nil }
        }
    }

    private static func aligned(_ offset: Int) -> Int {
        (offset + IndexFormat.sectionAlignment - 1) & ~(IndexFormat.sectionAlignment - 1)
    }

    /// Adds a section of so many bytes; false when the file has not as many.
    private mutating func add(_ byteCount: Int) -> Bool {
        let start = next
        guard byteCount >= 0, byteCount <= tableOffset - start else { return false }
        starts.append(start)
        ends.append(start + byteCount)
        return true
    }

    /// Where the next section begins.
    private var next: Int { Self.aligned(ends.last ?? IndexFormat.headerByteCount) }

    private mutating func removeSections(from count: Int) {
        starts.removeSubrange(count...)
        ends.removeSubrange(count...)
    }

    private func entry(_ section: Section, _ index: Int) -> Int {
        Int(raw.u32(starts[section.rawValue] + 4 * index))
    }

    /// Adds a table of `count` numbers, and answers the last; nil when they do not ascend.
    private mutating func addEnds(_ count: Int) -> Int? {
        let start = next
        guard count > 0, add(4 * count) else { return nil }
        for index in 1..<max(count, 1)
        where raw.u32(start + 4 * index) <= raw.u32(start + 4 * (index - 1)) {
            return nil
        }
        return Int(raw.u32(start + 4 * (count - 1)))
    }

    private mutating func segment() -> IndexSegment? {
        var nameCount = 1
        while addEnds(nameCount) != nil {
            removeSections(from: 0)
            if let found = segment(nameCount: nameCount) { return found }
            removeSections(from: 0)
            nameCount += 1
        }
        return nil
    }

    private mutating func segment(nameCount: Int) -> IndexSegment? {
        guard let nameBytes = addEnds(nameCount), add(nameBytes),
            let pairCount = addEnds(nameCount), let valueBytes = addEnds(pairCount),
            add(valueBytes)
        else { return nil }
        // Longest first: what follows the table seldom ascends with it.
        for blockCount in stride(from: ascendingCount(at: next), to: 0, by: -1) {
            removeSections(from: Section.seriesBlocks.rawValue)
            if !add(4 * blockCount) { continue }
            if let found = segment(nameCount, pairCount, blockCount) { return found }
        }
        return nil
    }

    /// How many numbers from 0 on ascend at an offset.
    private func ascendingCount(at start: Int) -> Int {
        guard start + 4 <= tableOffset, raw.u32(start) == 0 else { return 0 }
        var count = 1
        while start + 4 * count + 4 <= tableOffset,
            raw.u32(start + 4 * count) > raw.u32(start + 4 * (count - 1))
        {
            count += 1
        }
        return count
    }

    private mutating func segment(
        _ nameCount: Int, _ pairCount: Int, _ blockCount: Int
    ) -> IndexSegment? {
        let start = next
        var offset = start
        for block in 0..<(blockCount - 1) {
            for _ in 0..<IndexFormat.seriesPerBlock {
                guard let end = seriesEnd(offset, pairCount) else { return nil }
                offset = end
            }
            if offset != start + entry(.seriesBlocks, block + 1) { return nil }
        }
        for last in 1...IndexFormat.seriesPerBlock {
            guard let end = seriesEnd(offset, pairCount) else { return nil }
            offset = end
            removeSections(from: Section.series.rawValue)
            let seriesCount = (blockCount - 1) * IndexFormat.seriesPerBlock + last
            if add(offset - start), addRest(pairCount, seriesCount),
                let found = checked(nameCount, pairCount, seriesCount)
            {
                return found
            }
        }
        return nil
    }

    /// The end of the series that begins at an offset.
    private func seriesEnd(_ start: Int, _ pairCount: Int) -> Int? {
        var offset = start
        guard let shared = uvarint(&offset), let count = uvarint(&offset),
            shared <= pairCount, count <= pairCount
        else { return nil }
        for _ in 0..<count {
            guard let handle = uvarint(&offset), handle < pairCount else { return nil }
        }
        return offset
    }

    private func uvarint(_ offset: inout Int) -> Int? {
        var value = 0
        // A handle or a count: five bytes at most.
        for shift in stride(from: 0, to: 35, by: 7) {
            guard offset < tableOffset else { return nil }
            let byte = raw[offset]
            offset += 1
            value |= Int(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }

    /// Adds the sections behind the series; false when they do not fill the file.
    private mutating func addRest(_ pairCount: Int, _ seriesCount: Int) -> Bool {
        let slotCount = IndexFormat.slotCount(seriesCount)
        guard add(4 * seriesCount), add(4 * seriesCount),
            add(IndexSegment.ordinalSlotsOffset(slotCount) + 4 * slotCount),
            add(4 * (pairCount + 1)), entry(.postingsOffsets, 0) == 0,
            add(entry(.postingsOffsets, pairCount))
        else { return false }
        return next == tableOffset
    }

    private func checked(_ nameCount: Int, _ pairCount: Int, _ seriesCount: Int) -> IndexSegment? {
        var bytes = raw[..<(raw.count - IndexFormat.footerByteCount)].map { $0 }
        let table = UnsafeRawBufferPointer(rebasing: raw[tableOffset..<bytes.count])
        bytes += IndexFormat.footer(
            sections: zip(starts, ends).map { $0..<$1 },
            counts: [nameCount, pairCount, seriesCount, IndexFormat.slotCount(seriesCount)],
            checksumsOffset: tableOffset, checksumsChecksum: CRC32C.checksum(table.bytes))
        guard let segment = try? IndexSegment(IndexBuffer(bytes)), (try? segment.verify()) != nil
        else { return nil }
        return segment
    }
}
