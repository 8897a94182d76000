import TSQModel
import TSQPromQL

/// Which series of two sides belong together: the match groups of `on`/`ignoring`.
struct MatchTable {
    /// Group of each series of the left and right side.
    private(set) var leftGroup: [Int] = []
    private(set) var rightGroup: [Int] = []
    private(set) var count = 0
    /// Series of one number belong together, and to no others.
    private(set) var isInStep = false

    var byteCount: Int { (leftGroup.count + rightGroup.count) * 8 }

    init() {}

    init(
        _ left: OutputSeries, _ right: OutputSeries, _ matching: VectorMatching,
        _ query: QueryContext
    ) throws(QueryError) {
        isInStep = try Self.areInStep(left, right, matching, query)
        if isInStep {
            leftGroup = Array(0..<left.count)
            rightGroup = leftGroup
            count = left.count
            return
        }
        let key = MatchKey(matching, query)
        var index = LabelIndex()
        var scratch: [LabelPair] = []
        func groups(_ side: OutputSeries) throws(QueryError) -> [Int] {
            var groups: [Int] = []
            groups.reserveCapacity(side.count)
            for series in 0..<side.count {
                try query.check(series)
                key.reduce(side.labels, series, into: &scratch)
                groups.append(index.insert(scratch).index)
            }
            return groups
        }
        leftGroup = try groups(left)
        rightGroup = try groups(right)
        count = index.count
    }

    /// Whether both sides have the same labels but for the name, in the same order, and no two series
    /// of a side differ by their names alone: so it is with two selectors of metrics of one target.
    private static func areInStep(
        _ left: OutputSeries, _ right: OutputSeries, _ matching: VectorMatching,
        _ query: QueryContext
    ) throws(QueryError) -> Bool {
        let count = left.count
        if matching.isOn || !matching.labels.isEmpty || count != right.count || count == 0
            || !left.isDistinct
        {
            return false
        }
        let name = query.nameSymbol
        let firstName = left.labels.value(0, of: name)
        for series in 0..<count {
            try query.check(series)
            if left.labels.value(series, of: name) != firstName
                || !left.labels.isEqual(series, to: right.labels, series, without: name)
            {
                return false
            }
        }
        return true
    }
}

/// Reduces labels to those that are matched on: those of `on`, or all but those of `ignoring` and
/// the name.
struct MatchKey {
    private let names: [SymbolID]
    private let isOn: Bool

    init(_ matching: VectorMatching, _ query: QueryContext) {
        var names = matching.labels.map { query.symbols.intern($0) }
        if !matching.isOn { names.append(query.nameSymbol) }
        self.names = names
        isOn = matching.isOn
    }

    func reduce(
        _ labels: borrowing SeriesLabels, _ series: Int, into scratch: inout [LabelPair]
    ) {
        scratch.removeAll(keepingCapacity: true)
        for index in labels.range(series) {
            let pair = labels.pairs[index]
            if names.contains(pair.name) == isOn { scratch.append(pair) }
        }
    }

    func reduce(_ pairs: ArraySlice<LabelPair>) -> [LabelPair] {
        pairs.filter { names.contains($0.name) == isOn }
    }
}

/// The labels of a matched pair's result.
///
/// - Source: Prometheus promql/engine.go `resultMetric`: the "many" side's labels; one-to-one keeps
///   those matched on; `group_left(…)` takes the listed ones from the "one" side.
struct ResultLabels {
    private let query: QueryContext
    private let matching: VectorMatching
    private let matchedNames: [SymbolID]
    private let included: [SymbolID]
    private let dropsReserved: Bool

    init(
        _ matching: VectorMatching, _ operation: BinaryOperator, returnsBool: Bool,
        _ query: QueryContext
    ) {
        self.query = query
        self.matching = matching
        matchedNames = matching.labels.map { query.symbols.intern($0) }
        included = matching.include.map { query.symbols.intern($0) }
        let dropsAtOnce = returnsBool && !query.options.delayedNameRemoval
        dropsReserved = operation.changesMetric || dropsAtOnce
    }

    var dependsOnOneSide: Bool { !included.isEmpty }

    /// Fills `result` with the labels.
    func fill(
        _ result: inout [LabelPair], many: ArraySlice<LabelPair>, one: ArraySlice<LabelPair>
    ) {
        result.removeAll(keepingCapacity: true)
        let isOneToOne = matching.cardinality == .oneToOne
        for pair in many {
            if isOneToOne && matchedNames.contains(pair.name) != matching.isOn { continue }
            if dropsReserved && query.isReserved(pair.name) { continue }
            result.append(pair)
        }
        for name in included {
            let value = one.first { $0.name == name }?.value ?? query.emptySymbol
            result = query.setting(name, to: value, in: result[...])
        }
    }
}
