import TSQBase

/// A compressed list of ascending ordinals in a segment (docs/format/index.md, "Postings").
///
/// Safe because: every access is checked against the list's bytes; ordinals are checked against the
/// series count before they are handed out.
struct PostingsList {
    let count: Int
    private let bytes: UnsafeRawBufferPointer
    /// Where the bytes stand in the file, for errors.
    private let fileOffset: Int
    private let limit: UInt64
    private let directory: Int
    private let blockCount: Int
    /// The only ordinal of a list of one.
    private let single: UInt32

    /// - Parameter limit: ordinals must be below.
    init(_ bytes: UnsafeRawBufferPointer, fileOffset: Int, limit: Int) throws(IndexError) {
        var reader = IndexReader(bytes, fileOffset: fileOffset)
        self.bytes = bytes
        self.fileOffset = fileOffset
        self.limit = UInt64(limit)
        count = Int(try reader.uvarint(max: UInt64(limit)))
        if count == 0 { throw reader.malformed("empty list of postings") }
        if count == 1 {
            single = UInt32(try reader.uvarint(max: UInt64(limit - 1)))
            directory = 0
            blockCount = 0
            return
        }
        single = 0
        directory = reader.offset
        blockCount = (count + IndexFormat.postingsPerBlock - 1) / IndexFormat.postingsPerBlock
        if blockCount * 8 > bytes.count - directory {
            throw reader.malformed("directory of postings beyond the list")
        }
    }

    private func malformed(_ reason: String) -> IndexError {
        .malformed(offset: fileOffset, reason: reason)
    }

    @inline(__always)
    private func first(_ block: Int) -> UInt32 { bytes.u32(directory + block * 8) }

    /// Decodes a block into `out`, which has room for `IndexFormat.postingsPerBlock`; answers how
    /// many ordinals it has.
    private func decode(
        _ block: Int, into out: UnsafeMutablePointer<UInt32>
    ) throws(IndexError) -> Int {
        let data = directory + blockCount * 8
        let start = data + (block == 0 ? 0 : Int(bytes.u32(directory + block * 8 - 4)))
        let end = data + Int(bytes.u32(directory + block * 8 + 4))
        guard start < end, end <= bytes.count else { throw malformed("block of postings") }
        let width = Int(bytes[start])
        let entries = min(
            IndexFormat.postingsPerBlock, count - block * IndexFormat.postingsPerBlock)
        guard width <= 32, end - start - 1 == ((entries - 1) * width + 7) / 8 else {
            throw malformed("width of postings")
        }
        var ordinal = UInt64(first(block))
        out[0] = UInt32(ordinal)
        if width == 0 {
            for index in 1..<max(1, entries) {
                out[index] = UInt32(truncatingIfNeeded: ordinal) &+ UInt32(index)
            }
            ordinal += UInt64(entries - 1)
        } else {
            let mask: UInt64 = (1 << UInt64(width)) - 1
            var bit = (start + 1) * 8
            for index in 1..<max(1, entries) {
                ordinal &+= ((word(bit >> 3) >> UInt64(bit & 7)) & mask) + 1
                out[index] = UInt32(truncatingIfNeeded: ordinal)
                bit += width
            }
        }
        // The last is the largest: when it is in range, all are, and nothing wrapped around.
        if ordinal >= limit { throw malformed("ordinal \(ordinal) beyond the series") }
        return entries
    }

    /// Eight bytes at `offset`, zeros beyond the list.
    @inline(__always)
    private func word(_ offset: Int) -> UInt64 {
        if offset + 8 <= bytes.count { return bytes.u64(offset) }
        var result: UInt64 = 0
        for index in offset..<bytes.count {
            result |= UInt64(bytes[index]) << UInt64(8 * (index - offset))
        }
        return result
    }

    func append(into ordinals: inout [UInt32]) throws(IndexError) {
        if blockCount == 0 {
            ordinals.append(single)
            return
        }
        ordinals.reserveCapacity(ordinals.count + count)
        var buffer = PostingsBuffer()
        var last: UInt32?
        for block in 0..<blockCount {
            try fill(&buffer, block)
            if let last, buffer.first <= last { throw malformed("postings out of order") }
            last = buffer.last
            buffer.withEntries { ordinals.append(contentsOf: $0) }
        }
    }

