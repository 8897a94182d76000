import TSQBase
import TSQModel
import TSQStore

/// Readers that are kept while the store goes on.
struct HeldReaders {
    /// A selection and what it gave when it was made.
    var selection: (source: any SeriesSelection, symbols: SymbolTable, table: SampleTable)?
    var reader: ReadOnlyStore?
    var logPosition: LogPosition?
}

extension StoreSimulation {
    static let matcherLists: [[(String, LabelMatcher.Operation, String)]] = [
        [("__name__", .equal, "m0")],
        [("__name__", .regex, "m[12]")],
        [("__name__", .regex, ".+")],
        [("job", .equal, "even")],
        [("job", .notEqual, "even"), ("__name__", .regex, "m.*")],
        [("i", .regex, "1.*"), ("__name__", .equal, "m1")],
        [("zone", .equal, ""), ("job", .regex, "odd|even")],
        [("zone", .notEqual, "")],
        [("zone", .regex, "z.*")],
        [("__name__", .regex, "m.*"), ("i", .notRegex, "2|3|4|1.")],
        [("job", .regex, "odd|even"), ("i", .equal, "7")],
        [("nosuch", .equal, "x")],
        [("__name__", .equal, "m2"), ("i", .equal, "")],
        [("long", .regex, "(ab)+"), ("i", .notEqual, "11")],
    ]

    func matchers(_ index: Int) throws -> [LabelMatcher] {
        try Self.matcherLists[index].map { try LabelMatcher($0.0, $0.1, $0.2) }
    }

    /// Everything a source has.
    func table(of source: some SeriesSource) throws -> SampleTable {
        let symbols = SymbolTable()
        let selection = try source.select(
            SelectRequest(
                matchers: [try LabelMatcher("__name__", .regex, ".+")], fromMs: .min, toMs: .max),
            symbols: symbols)
        return try table(of: selection, symbols, .min, .max)
    }

    /// All samples of a selection in a range: series in a random order, a range read in pieces.
    func table(
        of selection: any SeriesSelection, _ symbols: SymbolTable, _ fromMs: TimestampMs,
        _ toMs: TimestampMs
    ) throws -> SampleTable {
        var table: SampleTable = [:]
        var columns = SampleColumns()
        var timesOfID: [UInt64: [TimestampMs]] = [:]
        var previous: LabelSet?
        for index in 0..<selection.count {
            let labels = selection.labels.labelSet(index, symbols)
            if let previous, !LabelSet.isOrderedBefore(previous, labels) {
                throw failure("series are not in label order: \(previous), \(labels)")
            }
            previous = labels
        }
        for index in (0..<selection.count).shuffled(using: &readRandom) {
            let labels = selection.labels.labelSet(index, symbols)
            guard let number = seriesOfLabels[labels] else {
                throw failure("a series that nobody wrote: \(labels)")
            }
            for (from, to) in pieces(fromMs, toMs) {
                try selection.read(index, fromMs: from, toMs: to, into: &columns)
                try add(columns, number, from, to, to: &table)
                if columns.timesID == 0 { continue }
                if timesOfID.updateValue(columns.times, forKey: columns.timesID) ?? columns.times
                    != columns.times
                {
                    throw failure("two time columns have the identity \(columns.timesID)")
                }
            }
        }
        return table
    }

    private func pieces(
        _ fromMs: TimestampMs, _ toMs: TimestampMs
    ) -> [(TimestampMs, TimestampMs)] {
        let isWhole = Bool.random(using: &readRandom)
        if fromMs == .min || isWhole || toMs - fromMs < 10 { return [(fromMs, toMs)] }
        let middle = Int64.random(in: fromMs...toMs, using: &readRandom)
        return [(fromMs, middle), (middle, toMs)]
    }

