import TSQBase

/// The number of an interned string within one `SymbolTable`.
package struct SymbolID: Hashable, Sendable {
    package var rawValue: UInt32

    @inlinable
    package init(_ rawValue: UInt32) { self.rawValue = rawValue }

    // The synthesised ones are not inlined into other modules.
    @inlinable
    package static func == (a: Self, b: Self) -> Bool { a.rawValue == b.rawValue }
}

/// A label inside the engine: 8 bytes, compared as integers.
package struct LabelPair: Hashable, Sendable {
    package var name: SymbolID
    package var value: SymbolID

    @inlinable
    package init(name: SymbolID, value: SymbolID) {
        self.name = name
        self.value = value
    }

    @inlinable
    package static func == (a: Self, b: Self) -> Bool {
        a.name.rawValue == b.name.rawValue && a.value.rawValue == b.value.rawValue
    }
}

/// Interns strings: equal strings have equal numbers, numbers count from 0 in order of arrival.
///
/// A query owns one. It is not safe for concurrent use: intern while planning, then only read.
/// Bytes live in one arena, the hash table is open-addressed with stored hashes and seeded per
/// process (design: 33–200 ns against 125–500 ns of a Dictionary<String>).
package final class SymbolTable: @unchecked Sendable {
    // Safe to send because: one query at a time owns and mutates it (documented above).
    @exclusivity(unchecked) private var arena: [UInt8] = []
    @exclusivity(unchecked) private var ends: [UInt32] = []
    @exclusivity(unchecked) private var hashes: [UInt32] = []
    /// 0 = free, otherwise symbol + 1.
    @exclusivity(unchecked) private var slots: [UInt32] = [UInt32](repeating: 0, count: 64)
    private static let seed = UInt64.random(in: .min ... .max)

    package init() {}

    /// The symbols so far, for another thread to read while this table goes on: arrays are shared
    /// until this one grows.
    package func snapshot() -> SymbolTable {
        let copy = SymbolTable()
        copy.arena = arena
        copy.ends = ends
        copy.hashes = hashes
        copy.slots = slots
        return copy
    }

    /// Takes the symbols of `other` where they continue this table's own: all numbers of `other` then
    /// mean the same here. False, and nothing taken, where they do not. O(bytes of this table).
    package func adopt(_ other: SymbolTable) -> Bool {
        guard other.ends.starts(with: ends), other.arena.starts(with: arena) else { return false }
        arena = other.arena
        ends = other.ends
        hashes = other.hashes
        slots = other.slots
        return true
    }

    /// The numbers here of all symbols of `other`, by their numbers there.
    package func internAll(of other: SymbolTable) -> [SymbolID] {
        (0..<other.count).map { number in
            other.withBytes(SymbolID(UInt32(truncatingIfNeeded: number))) { intern($0) }
        }
    }

    package var count: Int { ends.count }
    /// What the table holds, for a query's byte budget.
    package var byteCount: Int { arena.count + ends.count * 12 + slots.count * 4 }

    package func intern(_ text: String) -> SymbolID {
        var text = text
        return text.withUTF8 { intern($0) }
    }

    package func intern(_ bytes: Span<UInt8>) -> SymbolID {
        bytes.withUnsafeBufferPointer { intern($0) }
    }

    package func intern(_ bytes: UnsafeBufferPointer<UInt8>) -> SymbolID {
        let hash = Self.hash(bytes)
        let (slot, found) = find(bytes, hash)
        if let found { return found }
        precondition(
            arena.count + bytes.count <= UInt32.max, "BUG: a symbol table holds more than 4 GiB")
        let symbol = UInt32(ends.count)
        arena.append(contentsOf: bytes)
        ends.append(UInt32(arena.count))
        hashes.append(hash)
        slots[slot] = symbol + 1
        if ends.count * 2 > slots.count { grow() }
        return SymbolID(symbol)
    }

    /// The number of `text` if it has one.
    package func lookup(_ text: String) -> SymbolID? {
        var text = text
        return text.withUTF8 { find($0, Self.hash($0)).found }
    }

    package func string(_ symbol: SymbolID) -> String {
        withBytes(symbol) { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of `symbol`, valid during `body`.
    package func withBytes<R>(
        _ symbol: SymbolID, _ body: (UnsafeBufferPointer<UInt8>) throws -> R
    ) rethrows -> R {
        let range = range(symbol)
        return try arena.withUnsafeBufferPointer { try body(.init(rebasing: $0[range])) }
    }

    package func byteCount(_ symbol: SymbolID) -> Int { range(symbol).count }

    /// Order by UTF-8 bytes.
    package func isLess(_ a: SymbolID, _ b: SymbolID) -> Bool {
        if a == b { return false }
        let (x, y) = (range(a), range(b))
        return arena.withUnsafeBufferPointer {
            UnsafeBufferPointer(rebasing: $0[x]).lexicographicallyPrecedes(
                UnsafeBufferPointer(rebasing: $0[y]))
        }
    }

    private func range(_ symbol: SymbolID) -> Range<Int> {
        let index = Int(symbol.rawValue)
        return (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
    }

    private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        UInt32(truncatingIfNeeded: XXHash64.hash(UnsafeRawBufferPointer(bytes), seed: seed) >> 32)
    }

    private func find(
        _ bytes: UnsafeBufferPointer<UInt8>, _ hash: UInt32
    ) -> (slot: Int, found: SymbolID?) {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while slots[slot] != 0 {
            let symbol = slots[slot] - 1
            if hashes[Int(symbol)] == hash {
                let candidate = range(SymbolID(symbol))
                let equal =
                    candidate.count == bytes.count
                    && arena.withUnsafeBufferPointer { $0[candidate].elementsEqual(bytes) }
                if equal { return (slot, SymbolID(symbol)) }
            }
            slot = (slot + 1) & mask
        }
        return (slot, nil)
    }

    private func grow() {
        let mask = slots.count * 2 - 1
        var next = [UInt32](repeating: 0, count: mask + 1)
        for (symbol, hash) in hashes.enumerated() {
            var slot = Int(hash) & mask
            while next[slot] != 0 { slot = (slot + 1) & mask }
            next[slot] = UInt32(symbol) + 1
        }
        slots = next
    }
}
