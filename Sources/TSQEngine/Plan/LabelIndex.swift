import TSQModel

/// Label sets numbered from 0 in order of arrival: an open-addressed table over symbols.
struct LabelIndex {
    private(set) var labels = SeriesLabels()
    private var hashes: [UInt64] = []
    /// 0 = free, otherwise index + 1.
    private var slots = [UInt32](repeating: 0, count: 16)

    var count: Int { hashes.count }

    init() {}

    /// The number of `pairs` (sorted as in `SeriesLabels`), new or old.
    mutating func insert(_ pairs: ArraySlice<LabelPair>) -> (index: Int, isNew: Bool) {
        let hash = Self.hash(pairs)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if hashes[index] == hash && labels[index].elementsEqual(pairs) {
                return (index, false)
            }
            slot = (slot + 1) & mask
        }
        let index = hashes.count
        slots[slot] = UInt32(index) + 1
        hashes.append(hash)
        labels.append(pairs)
        if hashes.count * 2 > slots.count { grow() }
        return (index, true)
    }

    mutating func insert(_ pairs: [LabelPair]) -> (index: Int, isNew: Bool) { insert(pairs[...]) }

    func find(_ pairs: ArraySlice<LabelPair>) -> Int? {
        let hash = Self.hash(pairs)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if hashes[index] == hash && labels[index].elementsEqual(pairs) { return index }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private static func hash(_ pairs: ArraySlice<LabelPair>) -> UInt64 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        for pair in pairs {
            let word = UInt64(pair.name.rawValue) << 32 | UInt64(pair.value.rawValue)
            hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
        }
        return hash
    }

    private mutating func grow() {
        let mask = slots.count * 2 - 1
        var next = [UInt32](repeating: 0, count: mask + 1)
        for (index, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & mask
            while next[slot] != 0 { slot = (slot + 1) & mask }
            next[slot] = UInt32(index) + 1
        }
        slots = next
    }
}
