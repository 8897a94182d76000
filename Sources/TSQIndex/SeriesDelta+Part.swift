import TSQBase
import TSQModel

extension SeriesDelta: SeriesIndexPart {
    package func select(_ matchers: [LabelMatcher]) -> [UInt32] {
        // The delta's methods throw nothing.
        guard let ordinals = try? MatcherResolver(source: self).resolve(matchers) else { return [] }
        return sortedByLabels(ordinals)
    }

    package func ref(_ ordinal: UInt32) -> UInt32 { firstRef + ordinal }

    package func ordinal(ref: UInt32) -> UInt32? {
        ref >= firstRef && ref - firstRef < UInt32(seriesCount) ? ref - firstRef : nil
    }

    package func lookup(_ labels: LabelSet, hash: UInt64) -> UInt32? {
        find(labels, hash: hash).map { firstRef + UInt32($0) }
    }

    package func appendLabels(
        of ordinals: Span<UInt32>, into labels: inout SeriesLabels, symbols: SymbolTable
    ) {
        var cache = PairCache(expecting: ordinals.count)
        var pairs: [LabelPair] = []
        for index in 0..<ordinals.count {
            pairs.removeAll(keepingCapacity: true)
            for position in range(Int(ordinals[index])) {
                let pair = seriesPairs[position]
                if let known = cache[pair] {
                    pairs.append(known)
                    continue
                }
                let name = names.withBytes(Int(nameOfPair[Int(pair)])) { symbols.intern($0) }
                let value = values.withBytes(Int(pair)) { symbols.intern($0) }
                let interned = LabelPair(name: name, value: value)
                cache[pair] = interned
                pairs.append(interned)
            }
            labels.append(pairs)
        }
    }

    package func labelSet(_ ordinal: UInt32) -> LabelSet { labelSet(at: Int(ordinal)) }

    package func labelNames() -> [String] {
        (0..<names.count).map { names.string($0) }.sorted(by: isBytewiseLess)
    }

    package func labelNames(of ordinals: Span<UInt32>) -> [String] {
        var isUsed = [Bool](repeating: false, count: names.count)
        for index in 0..<ordinals.count {
            for position in range(Int(ordinals[index])) {
                isUsed[Int(nameOfPair[Int(seriesPairs[position])])] = true
            }
        }
        return isUsed.indices.filter { isUsed[$0] }.map { names.string($0) }
            .sorted(by: isBytewiseLess)
    }

    package func labelValues(_ name: String) -> [(value: String, seriesCount: Int)] {
        guard let name = findName(name) else { return [] }
        return sortedByValue(pairsOfName[name]).map {
            (values.string(Int($0)), chains.count(Int($0)))
        }
    }

    package func labelValues(_ name: String, of ordinals: Span<UInt32>) -> [String] {
        guard let name = findName(name) else { return [] }
        var pairs: Set<UInt32> = []
        for index in 0..<ordinals.count {
            if let pair = handle(ofSeries: ordinals[index], name) { pairs.insert(pair) }
        }
        return sortedByValue(Array(pairs)).map { values.string(Int($0)) }
    }

    private func sortedByValue(_ pairs: [UInt32]) -> [UInt32] {
        pairs.sorted { values.compare(Int($0), Int($1)) < 0 }
    }

    package var handleCount: Int { pairCount }

    package func handlesInLabelOrder() -> [UInt32] { sortedByPair(Array(0..<UInt32(pairCount))) }

    package func ordinalsInLabelOrder() -> [UInt32] {
        sortedByLabels(Array(0..<UInt32(seriesCount)))
    }

    package func appendHandles(
        of ordinals: ArraySlice<UInt32>, into handles: inout [UInt32], ends: inout [Int]
    ) {
        for ordinal in ordinals {
            handles.append(contentsOf: seriesPairs[range(Int(ordinal))])
            ends.append(handles.count)
        }
    }

    package func withPair(
        _ handle: UInt32,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Void
    ) {
        names.withBytes(Int(nameOfPair[Int(handle)])) { name in
            values.withBytes(Int(handle)) { value in body(name, value) }
        }
    }
}

/// Symbols of the pairs met last: interning a pair twice costs ten times a look here.
struct PairCache {
    private var keys: [UInt32]
    private var pairs: [LabelPair]
    private let mask: UInt32

    init(expecting seriesCount: Int) {
        var size = 64
        while size < seriesCount * 2, size < 1 << 16 { size *= 2 }
        keys = [UInt32](repeating: .max, count: size)
        pairs = [LabelPair](
            repeating: LabelPair(name: SymbolID(0), value: SymbolID(0)), count: size)
        mask = UInt32(size - 1)
    }

    subscript(handle: UInt32) -> LabelPair? {
        get { keys[Int(handle & mask)] == handle ? pairs[Int(handle & mask)] : nil }
        set {
            guard let newValue else { return }
            keys[Int(handle & mask)] = handle
            pairs[Int(handle & mask)] = newValue
        }
    }
}
