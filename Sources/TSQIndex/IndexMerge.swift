import TSQBase

/// The series of several parts under common pair numbers, in label order: what a segment is written
/// from.
///
/// Takes about 8 bytes for each label of each series, and 20 for each series, while it lasts.
struct IndexMerge {
    private(set) var nameBytes: [UInt8] = []
    private(set) var nameEnds: [UInt32] = []
    private(set) var namePairEnds: [UInt32] = []
    private(set) var valueBytes: [UInt8] = []
    private(set) var valueEnds: [UInt32] = []
    private var nameOfPair: [UInt32] = []

    /// The pairs of all series end to end.
    private(set) var handles: [UInt32] = []
    private(set) var seriesEnds: [UInt32] = []
    private(set) var refs: [UInt32] = []
    private(set) var hashes: [UInt64] = []

    var seriesCount: Int { refs.count }
    var pairCount: Int { valueEnds.count }

    func range(_ ordinal: Int) -> Range<Int> {
        (ordinal == 0 ? 0 : Int(seriesEnds[ordinal - 1]))..<Int(seriesEnds[ordinal])
    }

    /// Series that are read from a part at once.
    private static let batchCount = 1024

    init(_ parts: [any SeriesIndexPart], keep: (UInt32) -> Bool) throws(IndexError) {
        var ordinals: [[UInt32]] = []
        var isUsed: [[Bool]] = []
        for part in parts {
            var kept: [UInt32] = []
            for ordinal in try part.ordinalsInLabelOrder() where keep(try part.ref(ordinal)) {
                kept.append(ordinal)
            }
            isUsed.append(try Self.usedHandles(part, kept))
            ordinals.append(kept)
        }
        let numbers = try mergePairs(parts, isUsed)
        try mergeSeries(parts, ordinals, numbers)
    }

    /// Which pairs the series that are kept have.
    private static func usedHandles(
        _ part: any SeriesIndexPart, _ ordinals: [UInt32]
    ) throws(IndexError) -> [Bool] {
        var isUsed = [Bool](repeating: false, count: part.handleCount)
        var handles: [UInt32] = []
        var ends: [Int] = []
        for start in stride(from: 0, to: ordinals.count, by: batchCount) {
            handles.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
            let batch = ordinals[start..<min(ordinals.count, start + batchCount)]
            try part.appendHandles(of: batch, into: &handles, ends: &ends)
            for handle in handles { isUsed[Int(handle)] = true }
        }
        return isUsed
    }

    /// Writes names and values in order; answers each part's numbers by its handles.
    private mutating func mergePairs(
        _ parts: [any SeriesIndexPart], _ isUsed: [[Bool]]
    ) throws(IndexError) -> [[UInt32]] {
        var numbers = parts.map { [UInt32](repeating: .max, count: $0.handleCount) }
        var heads: [PairHead] = []
        for (index, part) in parts.enumerated() {
            let used = isUsed[index]
            var head = PairHead(
                part: index, handles: try part.handlesInLabelOrder().filter { used[Int($0)] })
            if try head.advance(part) { heads.append(head) }
        }
        while var least = heads.indices.first {
            for index in heads.indices.dropFirst()
            where PairHead.compare(heads[index], heads[least]) < 0 {
                least = index
            }
            let number = UInt32(pairCount)
            append(heads[least])
            let (name, value) = (heads[least].name, heads[least].value)
            for index in heads.indices.reversed()
            where heads[index].name == name && heads[index].value == value {
                let part = heads[index].part
                numbers[part][Int(heads[index].handle)] = number
                if try !heads[index].advance(parts[part]) { heads.remove(at: index) }
            }
        }
        return numbers
    }

    /// Where a part stands in the merge of pairs.
    private struct PairHead {
        let part: Int
        let handles: [UInt32]
        private var next = 0
        private(set) var handle: UInt32 = 0
        private(set) var name: [UInt8] = []
        private(set) var value: [UInt8] = []

        init(part: Int, handles: [UInt32]) {
            self.part = part
            self.handles = handles
        }

        /// False at the end.
        mutating func advance(_ part: any SeriesIndexPart) throws(IndexError) -> Bool {
            if next == handles.count { return false }
            handle = handles[next]
            next += 1
            var (name, value): ([UInt8], [UInt8]) = ([], [])
            try part.withPair(handle) { nameBytes, valueBytes in
                name = Array(nameBytes)
                value = Array(valueBytes)
            }
            self.name = name
            self.value = value
            return true
        }

        static func compare(_ a: PairHead, _ b: PairHead) -> Int {
            func order(_ x: [UInt8], _ y: [UInt8]) -> Int {
                x.withUnsafeBufferPointer { x in
                    y.withUnsafeBufferPointer { y in compareBytes(x, y) }
                }
            }
            let names = order(a.name, b.name)
            return names == 0 ? order(a.value, b.value) : names
        }
    }

