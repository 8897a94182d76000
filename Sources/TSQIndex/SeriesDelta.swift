import TSQBase
import TSQModel

/// The registry's part in memory: the series that came since the last segment was written.
///
/// A value with one writer. It is not safe for concurrent use: the store keeps it in a `Mutex` and
/// registers and selects under the lock, in place. (Copying it is O(1), but the first registration
/// after a copy copies everything.)
///
/// - Shape: label names and label pairs (name, value) are numbered in order of arrival; a series is a
///   slice of pair numbers in label order, and every pair has the chain of the ordinals that have it.
///   With seven labels a series takes about 90 bytes beyond new strings.
package struct SeriesDelta: Sendable {
    /// The ref of ordinal 0; refs are `firstRef + ordinal`.
    package let firstRef: UInt32

    var names = StringArena()
    private var nameHashes: [UInt32] = []
    private var nameSlots = HashSlots()
    /// The pairs of each name, in order of arrival.
    private(set) var pairsOfName: [[UInt32]] = []

    var values = StringArena()
    private(set) var nameOfPair: [UInt32] = []
    private var pairHashes: [UInt32] = []
    private var pairSlots = HashSlots()
    private(set) var chains = PostingsChains()

    private(set) var seriesPairs: [UInt32] = []
    private var seriesEnds: [UInt32] = []
    private var seriesHashes: [UInt32] = []
    private var seriesSlots = HashSlots()

    private static let seed = UInt64.random(in: .min ... .max)

    package init(firstRef: UInt32 = 0) {
        self.firstRef = firstRef
    }

    package var seriesCount: Int { seriesEnds.count }
    var pairCount: Int { nameOfPair.count }

    /// What it holds, for the memory budget.
    package var byteCount: Int {
        let strings = names.byteCount + values.byteCount
        let namesCount = nameHashes.capacity * 4 + nameSlots.byteCount
        let pairs = nameOfPair.capacity * 12 + pairSlots.byteCount + chains.byteCount
        let series = seriesPairs.capacity * 4 + seriesEnds.capacity * 8 + seriesSlots.byteCount
        return strings + namesCount + pairs + series
    }

    /// The label name with the most values.
    package var widestLabel: (name: String, count: Int)? {
        pairsOfName.indices.max { pairsOfName[$0].count < pairsOfName[$1].count }.map {
            (names.string($0), pairsOfName[$0].count)
        }
    }

    func range(_ ordinal: Int) -> Range<Int> {
        (ordinal == 0 ? 0 : Int(seriesEnds[ordinal - 1]))..<Int(seriesEnds[ordinal])
    }

    /// The ref of the series with these labels, registered if it is new.
    ///
    /// - Parameter hash: `LabelHash.hash(labels)`.
    /// - Complexity: O(labels), amortised.
    package mutating func register(
        _ labels: LabelSet, hash: UInt64
    ) -> (ref: UInt32, isNew: Bool) {
        if let ordinal = find(labels, hash: hash) { return (firstRef + UInt32(ordinal), false) }
        let ordinal = UInt32(seriesCount)
        precondition(
            seriesPairs.count + labels.labels.count <= Int(UInt32.max) && firstRef + ordinal < .max,
            "BUG: series numbers beyond 32 bits")
        for label in labels.labels {
            let name = intern(name: label.name)
            seriesPairs.append(intern(name, value: label.value, ordinal))
        }
        seriesEnds.append(UInt32(seriesPairs.count))
        seriesHashes.append(UInt32(truncatingIfNeeded: hash))
        seriesSlots.insertLast(seriesHashes)
        return (firstRef + ordinal, true)
    }

    /// The ordinal of the series with exactly these labels.
    func find(_ labels: LabelSet, hash: UInt64) -> Int? {
        seriesSlots.find(UInt32(truncatingIfNeeded: hash), seriesHashes) { ordinal in
            let range = range(ordinal)
            guard range.count == labels.labels.count else { return false }
            for (index, label) in zip(range, labels.labels) {
                let pair = Int(seriesPairs[index])
                var (name, value) = (label.name, label.value)
                if !name.withUTF8({ names.isEqual(Int(nameOfPair[pair]), $0) })
                    || !value.withUTF8({ values.isEqual(pair, $0) })
                {
                    return false
                }
            }
            return true
        }
    }

    private static func hash(_ text: UnsafeBufferPointer<UInt8>, _ salt: UInt32) -> UInt32 {
        let hash = XXHash64.hash(UnsafeRawBufferPointer(text), seed: seed &+ UInt64(salt))
        return UInt32(truncatingIfNeeded: hash)
    }

    private mutating func intern(name: String) -> Int {
        var name = name
        return name.withUTF8 { text in
            let hash = Self.hash(text, .max)
            if let found = findName(text, hash) { return found }
            names.append(text)
            nameHashes.append(hash)
            nameSlots.insertLast(nameHashes)
            pairsOfName.append([])
            return names.count - 1
        }
    }

    private func findName(_ text: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> Int? {
        nameSlots.find(hash, nameHashes) { names.isEqual($0, text) }
    }

    func findName(_ name: String) -> Int? {
        var name = name
        return name.withUTF8 { findName($0, Self.hash($0, .max)) }
    }

    private mutating func intern(_ name: Int, value: String, _ ordinal: UInt32) -> UInt32 {
        var value = value
        return value.withUTF8 { text in
            let hash = Self.hash(text, UInt32(name))
            if let found = findPair(name, text, hash) {
                chains.append(ordinal, to: found)
                return UInt32(found)
            }
            let pair = UInt32(pairCount)
            values.append(text)
            nameOfPair.append(UInt32(name))
            pairHashes.append(hash)
            pairSlots.insertLast(pairHashes)
            chains.addList(first: ordinal)
            pairsOfName[name].append(pair)
            return pair
        }
    }

    private func findPair(
        _ name: Int, _ text: UnsafeBufferPointer<UInt8>, _ hash: UInt32
    ) -> Int? {
        pairSlots.find(hash, pairHashes) {
            Int(nameOfPair[$0]) == name && values.isEqual($0, text)
        }
    }

    func findPair(_ name: Int, _ value: String) -> Int? {
        var value = value
        return value.withUTF8 { findPair(name, $0, Self.hash($0, UInt32(name))) }
    }

    /// Checks everything that must hold between the tables; for tests. O(everything).
    package func _checkInvariants() {
        precondition(
            values.count == pairCount && chains.listCount == pairCount
                && pairsOfName.count == names.count
                && pairsOfName.reduce(0) { $0 + $1.count } == pairCount
                && seriesHashes.count == seriesCount
                && Int(seriesEnds.last ?? 0) == seriesPairs.count, "BUG: counts differ")
        chains._checkInvariants()
        var postings = [Int](repeating: 0, count: pairCount)
        for ordinal in 0..<seriesCount {
            let labels = labelSet(at: ordinal)
            precondition(
                find(labels, hash: LabelHash.hash(labels)) == ordinal,
                "BUG: series \(ordinal) is not found by its labels")
            for index in range(ordinal) { postings[Int(seriesPairs[index])] += 1 }
        }
        for pair in 0..<pairCount {
            precondition(
                postings[pair] == chains.count(pair), "BUG: postings of pair \(pair) are wrong")
        }
    }

    func labelSet(at ordinal: Int) -> LabelSet {
        LabelSet(
            sorted: range(ordinal).map { index in
                let pair = Int(seriesPairs[index])
                return Label(names.string(Int(nameOfPair[pair])), values.string(pair))
            })
    }
}
