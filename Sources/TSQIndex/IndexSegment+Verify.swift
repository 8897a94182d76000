import TSQBase

extension IndexSegment {
    /// Reads everything, checks every checksum and every rule of the format.
    package func verify() throws(IndexError) {
        try check(0..<(range(.postings).upperBound))
        try verifyStrings()
        var isSeen = [Int](repeating: 0, count: pairCount)
        var cursor = SeriesCursor(self)
        var previous: [UInt32] = []
        var previousRef: UInt32?
        for ordinal in 0..<seriesCount {
            try cursor.seek(ordinal)
            let handles = cursor.handles
            if ordinal > 0, !previous.lexicographicallyPrecedes(handles) {
                throw violated(.series, "series \(ordinal) is not in label order")
            }
            for handle in handles { isSeen[Int(handle)] += 1 }
            previous = handles
            let byRef = try ref(try u32(.ordinalsByRef, ordinal))
            if let previousRef, byRef <= previousRef {
                throw violated(.ordinalsByRef, "refs are not in order at \(ordinal)")
            }
            previousRef = byRef
            let labels = try labelSet(UInt32(ordinal))
            if try lookup(labels, hash: LabelHash.hash(labels)) != ref(UInt32(ordinal)) {
                throw violated(.hashSlots, "series \(ordinal) is not found by its labels")
            }
        }
        try verifyPostings(isSeen)
    }

    private func verifyStrings() throws(IndexError) {
        for name in 0..<nameCount {
            if name > 0, try !Self.isAscending(nameBytes(name - 1), nameBytes(name)) {
                throw violated(.nameBytes, "names are not in order at \(name)")
            }
            let pairs = try pairRange(name)
            for handle in pairs.dropFirst() {
                if try !Self.isAscending(valueBytes(handle - 1), valueBytes(handle)) {
                    throw violated(.valueBytes, "values are not in order at \(handle)")
                }
            }
        }
        let pairEnd = nameCount == 0 ? 0 : try pairRange(nameCount - 1).upperBound
        if pairEnd != pairCount { throw violated(.namePairEnds, "pairs without a name") }
    }

    private static func isAscending(
        _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer
    ) -> Bool {
        a.lexicographicallyPrecedes(b)
    }

    /// Every pair's list has the series that have the pair, as many as were counted.
    private func verifyPostings(_ counts: [Int]) throws(IndexError) {
        for handle in 0..<pairCount {
            var ordinals: [UInt32] = []
            try appendPostings(UInt32(handle), into: &ordinals)
            if ordinals.count != counts[handle] {
                throw violated(.postings, "list \(handle) has \(ordinals.count) series")
            }
            var cursor = SeriesCursor(self)
            for ordinal in ordinals {
                try cursor.seek(Int(ordinal))
                if !cursor.handles.contains(UInt32(handle)) {
                    throw violated(
                        .postings, "list \(handle) has series \(ordinal), which lacks it")
                }
            }
        }
    }

    private func violated(_ section: IndexFormat.Section, _ reason: String) -> IndexError {
        .malformed(offset: range(section).lowerBound, reason: reason)
    }
}
