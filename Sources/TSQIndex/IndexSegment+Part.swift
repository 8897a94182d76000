import TSQBase
import TSQModel

extension IndexSegment: SeriesIndexPart {
    package func select(_ matchers: [LabelMatcher]) throws(IndexError) -> [UInt32] {
        try MatcherResolver(source: self).resolve(matchers)
    }

    package func ref(_ ordinal: UInt32) throws(IndexError) -> UInt32 {
        try u32(.refs, Int(ordinal))
    }

    package func ordinal(ref: UInt32) throws(IndexError) -> UInt32? {
        var (low, high) = (0, seriesCount)
        while low < high {
            let middle = (low + high) / 2
            let ordinal = try u32(.ordinalsByRef, middle)
            let candidate = try u32(.refs, Int(ordinal))
            if candidate == ref { return ordinal }
            if candidate < ref { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    package func lookup(_ labels: LabelSet, hash: UInt64) throws(IndexError) -> UInt32? {
        let tag = UInt8(truncatingIfNeeded: hash)
        let section = range(.hashSlots).lowerBound
        let ordinals = section + Self.ordinalSlotsOffset(slotCount)
        var slot = IndexFormat.firstSlot(hash, slotCount)
        for _ in 0..<slotCount {
            let offset = ordinals + slot * 4
            try check((section + slot)..<(section + slot + 1))
            try check(offset..<(offset + 4))
            let entry = raw.u32(offset)
            if entry == 0 { return nil }
            if raw[section + slot] == tag, try hasLabels(labels, entry - 1) {
                return try ref(entry - 1)
            }
            slot = slot + 1 == slotCount ? 0 : slot + 1
        }
        throw .malformed(offset: section, reason: "no free hash slot")
    }

    private func hasLabels(_ labels: LabelSet, _ ordinal: UInt32) throws(IndexError) -> Bool {
        var cursor = SeriesCursor(self)
        try cursor.seek(Int(ordinal))
        guard cursor.handles.count == labels.labels.count else { return false }
        for (handle, label) in zip(cursor.handles, labels.labels) {
            var (name, value) = (label.name, label.value)
            let valueBytes = try valueBytes(Int(handle))
            let nameBytes = try nameBytes(try self.name(Int(handle)))
            if !value.withUTF8({ $0.elementsEqual(valueBytes) })
                || !name.withUTF8({ $0.elementsEqual(nameBytes) })
            {
                return false
            }
        }
        return true
    }

    package func appendLabels(
        of ordinals: Span<UInt32>, into labels: inout SeriesLabels, symbols: SymbolTable
    ) throws(IndexError) {
        var cache = PairCache(expecting: ordinals.count)
        var cursor = SeriesCursor(self)
        var pairs: [LabelPair] = []
        for index in 0..<ordinals.count {
            try cursor.seek(Int(ordinals[index]))
            if index == 0 {
                // As if all had about as many: growing would hold everything twice.
                labels.reserve(
                    series: ordinals.count, pairs: ordinals.count * (cursor.handles.count + 1))
            }
            pairs.removeAll(keepingCapacity: true)
            for handle in cursor.handles {
                if let known = cache[handle] {
                    pairs.append(known)
                    continue
                }
                let name = try nameBytes(try name(Int(handle)))
                let value = try valueBytes(Int(handle))
                let pair = LabelPair(
                    name: name.withMemoryRebound(to: UInt8.self) { symbols.intern($0) },
                    value: value.withMemoryRebound(to: UInt8.self) { symbols.intern($0) })
                cache[handle] = pair
                pairs.append(pair)
            }
            labels.append(pairs)
        }
    }

    package func labelSet(_ ordinal: UInt32) throws(IndexError) -> LabelSet {
        var cursor = SeriesCursor(self)
        try cursor.seek(Int(ordinal))
        var labels: [Label] = []
        for handle in cursor.handles {
            let name = try name(Int(handle))
            labels.append(Label(try nameString(name), try valueString(Int(handle))))
        }
        return LabelSet(sorted: labels)
    }

    private func nameString(_ name: Int) throws(IndexError) -> String {
        String(decoding: try nameBytes(name), as: UTF8.self)
    }

    private func valueString(_ handle: Int) throws(IndexError) -> String {
        String(decoding: try valueBytes(handle), as: UTF8.self)
    }

    package func labelNames() throws(IndexError) -> [String] {
        try (0..<nameCount).map { name throws(IndexError) in try nameString(name) }
    }

    package func labelNames(of ordinals: Span<UInt32>) throws(IndexError) -> [String] {
        // The name of every pair met is looked up once.
        var isSeen = [Bool](repeating: false, count: pairCount)
        var isUsed = [Bool](repeating: false, count: nameCount)
        var cursor = SeriesCursor(self)
        for index in 0..<ordinals.count {
            try cursor.seek(Int(ordinals[index]))
            for handle in cursor.handles where !isSeen[Int(handle)] {
                isSeen[Int(handle)] = true
                isUsed[try name(Int(handle))] = true
            }
        }
        return try isUsed.indices.filter { isUsed[$0] }
            .map { name throws(IndexError) in try nameString(name) }
    }

    package func labelValues(
        _ name: String
    ) throws(IndexError) -> [(value: String, seriesCount: Int)] {
        guard let name = try nameIndex(name) else { return [] }
        return try pairRange(name).map { handle throws(IndexError) in
            (try valueString(handle), try postingsCount(UInt32(handle)))
        }
    }

    package func labelValues(
        _ name: String, of ordinals: Span<UInt32>
    ) throws(IndexError) -> [String] {
        guard let name = try nameIndex(name) else { return [] }
        let range = try pairRange(name)
        var isUsed = [Bool](repeating: false, count: range.count)
        var cursor = SeriesCursor(self)
        for index in 0..<ordinals.count {
            try cursor.seek(Int(ordinals[index]))
            for handle in cursor.handles where range.contains(Int(handle)) {
                isUsed[Int(handle) - range.lowerBound] = true
            }
        }
        return try isUsed.indices.filter { isUsed[$0] }
            .map { index throws(IndexError) in try valueString(range.lowerBound + index) }
    }

    package var handleCount: Int { pairCount }

    package func handlesInLabelOrder() -> [UInt32] { Array(0..<UInt32(pairCount)) }

    package func ordinalsInLabelOrder() -> [UInt32] { Array(0..<UInt32(seriesCount)) }

    package func appendHandles(
        of ordinals: ArraySlice<UInt32>, into handles: inout [UInt32], ends: inout [Int]
    ) throws(IndexError) {
        var cursor = SeriesCursor(self)
        for ordinal in ordinals {
            try cursor.seek(Int(ordinal))
            handles.append(contentsOf: cursor.handles)
            ends.append(handles.count)
        }
    }

    package func withPair(
        _ handle: UInt32,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Void
    ) throws(IndexError) {
        let name = try nameBytes(try name(Int(handle)))
        let value = try valueBytes(Int(handle))
        name.withMemoryRebound(to: UInt8.self) { name in
            value.withMemoryRebound(to: UInt8.self) { value in body(name, value) }
        }
    }
}