    private func add(
        _ columns: SampleColumns, _ number: Int, _ fromMs: TimestampMs, _ toMs: TimestampMs,
        to table: inout SampleTable
    ) throws {
        let starts = columns.startTimes
        if !starts.isEmpty && starts.count != columns.times.count {
            throw failure("start times of another count")
        }
        func add(_ key: SampleKey, _ value: StoredValue) throws {
            if key.timeMs <= fromMs || key.timeMs > toMs {
                throw failure("a sample at \(key.timeMs), outside of \(fromMs)…\(toMs)")
            }
            if table.updateValue(value, forKey: key) != nil {
                throw failure("series \(number) has two samples at \(key.timeMs)")
            }
        }
        for index in columns.times.indices {
            if index > 0 && columns.times[index - 1] >= columns.times[index] {
                throw failure("times of series \(number) do not ascend")
            }
            try add(
                SampleKey(series: number, timeMs: columns.times[index]),
                StoredValue(
                    bits: columns.values[index].bitPattern,
                    startTimeMs: starts.isEmpty ? 0 : starts[index]))
        }
        let histograms = columns.histograms
        for index in 0..<histograms.count {
            try add(
                SampleKey(series: number, timeMs: histograms.times[index], isHistogram: true),
                StoredValue(
                    bits: SimulatedSamples.digest(histograms.histogram(index)),
                    startTimeMs: histograms.startTimes.isEmpty ? 0 : histograms.startTimes[index])
            )
        }
    }

    /// A range that often lies where samples are.
    func range() -> (fromMs: TimestampMs, toMs: TimestampMs) {
        let now = clock.nowMs()
        switch below(4) {
        case 0: return (.min, .max)
        case 1: return (now - 60_000, now + 60_000)
        default:
            let from = now - Int64.random(in: 0...8_000_000, using: &random)
            return (from, from + Int64.random(in: 0...4_000_000, using: &random))
        }
    }

    /// Selects at random, and holds the answer against the model.
    func query(_ source: some SeriesSource, lossIsNamed: Bool = false) throws {
        let matchers = try matchers(below(Self.matcherLists.count))
        let (fromMs, toMs) = range()
        let symbols = SymbolTable()
        let selection = try source.select(
            SelectRequest(matchers: matchers, fromMs: fromMs, toMs: toMs), symbols: symbols)
        let found = try table(of: selection, symbols, fromMs, toMs)
        let wanted = Set(
            series.indices.filter { index in matchers.allSatisfy { $0.matches(series[index]) } })
        let wrong = model.mismatch(
            found, { $0.timeMs > fromMs && $0.timeMs <= toMs && wanted.contains($0.series) },
            .running, lossIsNamed: lossIsNamed)
        if let wrong { throw failure("\(matchers) from \(fromMs) to \(toMs): \(wrong)") }
    }

    /// Label names and values: none of a series with samples may be missing, and none may come
    /// from nowhere.
    func lists(_ source: some SeriesSource) throws {
        let matchers = below(3) == 0 ? [] : [try matchers(below(Self.matcherLists.count))]
        let (fromMs, toMs) = range()
        let name = ["i", "job", "zone", "__name__", "nosuch"][below(5)]
        let names = try source.labelNames(matching: matchers, fromMs: fromMs, toMs: toMs)
        let values = try source.labelValues(name, matching: matchers, fromMs: fromMs, toMs: toMs)
        let isWanted: (Int) -> Bool = { [series] index in
            matchers.isEmpty
                || matchers.contains { $0.allSatisfy { $0.matches(series[index]) } }
        }
        let possible = resolved.filter(isWanted).map { series[$0] }
        let floor = max(fromMs, model.cutoffMs)
        let doubtful = Set(model.doubtful { _ in true })
        let certain = Set(
            model.live.keys.filter {
                $0.timeMs >= floor && $0.timeMs <= toMs && !doubtful.contains($0)
            }.map(\.series)
        ).filter(isWanted).map { series[$0] }
        func check(_ found: [String], _ all: (LabelSet) -> [String], _ what: String) throws {
            if found
                != Array(Set(found)).sorted(by: {
                    Array($0.utf8).lexicographicallyPrecedes($1.utf8)
                })
            {
                throw failure("\(what) are not sorted, or not unique: \(found)")
            }
            let missing = Set(certain.flatMap(all)).subtracting(found)
            let surplus = Set(found).subtracting(possible.flatMap(all))
            if !missing.isEmpty || !surplus.isEmpty {
                throw failure("\(what) \(matchers): missing \(missing), surplus \(surplus)")
            }
        }
        try check(names, { $0.labels.map(\.name) }, "label names")
        try check(values, { $0[name].map { [$0] } ?? [] }, "values of \(name)")
    }
}
