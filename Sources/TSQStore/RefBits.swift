/// A set of series numbers as one bit each: for sets that may hold any of them.
struct RefBits: Sendable {
    private var words: [UInt64] = []

    init() {}

    init(limit: UInt32) { words = [UInt64](repeating: 0, count: (Int(limit) + 63) / 64) }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
    var byteCount: Int { words.capacity * 8 }

    func contains(_ ref: UInt32) -> Bool {
        let word = Int(ref >> 6)
        return word < words.count && words[word] >> UInt64(ref & 63) & 1 == 1
    }

    mutating func insert(_ ref: UInt32) {
        let word = Int(ref >> 6)
        if word >= words.count {
            words.append(contentsOf: repeatElement(0, count: word + 1 - words.count))
        }
        words[word] |= 1 << UInt64(ref & 63)
    }

    mutating func formUnion(_ refs: RefSet) {
        for (first, last) in zip(refs.firsts, refs.lasts) {
            for ref in first...last { insert(ref) }
        }
    }

    mutating func formUnion(_ other: RefBits) {
        if words.count < other.words.count {
            words.append(contentsOf: repeatElement(0, count: other.words.count - words.count))
        }
        for index in other.words.indices { words[index] |= other.words[index] }
    }
}