    private mutating func append(_ head: PairHead) {
        let start = nameEnds.count < 2 ? 0 : Int(nameEnds[nameEnds.count - 2])
        if nameEnds.isEmpty || !nameBytes[start...].elementsEqual(head.name) {
            nameBytes.append(contentsOf: head.name)
            nameEnds.append(UInt32(nameBytes.count))
            namePairEnds.append(UInt32(pairCount))
        }
        valueBytes.append(contentsOf: head.value)
        valueEnds.append(UInt32(truncatingIfNeeded: valueBytes.count))
        nameOfPair.append(UInt32(nameEnds.count - 1))
        namePairEnds[namePairEnds.count - 1] = UInt32(pairCount)
    }

    /// Where a part stands in the merge of series.
    private struct SeriesHead {
        let part: Int
        private let ordinals: [UInt32]
        private let numbers: [UInt32]
        /// The series after `position`, and the handles of the batch that it is in.
        private var position = -1
        private var batch: [UInt32] = []
        private var ends: [Int] = []

        init(part: Int, ordinals: [UInt32], numbers: [UInt32]) {
            self.part = part
            self.ordinals = ordinals
            self.numbers = numbers
        }

        var ordinal: UInt32 { ordinals[position] }

        /// The handles of the series that this stands at.
        var handles: ArraySlice<UInt32> {
            let index = position % batchCount
            return batch[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
        }

        /// Goes to the next series; false at the end.
        mutating func advance(_ part: any SeriesIndexPart) throws(IndexError) -> Bool {
            position += 1
            if position == ordinals.count { return false }
            if position % batchCount == 0 {
                batch.removeAll(keepingCapacity: true)
                ends.removeAll(keepingCapacity: true)
                let end = min(ordinals.count, position + batchCount)
                try part.appendHandles(of: ordinals[position..<end], into: &batch, ends: &ends)
                for index in batch.indices { batch[index] = numbers[Int(batch[index])] }
            }
            return true
        }

        static func isLess(_ a: SeriesHead, _ b: SeriesHead) -> Bool {
            let (x, y) = (a.handles, b.handles)
            for (p, q) in zip(x, y) where p != q { return p < q }
            return x.count < y.count
        }
    }

    private mutating func mergeSeries(
        _ parts: [any SeriesIndexPart], _ ordinals: [[UInt32]], _ numbers: [[UInt32]]
    ) throws(IndexError) {
        var heads: [SeriesHead] = []
        for (index, part) in parts.enumerated() {
            var head = SeriesHead(part: index, ordinals: ordinals[index], numbers: numbers[index])
            if try head.advance(part) { heads.append(head) }
        }
        var text: [UInt8] = []
        while var least = heads.indices.first {
            for index in heads.indices.dropFirst()
            where SeriesHead.isLess(heads[index], heads[least]) {
                least = index
            }
            let start = handles.count
            handles.append(contentsOf: heads[least].handles)
            seriesEnds.append(UInt32(handles.count))
            refs.append(try parts[heads[least].part].ref(heads[least].ordinal))
            hashes.append(hash(start..<handles.count, &text))
            // The same labels in later parts: the first part's ref stays.
            for index in heads.indices.reversed()
            where index == least || heads[index].handles == handles[start...] {
                if try !heads[index].advance(parts[heads[index].part]) { heads.remove(at: index) }
            }
        }
    }

    /// `LabelHash` of the labels with these handles.
    private func hash(_ range: Range<Int>, _ text: inout [UInt8]) -> UInt64 {
        text.removeAll(keepingCapacity: true)
        for index in range {
            let handle = Int(handles[index])
            text.append(contentsOf: Self.slice(nameBytes, nameEnds, Int(nameOfPair[handle])))
            text.append(0xFF)
            text.append(contentsOf: Self.slice(valueBytes, valueEnds, handle))
            text.append(0xFF)
        }
        return XXHash64.hash(text)
    }

    private static func slice(_ bytes: [UInt8], _ ends: [UInt32], _ index: Int) -> ArraySlice<UInt8>
    {
        bytes[(index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])]
    }

    /// The ordinals of every pair, end to end, and where each pair's begin.
    func postings() -> (ordinals: [UInt32], starts: [Int]) {
        var starts = [Int](repeating: 0, count: pairCount + 1)
        for handle in handles { starts[Int(handle) + 1] += 1 }
        for handle in 0..<pairCount { starts[handle + 1] += starts[handle] }
        var next = starts
        var ordinals = [UInt32](repeating: 0, count: handles.count)
        for ordinal in 0..<seriesCount {
            for index in range(ordinal) {
                let handle = Int(handles[index])
                ordinals[next[handle]] = UInt32(ordinal)
                next[handle] += 1
            }
        }
        return (ordinals, starts)
    }
}
