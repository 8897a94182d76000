/// Many growing lists of ascending numbers in one array.
///
/// A list is a chain of blocks that double from 4 to 512 entries; the first number of each list
/// stands in the list's head, so that the many lists of one series take no block at all.
///
/// - Shape: a block is `[offset of the next block or 0, entries…]`; offset 0 is never a block.
struct PostingsChains: Sendable {
    private static let blockEntriesMin = 4
    private static let blockEntriesMax = 512

    private var arena: [UInt32] = [0]
    private var firsts: [UInt32] = []
    private var counts: [UInt32] = []
    private var heads: [UInt32] = []
    private var tails: [UInt32] = []
    /// Free entries in the last block of each list.
    private var rooms: [UInt16] = []

    var listCount: Int { counts.count }
    var byteCount: Int {
        arena.capacity * 4 + firsts.capacity * 16 + rooms.capacity * 2
    }

    func count(_ list: Int) -> Int { Int(counts[list]) }

    mutating func addList(first: UInt32) {
        firsts.append(first)
        counts.append(1)
        heads.append(0)
        tails.append(0)
        rooms.append(0)
    }

    /// Appends a number larger than all in the list.
    mutating func append(_ number: UInt32, to list: Int) {
        if rooms[list] == 0 {
            let capacity = Self.capacity(afterEntries: Int(counts[list]) - 1)
            let offset = UInt32(arena.count)
            arena.append(contentsOf: repeatElement(0, count: capacity + 1))
            if heads[list] == 0 {
                heads[list] = offset
            } else {
                arena[Int(tails[list])] = offset
            }
            tails[list] = offset
            rooms[list] = UInt16(capacity)
        }
        let capacity = Self.capacity(ofBlockWithEntry: Int(counts[list]) - 1)
        arena[Int(tails[list]) + 1 + capacity - Int(rooms[list])] = number
        rooms[list] -= 1
        counts[list] += 1
    }

    /// The size of the block that follows `count` entries in blocks.
    private static func capacity(afterEntries count: Int) -> Int {
        // 4, 8, …, 512 hold 4, 12, …, 1020 entries together.
        min(blockEntriesMax, count + blockEntriesMin)
    }

    /// The size of the block that entry `index` (counted in blocks) is in.
    private static func capacity(ofBlockWithEntry index: Int) -> Int {
        let doubling = blockEntriesMax * 2 - blockEntriesMin
        if index >= doubling { return blockEntriesMax }
        let group = UInt(index / blockEntriesMin + 1)
        return blockEntriesMin << (UInt.bitWidth - 1 - group.leadingZeroBitCount)
    }

    /// Calls `body` with the parts of the list in order.
    @inline(__always)
    func visit(_ list: Int, _ body: (UnsafeBufferPointer<UInt32>) -> Void) {
        withUnsafePointer(to: firsts[list]) { body(UnsafeBufferPointer(start: $0, count: 1)) }
        var rest = count(list) - 1
        var block = Int(heads[list])
        var index = 0
        arena.withUnsafeBufferPointer { arena in
            while rest > 0 {
                let capacity = Self.capacity(ofBlockWithEntry: index)
                let count = min(rest, capacity)
                body(UnsafeBufferPointer(rebasing: arena[(block + 1)..<(block + 1 + count)]))
                rest -= count
                index += count
                block = Int(arena[block])
            }
        }
    }

    func _checkInvariants() {
        for list in 0..<listCount {
            var previous: UInt32?
            var seen = 0
            visit(list) { part in
                for number in part {
                    precondition(previous.map { $0 < number } ?? true, "BUG: list is not sorted")
                    previous = number
                }
                seen += part.count
            }
            precondition(seen == count(list), "BUG: a chain of \(seen) entries, not \(count(list))")
        }
    }
}
