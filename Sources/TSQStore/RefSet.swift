import TSQBase

/// A set of series numbers, kept as runs: series that were registered together go together.
struct RefSet: Sendable, Equatable {
    /// First and last number of each run, ascending; runs do not touch.
    private(set) var firsts: [UInt32] = []
    private(set) var lasts: [UInt32] = []

    init() {}

    /// - Parameter refs: in any order, also more than once.
    init(_ refs: [UInt32]) {
        for ref in refs.sorted() { insertLast(ref) }
    }

    var isEmpty: Bool { firsts.isEmpty }
    var count: Int {
        var count = 0
        for (first, last) in zip(firsts, lasts) { count += Int(last - first) + 1 }
        return count
    }
    var byteCount: Int { firsts.count * 8 }

    /// Adds a number that is not below any that is there.
    mutating func insertLast(_ ref: UInt32) {
        if let last = lasts.last {
            precondition(ref >= last, "BUG: series numbers out of order")
            if ref == last { return }
            if ref - last == 1 {
                lasts[lasts.count - 1] = ref
                return
            }
        }
        firsts.append(ref)
        lasts.append(ref)
    }

    /// - Complexity: O(log runs).
    func contains(_ ref: UInt32) -> Bool { intersects(ref, ref) }

    /// Whether one of `low...high` is in the set.
    func intersects(_ low: UInt32, _ high: UInt32) -> Bool {
        var (from, to) = (0, lasts.count)
        while from < to {
            let middle = (from + to) / 2
            if lasts[middle] < low { from = middle + 1 } else { to = middle }
        }
        return from < firsts.count && firsts[from] <= high
    }

    func encode(into writer: inout ByteWriter) {
        writer.uvarint(UInt64(firsts.count))
        var end: UInt64 = 0
        for (first, last) in zip(firsts, lasts) {
            writer.uvarint(UInt64(first) - end)
            writer.uvarint(UInt64(last - first) + 1)
            end = UInt64(last) + 1
        }
    }

    /// - Throws: also when runs touch or go beyond 32 bits.
    init(_ reader: inout ByteReader) throws(ByteReadError) {
        var end: UInt64 = 0
        for index in 0..<(try reader.count(max: reader.remaining)) {
            let gap = try reader.uvarint()
            let length = try reader.uvarint()
            let (first, overflow) = end.addingReportingOverflow(gap)
            guard !overflow, gap > 0 || index == 0, length > 0, first <= UInt64(UInt32.max),
                length <= UInt64(UInt32.max) + 1 - first
            else { throw .truncated(offset: reader.offset, needed: 0) }
            end = first + length
            firsts.append(UInt32(first))
            lasts.append(UInt32(end - 1))
        }
    }
}
