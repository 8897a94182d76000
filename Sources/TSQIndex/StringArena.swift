/// Byte strings end to end, numbered from 0.
struct StringArena: Sendable {
    private(set) var bytes: [UInt8] = []
    private var ends: [UInt32] = []

    var count: Int { ends.count }
    var byteCount: Int { bytes.capacity + ends.capacity * 4 }

    mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
        precondition(
            bytes.count + text.count <= Int(UInt32.max), "BUG: a string arena beyond 4 GiB")
        bytes.append(contentsOf: text)
        ends.append(UInt32(bytes.count))
    }

    private func range(_ index: Int) -> Range<Int> {
        (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
    }

    func withBytes<R>(_ index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        let range = range(index)
        return bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
    }

    func string(_ index: Int) -> String {
        withBytes(index) { String(decoding: $0, as: UTF8.self) }
    }

    func isEqual(_ index: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        range(index).count == text.count && withBytes(index) { compareBytes($0, text) == 0 }
    }

    /// Negative, zero or positive: the order of the strings' bytes.
    func compare(_ a: Int, _ b: Int) -> Int {
        let (x, y) = (range(a), range(b))
        return bytes.withUnsafeBufferPointer {
            compareBytes(
                UnsafeBufferPointer(rebasing: $0[x]), UnsafeBufferPointer(rebasing: $0[y]))
        }
    }
}

/// Negative, zero or positive: the order of bytes, a prefix first.
@inline(__always)
func compareBytes(
    _ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>
) -> Int {
    let count = min(a.count, b.count)
    var index = 0
    while index < count {
        if a[index] != b[index] { return a[index] < b[index] ? -1 : 1 }
        index += 1
    }
    return a.count - b.count
}

/// Slots of an open-addressed table of numbered entries whose hashes are kept by the owner.
struct HashSlots: Sendable {
    /// 0 = free, otherwise number + 1.
    private var slots = [UInt32](repeating: 0, count: 16)

    var byteCount: Int { slots.capacity * 4 }

    /// The entry with this hash for which `isEqual` holds.
    @inline(__always)
    func find(_ hash: UInt32, _ hashes: [UInt32], _ isEqual: (Int) -> Bool) -> Int? {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while slots[slot] != 0 {
            let entry = Int(slots[slot] - 1)
            if hashes[entry] == hash && isEqual(entry) { return entry }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds the last entry of `hashes`.
    mutating func insertLast(_ hashes: [UInt32]) {
        // At most three quarters are taken, so that a search ends soon.
        if hashes.count * 4 > slots.count * 3 {
            slots = [UInt32](repeating: 0, count: slots.count * 2)
            for entry in hashes.indices { insert(entry, hashes[entry]) }
        } else {
            insert(hashes.count - 1, hashes[hashes.count - 1])
        }
    }

    private mutating func insert(_ entry: Int, _ hash: UInt32) {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(entry) + 1
    }
}
