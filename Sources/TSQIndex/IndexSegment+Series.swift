import TSQModel

/// The labels of series as handles.
extension IndexSegment {
    func nameBytes(_ name: Int) throws(IndexError) -> UnsafeRawBufferPointer {
        let start = name == 0 ? 0 : Int(try u32(.nameEnds, name - 1))
        return try slice(.nameBytes, start, Int(try u32(.nameEnds, name)))
    }

    func valueBytes(_ handle: Int) throws(IndexError) -> UnsafeRawBufferPointer {
        let start = handle == 0 ? 0 : Int(try u32(.valueEnds, handle - 1))
        return try slice(.valueBytes, start, Int(try u32(.valueEnds, handle)))
    }

    func pairRange(_ name: Int) throws(IndexError) -> Range<Int> {
        let start = name == 0 ? 0 : Int(try u32(.namePairEnds, name - 1))
        let end = Int(try u32(.namePairEnds, name))
        guard start <= end, end <= pairCount else {
            throw .malformed(
                offset: range(.namePairEnds).lowerBound + name * 4, reason: "pairs of a name")
        }
        return start..<end
    }

    /// The index of the name of a pair.
    func name(_ handle: Int) throws(IndexError) -> Int {
        var (low, high) = (0, nameCount)
        while low < high {
            let middle = (low + high) / 2
            if Int(try u32(.namePairEnds, middle)) <= handle {
                low = middle + 1
            } else {
                high = middle
            }
        }
        if low == nameCount {
            throw .malformed(
                offset: range(.namePairEnds).lowerBound, reason: "pair \(handle) without a name")
        }
        return low
    }

    /// The handles of series, cheapest in ascending order of their ordinals.
    struct SeriesCursor {
        private let segment: IndexSegment
        private var reader = IndexReader(
            UnsafeRawBufferPointer(start: nil, count: 0), fileOffset: 0)
        private var block = -1
        /// The ordinal that `reader` is at.
        private var next = 0
        /// The labels of the series before `next`.
        private(set) var handles: [UInt32] = []

        init(_ segment: IndexSegment) { self.segment = segment }

        /// Fills `handles` with those of the series `ordinal`.
        mutating func seek(_ ordinal: Int) throws(IndexError) {
            guard ordinal < segment.seriesCount else {
                throw .malformed(
                    offset: segment.range(.series).lowerBound, reason: "no series \(ordinal)")
            }
            let wanted = ordinal / IndexFormat.seriesPerBlock
            if wanted != block || ordinal < next - 1 {
                let last =
                    (segment.seriesCount - 1) / IndexFormat.seriesPerBlock
                let start = Int(try segment.u32(.seriesBlocks, wanted))
                let end =
                    wanted == last
                    ? segment.range(.series).count
                    : Int(try segment.u32(.seriesBlocks, wanted + 1))
                reader = IndexReader(
                    try segment.slice(.series, start, end),
                    fileOffset: segment.range(.series).lowerBound + start)
                block = wanted
                next = wanted * IndexFormat.seriesPerBlock
                handles.removeAll(keepingCapacity: true)
            }
            while next <= ordinal { try advance() }
        }

        private mutating func advance() throws(IndexError) {
            let shared = Int(try reader.uvarint(max: UInt64(handles.count)))
            let added = try reader.uvarint(max: UInt64(segment.pairCount))
            handles.removeLast(handles.count - shared)
            for _ in 0..<added {
                let handle = UInt32(try reader.uvarint(max: UInt64(segment.pairCount - 1)))
                if let last = handles.last, handle <= last {
                    throw reader.malformed("labels out of order")
                }
                handles.append(handle)
            }
            next += 1
        }
    }
}
