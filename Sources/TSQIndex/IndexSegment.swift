import Synchronization
import TSQBase
import TSQModel

/// An immutable index file (docs/format/index.md), opened without reading more than its ends.
///
/// Ordinals are numbered in label order, so every sorted list of ordinals is in label order. Blocks
/// of 64 KiB are checked against their checksums when they are first touched. Safe from any thread.
package final class IndexSegment: Sendable {
    package let bytes: any IndexBytes
    // Safe to send because: the bytes never change and live as long as `bytes`.
    nonisolated(unsafe) let raw: UnsafeRawBufferPointer

    let sections: [Range<Int>]
    let nameCount: Int
    let pairCount: Int
    package let seriesCount: Int
    let slotCount: Int
    private let checkedByteCount: Int
    private let checksums: [UInt32]
    /// A bit for each block that was found right.
    private let checked: CheckedBlocks
    /// And for each that was found damaged: what is in it is asked for once for every series.
    private let damaged: CheckedBlocks

    /// Reads and checks header, footer and the table of checksums.
    ///
    /// - Complexity: O(file / 64 KiB), four bytes for each.
    package init(_ bytes: any IndexBytes) throws(IndexError) {
        self.bytes = bytes
        let raw = bytes.raw
        self.raw = raw
        let footer = try Self.footer(raw)
        func u32(_ offset: Int) -> Int { Int(footer.u32(offset)) }
        nameCount = u32(IndexFormat.FooterOffset.nameCount)
        pairCount = u32(IndexFormat.FooterOffset.pairCount)
        seriesCount = u32(IndexFormat.FooterOffset.seriesCount)
        slotCount = u32(IndexFormat.FooterOffset.slotCount)
        let tableEnd = raw.count - IndexFormat.footerByteCount
        let table = footer.u64(IndexFormat.FooterOffset.checksumsOffset)
        guard table >= UInt64(IndexFormat.headerByteCount), table <= UInt64(tableEnd) else {
            throw .malformed(offset: tableEnd, reason: "checksum table beyond the file")
        }
        let tableOffset = Int(table)
        let blockCount =
            (tableOffset + IndexFormat.blockByteCount - 1) / IndexFormat.blockByteCount
        guard tableEnd - tableOffset == blockCount * 4 else {
            throw .malformed(offset: tableOffset, reason: "checksum table of another size")
        }
        let tableBytes = UnsafeRawBufferPointer(rebasing: raw[tableOffset..<tableEnd])
        guard
            CRC32C.checksum(tableBytes.bytes)
                == footer.u32(IndexFormat.FooterOffset.checksumsChecksum)
        else { throw .checksum(offset: tableOffset) }
        checksums = (0..<blockCount).map { tableBytes.u32($0 * 4) }
        checkedByteCount = tableOffset
        checked = CheckedBlocks(blockCount)
        damaged = CheckedBlocks(blockCount)
        var sections: [Range<Int>] = []
        var end = UInt64(IndexFormat.headerByteCount)
        for section in IndexFormat.Section.allCases {
            let start = footer.u64(section.rawValue * 16)
            let byteCount = footer.u64(section.rawValue * 16 + 8)
            guard start >= end, start <= table, byteCount <= table - start else {
                throw .malformed(offset: tableEnd, reason: "section \(section) out of order")
            }
            end = start + byteCount
            sections.append(Int(start)..<Int(end))
        }
        self.sections = sections
        try checkSectionSizes()
    }

    /// The footer's bytes, after its checksum and the magic at both ends.
    private static func footer(
        _ raw: UnsafeRawBufferPointer
    ) throws(IndexError) -> UnsafeRawBufferPointer {
        guard raw.count >= IndexFormat.headerByteCount + IndexFormat.footerByteCount else {
            throw .notAnIndex("\(raw.count) bytes are too few")
        }
        let footerOffset = raw.count - IndexFormat.footerByteCount
        let footer = UnsafeRawBufferPointer(rebasing: raw[footerOffset...])
        guard raw[..<8].elementsEqual(IndexFormat.magic),
            footer[IndexFormat.FooterOffset.magic...].elementsEqual(IndexFormat.magic)
        else { throw .notAnIndex("it has another beginning or end") }
        guard raw.u32(8) == IndexFormat.version else {
            throw .notAnIndex("version \(raw.u32(8)) is unknown")
        }
        let checksum = footer.u32(IndexFormat.FooterOffset.footerChecksum)
        let checkedBytes = UnsafeRawBufferPointer(
            rebasing: footer[..<IndexFormat.FooterOffset.footerChecksum])
        guard CRC32C.checksum(checkedBytes.bytes) == checksum else {
            throw .checksum(offset: footerOffset)
        }
        return footer
    }

    /// Tables have as many entries as the footer says, so that an index below a count is in bounds.
    private func checkSectionSizes() throws(IndexError) {
        let blocks =
            (seriesCount + IndexFormat.seriesPerBlock - 1) / IndexFormat.seriesPerBlock
        let expected: [(IndexFormat.Section, Int)] = [
            (.nameEnds, nameCount * 4), (.namePairEnds, nameCount * 4), (.valueEnds, pairCount * 4),
            (.seriesBlocks, blocks * 4), (.refs, seriesCount * 4),
            (.ordinalsByRef, seriesCount * 4),
            (.hashSlots, Self.ordinalSlotsOffset(slotCount) + slotCount * 4),
            (.postingsOffsets, (pairCount + 1) * 4),
        ]
        for (section, byteCount) in expected where range(section).count != byteCount {
            throw .malformed(
                offset: range(section).lowerBound,
                reason: "section \(section) has \(range(section).count) bytes, not \(byteCount)")
        }
        if slotCount <= seriesCount {
            throw .malformed(offset: range(.hashSlots).lowerBound, reason: "too few hash slots")
        }
    }

    /// Where the ordinals of the slots begin, after the tags.
    static func ordinalSlotsOffset(_ slotCount: Int) -> Int { (slotCount + 3) & ~3 }

    @inline(__always)
    func range(_ section: IndexFormat.Section) -> Range<Int> { sections[section.rawValue] }

    /// Makes sure that the file's bytes `range` are what was written.
    @inline(__always)
    func check(_ range: Range<Int>) throws(IndexError) {
        if range.isEmpty { return }
        var block = range.lowerBound / IndexFormat.blockByteCount
        let last = (range.upperBound - 1) / IndexFormat.blockByteCount
        while block <= last {
            if !checked.contains(block) { try checkBlock(block) }
            block += 1
        }
    }

    @inline(never)
    private func checkBlock(_ block: Int) throws(IndexError) {
        let start = block * IndexFormat.blockByteCount
        if damaged.contains(block) { throw .checksum(offset: start) }
        let end = min(start + IndexFormat.blockByteCount, checkedByteCount)
        let bytes = UnsafeRawBufferPointer(rebasing: raw[start..<end])
        if CRC32C.checksum(bytes.bytes) != checksums[block] {
            damaged.insert(block)
            throw .checksum(offset: start)
        }
        checked.insert(block)
    }

    /// Entry `index` of a table of u32; `index` is below the count that the footer gives.
    @inline(__always)
    func u32(_ section: IndexFormat.Section, _ index: Int) throws(IndexError) -> UInt32 {
        let offset = range(section).lowerBound + index * 4
        guard index >= 0, offset + 4 <= range(section).upperBound else {
            throw .malformed(offset: offset, reason: "index \(index) beyond section \(section)")
        }
        try check(offset..<(offset + 4))
        return raw.u32(offset)
    }

    /// The bytes `range` of a section, checked.
    @inline(__always)
    func slice(
        _ section: IndexFormat.Section, _ start: Int, _ end: Int
    ) throws(IndexError) -> UnsafeRawBufferPointer {
        let base = range(section).lowerBound
        guard start >= 0, start <= end, end <= range(section).count else {
            throw .malformed(offset: base, reason: "bytes \(start)…\(end) of section \(section)")
        }
        try check((base + start)..<(base + end))
        return UnsafeRawBufferPointer(rebasing: raw[(base + start)..<(base + end)])
    }
}

/// A set of block numbers that only grows, shared between threads.
final class CheckedBlocks: Sendable {
    // Safe to send because: the words are atomic, and the memory lives as long as this object.
    private nonisolated(unsafe) let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let wordCount: Int

    init(_ blockCount: Int) {
        wordCount = (blockCount + 63) / 64
        words = .allocate(capacity: wordCount)
        for index in 0..<wordCount { (words + index).initialize(to: Atomic(0)) }
    }

    deinit {
        words.deinitialize(count: wordCount)
        words.deallocate()
    }

    @inline(__always)
    func contains(_ block: Int) -> Bool {
        words[block >> 6].load(ordering: .relaxed) >> UInt64(block & 63) & 1 == 1
    }

    func insert(_ block: Int) {
        _ = words[block >> 6].bitwiseOr(1 << UInt64(block & 63), ordering: .relaxed)
    }
}

extension UnsafeRawBufferPointer {
    @inline(__always)
    func u32(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    @inline(__always)
    func u64(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The bytes for functions that take spans.
    var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let span = Span<UInt8>(_unsafeBytes: self)
            return _overrideLifetime(span, borrowing: self)
        }
    }
}
