import TSQModel

/// The groups of an aggregation: which one each input series belongs to, and their labels.
struct GroupTable {
    /// Group of each input series, numbered in the order in which they are met.
    private var groupOf: [Int32] = []
    private(set) var output = OutputSeries()
    private(set) var memberCounts: [Int] = []
    /// Groups that keep a part of the name, whose members do not agree on whether it goes.
    private var contested: Set<Int> = []

    var count: Int { output.count }
    var byteCount: Int { groupOf.count * 4 + memberCounts.count * 8 + output.byteCount }

    /// The group of input series `index`.
    @inline(__always)
    func group(of index: Int) -> Int { Int(groupOf[index]) }

    init() {}

    init(
        _ input: OutputSeries, grouping: [String], isWithout: Bool, _ query: QueryContext
    ) throws(QueryError) {
        if grouping.isEmpty && !isWithout {
            formOne(of: input)
            return
        }
        let key = GroupingKey(grouping: grouping, isWithout: isWithout, query)
        var index = LabelIndex()
        var drops: [Bool] = []
        groupOf.reserveCapacity(input.count)
        var scratch: [LabelPair] = []
        for series in 0..<input.count {
            try query.check(series)
            key.reduce(input.labels, series, into: &scratch)
            let (group, isNew) = index.insert(scratch)
            if isNew {
                memberCounts.append(0)
                drops.append(false)
            }
            memberCounts[group] += 1
            if isNew {
                drops[group] = input.dropsName(series)
            } else if drops[group] != input.dropsName(series) {
                drops[group] = true
                if scratch.contains(where: { query.isReserved($0.name) }) {
                    contested.insert(group)
                }
            }
            groupOf.append(Int32(group))
        }
        output = OutputSeries(distinct: index.labels)
        if drops.contains(true) { output.dropsName = drops }
    }

    /// All series in one group without labels; none where there is no series.
    private mutating func formOne(of input: OutputSeries) {
        if input.count == 0 { return }
        groupOf = [Int32](repeating: 0, count: input.count)
        memberCounts = [input.count]
        var index = LabelIndex()
        _ = index.insert([])
        output = OutputSeries(distinct: index.labels)
        if input.dropsName.contains(true) { output.dropsName = [true] }
    }

    /// The groups as series, with the last word on their names.
    func settled(of child: Operator) throws(QueryError) -> OutputSeries {
        var series = output
        try NameSettlement.settle(contested, by: .lastValues, of: child, groupOf, &series)
        return series
    }
}

/// In which order the groups come: that of the first series of each that is there at all.
struct GroupOrder {
    private(set) var groups: [Int] = []
    private var isKnown: [Bool] = []

    mutating func begin(count: Int) {
        groups.removeAll(keepingCapacity: true)
        isKnown = [Bool](repeating: false, count: count)
    }

    /// A row of `group` has come; one without values says nothing.
    ///
    /// - Returns: whether it is the group's first.
    @discardableResult
    mutating func note(_ group: Int, _ row: borrowing StepRow) -> Bool {
        if isKnown[group] || row.isEmpty { return false }
        isKnown[group] = true
        groups.append(group)
        return true
    }
}

/// Reduces labels to those of `by` or `without`.
struct GroupingKey {
    private let names: [SymbolID]
    private let isWithout: Bool

    init(grouping: [String], isWithout: Bool, _ query: QueryContext) {
        var names = grouping.map { query.symbols.intern($0) }
        if isWithout { names.append(query.nameSymbol) }
        self.names = names
        self.isWithout = isWithout
    }

    func reduce(
        _ labels: borrowing SeriesLabels, _ series: Int, into scratch: inout [LabelPair]
    ) {
        scratch.removeAll(keepingCapacity: true)
        for index in labels.range(series) {
            let pair = labels.pairs[index]
            if names.contains(pair.name) != isWithout { scratch.append(pair) }
        }
    }

    func reduce(_ pairs: ArraySlice<LabelPair>) -> [LabelPair] {
        pairs.filter { names.contains($0.name) != isWithout }
    }
}
