import TSQBase
import TSQExposition
import TSQModel

/// The lines of a target's page as they were last time: their bytes and what they stand for.
///
/// - Shape: `order` has the entries of the last page line by line; an entry's bytes lie in `arena`.
///   For a sample they are the series part, for a comment the whole line with its newline.
/// - Complexity: 32 bytes a line beside its bytes.
struct LineCache: Sendable {
    struct Entry: Sendable {
        var offset: UInt32
        var length: UInt32
        /// The series' slot, or one of the negative meanings below.
        var slot: Int32
        /// The place in `order`.
        var position: UInt32
    }

    /// A sample that relabelling drops.
    static let dropped: Int32 = -1
    /// A comment that says nothing about types.
    static let comment: Int32 = -2
    /// A `# TYPE` line of kind `n` is `typeBase - n`.
    static let typeBase: Int32 = -3

    private(set) var arena: [UInt8] = []
    private(set) var entries: [Entry] = []
    private var hashes: [UInt32] = []
    private var table = IndexTable()
    /// The page before.
    private(set) var order: [UInt32] = []
    /// The page that is being read.
    private var nextOrder: [UInt32] = []
    private static let seed = UInt64.random(in: .min ... .max)

    /// The arena may not outgrow its 32-bit offsets.
    static let arenaBytesMax = Int(UInt32.max)

    func bytes(_ entry: Int) -> Range<Int> {
        let offset = Int(entries[entry].offset)
        return offset..<(offset + Int(entries[entry].length))
    }

    /// Takes the sample line of `entry` if the page has it here.
    @inline(__always)
    func matches(_ entry: Entry, _ scanner: inout ExpositionScanner) -> Bool {
        let start = Int(entry.offset)
        return scanner.nextMatching(arena.span.extracting(start..<(start + Int(entry.length))))
    }

    /// Skips the comment line of `entry` if the page has it here.
    @inline(__always)
    func skips(_ entry: Entry, _ scanner: inout ExpositionScanner) -> Bool {
        let start = Int(entry.offset)
        return scanner.skipMatching(arena.span.extracting(start..<(start + Int(entry.length))))
    }

    /// The entry with these bytes.
    func find(_ bytes: Span<UInt8>) -> Int? {
        table.find(Self.hash(bytes)) { candidate in
            let range = self.bytes(candidate)
            guard range.count == bytes.count else { return false }
            for index in 0..<bytes.count where arena[range.lowerBound + index] != bytes[index] {
                return false
            }
            return true
        }
    }

    /// A new entry; nil when the arena is full.
    mutating func insert(_ bytes: Span<UInt8>, slot: Int32) -> Int? {
        guard arena.count + bytes.count <= Self.arenaBytesMax else { return nil }
        let hash = Self.hash(bytes)
        let number = entries.count
        entries.append(
            Entry(
                offset: UInt32(arena.count), length: UInt32(bytes.count), slot: slot,
                position: .max))
        bytes.withUnsafeBufferPointer { arena.append(contentsOf: $0) }
        hashes.append(hash)
        table.insert(number, hash) { hashes[$0] }
        return number
    }

    /// The next line of the page is `entry`.
    @inline(__always)
    mutating func note(_ entry: Int) {
        let position = UInt32(truncatingIfNeeded: nextOrder.count)
        if entries[entry].position != position { entries[entry].position = position }
        nextOrder.append(UInt32(truncatingIfNeeded: entry))
    }

    /// The page is complete: it becomes the one before. Forgets lines of older pages when they are
    /// more than half of what is kept; then gives the new numbers of the comments.
    mutating func endPage() -> [(from: Int, to: Int)]? {
        swap(&order, &nextOrder)
        nextOrder.removeAll(keepingCapacity: true)
        return entries.count > 2 * order.count + Self.deadEntriesMin ? compact() : nil
    }

    /// So many lines that are not on the page any more are kept in any case.
    static let deadEntriesMin = 256

    /// The page is refused: what was noted does not count.
    mutating func abandonPage() {
        nextOrder.removeAll(keepingCapacity: true)
        for (position, entry) in order.enumerated() {
            entries[Int(entry)].position = UInt32(position)
        }
    }

    private mutating func compact() -> [(from: Int, to: Int)] {
        var next = LineCache()
        var moved: [(from: Int, to: Int)] = []
        next.arena.reserveCapacity(order.reduce(0) { $0 + Int(entries[Int($1)].length) })
        for entry in order {
            let span = arena.span.extracting(bytes(Int(entry)))
            // A line may stand on a page twice.
            let number = next.find(span) ?? next.insert(span, slot: entries[Int(entry)].slot)
            guard let number else { continue }
            next.note(number)
            if next.entries[number].slot <= Self.comment { moved.append((Int(entry), number)) }
        }
        swap(&next.order, &next.nextOrder)
        self = next
        return moved
    }

    private static func hash(_ bytes: Span<UInt8>) -> UInt32 {
        UInt32(truncatingIfNeeded: XXHash64.hash(bytes, seed: seed) >> 32)
    }
}

/// The series of a target: their numbers and when they were last seen.
///
/// - Shape: parallel columns, one slot a series. Slots are not freed before `removeUnseen`.
struct SeriesSlots: Sendable {
    private(set) var refs: [SeriesRef] = []
    /// The generation of the page that had it last; 0: none yet.
    var seen: [UInt32] = []
    /// The last generation in which it had a time of its own; empty while no series ever had.
    var looseSeen: [UInt32] = []
    private var table = IndexTable()

    var count: Int { refs.count }

    func slot(of ref: SeriesRef) -> Int? {
        table.find(Self.hash(ref)) { refs[$0] == ref }
    }

    mutating func slotAdding(_ ref: SeriesRef) -> Int {
        if let slot = slot(of: ref) { return slot }
        let slot = refs.count
        refs.append(ref)
        seen.append(0)
        if !looseSeen.isEmpty { looseSeen.append(0) }
        table.insert(slot, Self.hash(ref)) { Self.hash(refs[$0]) }
        return slot
    }

    mutating func noteLoose(_ slot: Int, _ generation: UInt32) {
        if looseSeen.isEmpty { looseSeen = [UInt32](repeating: 0, count: refs.count) }
        looseSeen[slot] = generation
    }

    private static func hash(_ ref: SeriesRef) -> UInt32 {
        (ref.rawValue &* 0x9E37_79B1) ^ (ref.rawValue >> 15)
    }
}
