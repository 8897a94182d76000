/// An open-addressed table from hashes to dense numbers; what a number stands for, and whether it is
/// the one looked for, is the caller's business.
///
/// - Complexity: O(1); 8 bytes an entry at most.
struct IndexTable: Sendable {
    /// 0 = free, otherwise the number + 1.
    private var slots: [UInt32]
    private(set) var count = 0

    init(capacity: Int = 0) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
    }

    /// The first number under `hash` that `isMatch` accepts.
    func find(_ hash: UInt32, _ isMatch: (Int) -> Bool) -> Int? {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while slots[slot] != 0 {
            let candidate = Int(slots[slot] - 1)
            if isMatch(candidate) { return candidate }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds `number`, which is not in the table. `hashOf` gives the hashes of the numbers that are,
    /// for when the table grows.
    mutating func insert(_ number: Int, _ hash: UInt32, hashOf: (Int) -> UInt32) {
        if (count + 1) * 2 > slots.count { grow(hashOf) }
        place(number, hash)
        count += 1
    }

    private mutating func place(_ number: Int, _ hash: UInt32) {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(number) + 1
    }

    private mutating func grow(_ hashOf: (Int) -> UInt32) {
        let old = slots
        slots = [UInt32](repeating: 0, count: old.count * 2)
        for slot in old where slot != 0 { place(Int(slot - 1), hashOf(Int(slot - 1))) }
    }
}
