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

    init(_ parts: [any SeriesIndexPart], keep: (UInt32) -> Bool) throws(IndexError) {
        var ordinals: [[UInt32]] = []
        var isUsed: [[Bool]] = []
        for part in parts {
            var kept: [UInt32] = []
            var used = [Bool](repeating: false, count: part.handleCount)
            var handles: [UInt32] = []
            for ordinal in try part.ordinalsInLabelOrder() where keep(try part.ref(ordinal)) {
                kept.append(ordinal)
                handles.removeAll(keepingCapacity: true)
                try part.appendHandles(of: ordinal, into: &handles)
                for handle in handles { used[Int(handle)] = true }
            }
            ordinals.append(kept)
            isUsed.append(used)
        }
        let numbers = try mergePairs(parts, isUsed)
        try mergeSeries(parts, ordinals, numbers)
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
        let ordinals: [UInt32]
        private var next = 0
        private(set) var ordinal: UInt32 = 0
        private(set) var handles: [UInt32] = []

        init(part: Int, ordinals: [UInt32]) {
            self.part = part
            self.ordinals = ordinals
        }

        mutating func advance(
            _ part: any SeriesIndexPart, _ numbers: [UInt32]
        ) throws(IndexError) -> Bool {
            if next == ordinals.count { return false }
            ordinal = ordinals[next]
            next += 1
            handles.removeAll(keepingCapacity: true)
            try part.appendHandles(of: ordinal, into: &handles)
            for index in handles.indices { handles[index] = numbers[Int(handles[index])] }
            return true
        }
    }

    private mutating func mergeSeries(
        _ parts: [any SeriesIndexPart], _ ordinals: [[UInt32]], _ numbers: [[UInt32]]
    ) throws(IndexError) {
        var heads: [SeriesHead] = []
        for (index, part) in parts.enumerated() {
            var head = SeriesHead(part: index, ordinals: ordinals[index])
            if try head.advance(part, numbers[index]) { heads.append(head) }
        }
        while var least = heads.indices.first {
            for index in heads.indices.dropFirst()
            where heads[index].handles.lexicographicallyPrecedes(heads[least].handles) {
                least = index
            }
            let series = heads[least].handles
            append(series, ref: try parts[heads[least].part].ref(heads[least].ordinal))
            // The same labels in later parts: the first part's ref stays.
            for index in heads.indices.reversed() where heads[index].handles == series {
                let part = heads[index].part
                if try !heads[index].advance(parts[part], numbers[part]) {
                    heads.remove(at: index)
                }
            }
        }
    }

    private mutating func append(_ series: [UInt32], ref: UInt32) {
        handles.append(contentsOf: series)
        seriesEnds.append(UInt32(handles.count))
        refs.append(ref)
        var text: [UInt8] = []
        for handle in series {
            let name = Int(nameOfPair[Int(handle)])
            text.append(contentsOf: Self.slice(nameBytes, nameEnds, name))
            text.append(0xFF)
            text.append(contentsOf: Self.slice(valueBytes, valueEnds, Int(handle)))
            text.append(0xFF)
        }
        hashes.append(XXHash64.hash(text))
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
