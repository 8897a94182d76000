import TSQBase

/// The labels of many series in one flat array.
///
/// - Shape: series `i` has `pairs[ends[i-1]..<ends[i]]`, sorted by label name (bytewise), names
///   unique. Symbols belong to the `SymbolTable` that was handed to whoever filled this.
package struct SeriesLabels: Sendable {
    package private(set) var pairs: [LabelPair] = []
    package private(set) var ends: [UInt32] = []

    package init() {}

    package var count: Int { ends.count }
    /// What the labels hold, for a query's byte budget.
    package var byteCount: Int { pairs.count * 8 + ends.count * 4 }

    /// Whether both are one array: a copy that was not written to.
    package func sharesStorage(with other: SeriesLabels) -> Bool {
        pairs.withUnsafeBufferPointer { a in
            other.pairs.withUnsafeBufferPointer { a.baseAddress == $0.baseAddress }
        }
    }

    package mutating func reserve(series: Int, pairs pairCount: Int) {
        ends.reserveCapacity(series)
        pairs.reserveCapacity(pairCount)
    }

    package mutating func append(_ labels: some Sequence<LabelPair>) {
        pairs.append(contentsOf: labels)
        ends.append(UInt32(pairs.count))
    }

    /// Like the generic one, which other modules call unspecialised: ten times the time.
    package mutating func append(_ labels: [LabelPair]) {
        pairs.append(contentsOf: labels)
        ends.append(UInt32(pairs.count))
    }

    package mutating func append(_ labels: ArraySlice<LabelPair>) {
        pairs.append(contentsOf: labels)
        ends.append(UInt32(pairs.count))
    }

    /// The same series without the labels of three names, and whether each lost the same labels.
    package func without(
        _ a: SymbolID, _ b: SymbolID, _ c: SymbolID
    ) -> (labels: SeriesLabels, isAlike: Bool) {
        func isDropped(_ pair: LabelPair) -> Bool {
            pair.name == a || pair.name == b || pair.name == c
        }
        let first = count == 0 ? [] : self[0].filter(isDropped)
        var isAlike = true
        var result = SeriesLabels()
        result.reserve(series: count, pairs: pairs.count)
        var index = 0
        for end in ends {
            var dropped = 0
            while index < Int(end) {
                let pair = pairs[index]
                index += 1
                if !isDropped(pair) {
                    result.pairs.append(pair)
                    continue
                }
                if dropped >= first.count || first[dropped] != pair { isAlike = false }
                dropped += 1
            }
            if dropped != first.count { isAlike = false }
            result.ends.append(UInt32(result.pairs.count))
        }
        return (result, isAlike)
    }

    /// Whether series `series` has the labels of `otherSeries` of `other`, but for those named `name`.
    package func isEqual(
        _ series: Int, to other: borrowing SeriesLabels, _ otherSeries: Int, without name: SymbolID
    ) -> Bool {
        let (mine, others) = (range(series), other.range(otherSeries))
        var (at, otherAt) = (mine.lowerBound, others.lowerBound)
        while true {
            while at < mine.upperBound && pairs[at].name == name { at += 1 }
            while otherAt < others.upperBound && other.pairs[otherAt].name == name { otherAt += 1 }
            if at == mine.upperBound || otherAt == others.upperBound {
                return at == mine.upperBound && otherAt == others.upperBound
            }
            if pairs[at] != other.pairs[otherAt] { return false }
            at += 1
            otherAt += 1
        }
    }

    package func range(_ series: Int) -> Range<Int> {
        (series == 0 ? 0 : Int(ends[series - 1]))..<Int(ends[series])
    }

    package subscript(series: Int) -> ArraySlice<LabelPair> { pairs[range(series)] }

    /// The value of the label `name` of a series: a linear scan, which beats hashing here.
    package func value(_ series: Int, of name: SymbolID) -> SymbolID? {
        for index in range(series) where pairs[index].name == name { return pairs[index].value }
        return nil
    }

    /// The same series with the symbols of another table: `numbers` has that of each of this one's.
    package func translated(_ numbers: [SymbolID]) -> SeriesLabels {
        var result = SeriesLabels()
        result.ends = ends
        result.pairs = pairs.map {
            LabelPair(
                name: numbers[Int($0.name.rawValue)], value: numbers[Int($0.value.rawValue)])
        }
        return result
    }

    /// The strings, for the borders.
    package func labelSet(_ series: Int, _ symbols: SymbolTable) -> LabelSet {
        LabelSet(
            sorted: self[series].map {
                Label(symbols.string($0.name), symbols.string($0.value))
            })
    }

    package mutating func removeAll() {
        pairs.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }
}