    private func fill(_ buffer: inout PostingsBuffer, _ block: Int) throws(IndexError) {
        var failure: IndexError?
        buffer.entries.withUnsafeMutableBufferPointer { out in
            do throws(IndexError) {
                if let start = out.baseAddress { buffer.count = try decode(block, into: start) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Those of `candidates` (ascending) that are in the list, or that are not.
    ///
    /// - Complexity: O(candidates × log(gap) + blocks that they fall into).
    func filter(_ candidates: [UInt32], _ isWanted: Bool) throws(IndexError) -> [UInt32] {
        var result: [UInt32] = []
        result.reserveCapacity(candidates.count)
        if blockCount == 0 {
            for candidate in candidates where (candidate == single) == isWanted {
                result.append(candidate)
            }
            return result
        }
        var buffer = PostingsBuffer()
        var block = -1
        var at = 0
        for candidate in candidates {
            let next = seek(candidate, from: max(block, 0))
            if next != block {
                if next >= 0 { try fill(&buffer, next) }
                block = next
                at = 0
            }
            var isPresent = false
            if block >= 0 {
                while at < buffer.count, buffer.entries[at] < candidate { at += 1 }
                isPresent = at < buffer.count && buffer.entries[at] == candidate
            }
            if isPresent == isWanted { result.append(candidate) }
        }
        return result
    }

    /// The last block, at or after `from`, that does not begin after `ordinal`; −1 when the first
    /// does.
    @inline(__always)
    private func seek(_ ordinal: UInt32, from: Int) -> Int {
        if from == 0 && first(0) > ordinal { return -1 }
        if from + 1 >= blockCount || first(from + 1) > ordinal { return from }
        var low = from + 1
        var step = 1
        while low + step < blockCount, first(low + step) <= ordinal {
            low += step
            step *= 2
        }
        var high = min(blockCount, low + step)
        // first(low) <= ordinal < first(high)
        while high - low > 1 {
            let middle = (low + high) / 2
            if first(middle) <= ordinal { low = middle } else { high = middle }
        }
        return low
    }

    /// Appends the encoding of `ordinals` (ascending, at least one).
    static func encode(_ ordinals: Span<UInt32>, into writer: inout ByteWriter) {
        let count = ordinals.count
        writer.uvarint(UInt64(count))
        if count == 1 {
            writer.uvarint(UInt64(ordinals[0]))
            return
        }
        let perBlock = IndexFormat.postingsPerBlock
        let blockCount = (count + perBlock - 1) / perBlock
        let directory = writer.count
        for block in 0..<blockCount {
            writer.u32(ordinals[block * perBlock])
            writer.u32(0)
        }
        let data = writer.count
        for block in 0..<blockCount {
            let start = block * perBlock
            encodeBlock(ordinals, start..<min(count, start + perBlock), into: &writer)
            writer.patchU32(at: directory + block * 8 + 4, UInt32(writer.count - data))
        }
    }

    private static func encodeBlock(
        _ ordinals: Span<UInt32>, _ range: Range<Int>, into writer: inout ByteWriter
    ) {
        var all: UInt32 = 0
        for index in range.dropFirst() { all |= ordinals[index] - ordinals[index - 1] - 1 }
        let width = 32 - all.leadingZeroBitCount
        writer.u8(UInt8(width))
        if width == 0 { return }
        var word: UInt64 = 0
        var used = 0
        for index in range.dropFirst() {
            word |= UInt64(ordinals[index] - ordinals[index - 1] - 1) << UInt64(used)
            used += width
            while used >= 8 {
                writer.u8(UInt8(truncatingIfNeeded: word))
                word >>= 8
                used -= 8
            }
        }
        if used > 0 { writer.u8(UInt8(truncatingIfNeeded: word)) }
    }
}

/// The ordinals of one block.
struct PostingsBuffer {
    var entries = [UInt32](repeating: 0, count: IndexFormat.postingsPerBlock)
    var count = 0

    var first: UInt32 { entries[0] }
    var last: UInt32 { entries[count - 1] }

    func withEntries(_ body: (ArraySlice<UInt32>) -> Void) { body(entries[..<count]) }
}

/// A cursor over bytes of a segment; errors give places in the file.
struct IndexReader {
    private let bytes: UnsafeRawBufferPointer
    private let fileOffset: Int
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer, fileOffset: Int) {
        self.bytes = bytes
        self.fileOffset = fileOffset
    }

    func malformed(_ reason: String) -> IndexError {
        .malformed(offset: fileOffset + offset, reason: reason)
    }

    /// A varint of at most `max`.
    @inline(__always)
    mutating func uvarint(max: UInt64) throws(IndexError) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 35 {
            guard offset < bytes.count else { throw malformed("the section ends") }
            let byte = bytes[offset]
            offset += 1
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                if result > max { throw malformed("\(result) is more than \(max)") }
                return result
            }
            shift += 7
        }
        throw malformed("varint beyond 32 bits")
    }
}
