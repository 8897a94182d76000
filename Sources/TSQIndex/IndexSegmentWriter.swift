import TSQBase

/// Writes an index file of the series of other parts.
package enum IndexSegmentWriter {
    /// The merged index of `parts`, without the series that `keep` refuses, as chunks of bytes handed
    /// to `sink` in file order.
    ///
    /// Of a label set that occurs in several parts the first part's ref is kept.
    /// - Parameter keep: by ref.
    /// - Throws: what a part or the sink throws; `IndexError.unreadable` when names, values, series
    ///   or postings together would take more than the 4 GiB that an index can hold of each.
    package static func write<E: Error>(
        _ parts: [any SeriesIndexPart], keep: (UInt32) -> Bool,
        sink: (Span<UInt8>) throws(E) -> Void
    ) throws(IndexWriteError<E>) {
        let merge: IndexMerge
        do {
            merge = try IndexMerge(parts, keep: keep)
        } catch {
            throw .index(error)
        }
        let bytes: [UInt8]
        guard merge.valueBytes.count <= Int(UInt32.max), merge.handles.count < Int(UInt32.max) / 8
        else { throw .index(.unreadable("more than an index segment can hold")) }
        var output = SegmentOutput()
        writeSections(merge, &output)
        bytes = output.finish(
            nameCount: merge.nameEnds.count, pairCount: merge.pairCount,
            seriesCount: merge.seriesCount, slotCount: IndexFormat.slotCount(merge.seriesCount))
        do {
            try sink(bytes.span)
        } catch {
            throw .sink(error)
        }
    }

    private static func writeSections(_ merge: IndexMerge, _ output: inout SegmentOutput) {
        output.table(.nameEnds, merge.nameEnds)
        output.section(.nameBytes) { $0.raw(merge.nameBytes) }
        output.table(.namePairEnds, merge.namePairEnds)
        output.table(.valueEnds, merge.valueEnds)
        output.section(.valueBytes) { $0.raw(merge.valueBytes) }
        writeSeries(merge, &output)
        output.table(.refs, merge.refs)
        output.table(
            .ordinalsByRef,
            (0..<UInt32(merge.seriesCount)).sorted { merge.refs[Int($0)] < merge.refs[Int($1)] })
        writeSlots(merge, &output)
        let (ordinals, starts) = merge.postings()
        var offsets: [UInt32] = [0]
        offsets.reserveCapacity(merge.pairCount + 1)
        var lists = ByteWriter()
        for handle in 0..<merge.pairCount {
            let list = ordinals.span.extracting(starts[handle]..<starts[handle + 1])
            PostingsList.encode(list, into: &lists)
            offsets.append(UInt32(lists.count))
        }
        output.table(.postingsOffsets, offsets)
        output.section(.postings) { $0.raw(lists.bytes) }
    }

    private static func writeSeries(_ merge: IndexMerge, _ output: inout SegmentOutput) {
        var offsets: [UInt32] = []
        var series = ByteWriter()
        for ordinal in 0..<merge.seriesCount {
            let labels = merge.handles[merge.range(ordinal)]
            var shared = 0
            if ordinal % IndexFormat.seriesPerBlock == 0 {
                offsets.append(UInt32(series.count))
            } else {
                for (a, b) in zip(labels, merge.handles[merge.range(ordinal - 1)]) {
                    if a != b { break }
                    shared += 1
                }
            }
            series.uvarint(UInt64(shared))
            series.uvarint(UInt64(labels.count - shared))
            for handle in labels.dropFirst(shared) { series.uvarint(UInt64(handle)) }
        }
        output.table(.seriesBlocks, offsets)
        output.section(.series) { $0.raw(series.bytes) }
    }

    private static func writeSlots(_ merge: IndexMerge, _ output: inout SegmentOutput) {
        let slotCount = IndexFormat.slotCount(merge.seriesCount)
        var tags = [UInt8](repeating: 0, count: IndexSegment.ordinalSlotsOffset(slotCount))
        var slots = [UInt32](repeating: 0, count: slotCount)
        for (ordinal, hash) in merge.hashes.enumerated() {
            var slot = IndexFormat.firstSlot(hash, slotCount)
            while slots[slot] != 0 { slot = slot + 1 == slotCount ? 0 : slot + 1 }
            slots[slot] = UInt32(ordinal) + 1
            tags[slot] = UInt8(truncatingIfNeeded: hash)
        }
        output.section(.hashSlots) { writer in
            writer.raw(tags)
            SegmentOutput.append(slots, to: &writer)
        }
    }
}

/// What can go wrong while a segment is written: a part that cannot be read, or the sink.
package enum IndexWriteError<Sink: Error>: Error {
    case index(IndexError)
    case sink(Sink)
}

/// The bytes of a segment, section by section.
struct SegmentOutput {
    private var writer = ByteWriter()
    private var sections: [Range<Int>] = []

    init() {
        writer.raw(IndexFormat.magic)
        writer.u32(IndexFormat.version)
        writer.u32(0)
    }

    mutating func section(_ section: IndexFormat.Section, _ body: (inout ByteWriter) -> Void) {
        precondition(section.rawValue == sections.count, "BUG: section \(section) out of turn")
        align()
        let start = writer.count
        body(&writer)
        sections.append(start..<writer.count)
    }

    mutating func table(_ section: IndexFormat.Section, _ entries: [UInt32]) {
        self.section(section) { Self.append(entries, to: &$0) }
    }

    static func append(_ entries: [UInt32], to writer: inout ByteWriter) {
        writer.bytes.reserveCapacity(writer.count + entries.count * 4)
        for entry in entries { writer.u32(entry) }
    }

    private mutating func align() {
        while writer.count % IndexFormat.sectionAlignment != 0 { writer.u8(0) }
    }

    /// Adds checksums and footer.
    mutating func finish(
        nameCount: Int, pairCount: Int, seriesCount: Int, slotCount: Int
    ) -> [UInt8] {
        align()
        let end = writer.count
        var table = ByteWriter()
        var start = 0
        while start < end {
            let next = min(end, start + IndexFormat.blockByteCount)
            table.u32(CRC32C.checksum(writer.bytes.span.extracting(start..<next)))
            start = next
        }
        writer.raw(table.bytes)
        writer.raw(
            IndexFormat.footer(
                sections: sections, counts: [nameCount, pairCount, seriesCount, slotCount],
                checksumsOffset: end, checksumsChecksum: CRC32C.checksum(table.bytes)))
        return writer.bytes
    }
}

extension IndexFormat {
    /// - Parameter counts: of names, pairs, series and hash slots.
    static func footer(
        sections: [Range<Int>], counts: [Int], checksumsOffset: Int, checksumsChecksum: UInt32
    ) -> [UInt8] {
        var footer = ByteWriter()
        for section in sections {
            footer.u64(UInt64(section.lowerBound))
            footer.u64(UInt64(section.count))
        }
        for count in counts { footer.u32(UInt32(count)) }
        footer.u64(UInt64(checksumsOffset))
        footer.u32(checksumsChecksum)
        footer.u32(CRC32C.checksum(footer.bytes))
        footer.raw(magic)
        precondition(footer.count == footerByteCount, "BUG: footer of \(footer.count)")
        return footer.bytes
    }
}
