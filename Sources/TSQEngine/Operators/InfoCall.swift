import TSQBase
import TSQModel
import TSQPromQL

/// `info(v, {selector})`: adds the labels of info series (`target_info`) with the same job and
/// instance. Which info series counts can change from step to step, so all steps are worked out
/// before the series are named.
///
/// - Source: Prometheus promql/info.go, 3.14.
final class InfoCall: Operator {
    private let child: Operator
    private let info: InfoSelection
    /// Whether elements that have become equal are told apart until the end.
    private let keepsEqual: Bool
    private var numbers: [Int] = []
    private var rows = RowStore()
    private var tile = Tile(0, 0)
    private var position = 0

    init(_ child: Operator, _ info: InfoSelection, keepsEqual: Bool) {
        self.child = child
        self.info = info
        self.keepsEqual = keepsEqual
        super.init(child.query, steps: child.steps)
    }

    override func open() throws(QueryError) {
        try child.prepare()
        let base = child.series
        let ignored = (0..<base.count).map { index in
            info.nameMatchers.allSatisfy {
                $0.matches(query.text(base.labels.value(index, of: query.nameSymbol)))
            } && info.leavesInfoSeries
        }
        let all = Tile(0, steps.count)
        let bytes = max(1, base.count) * steps.count * Self.bytesPerStep
        try query.budget.memory.hold(Int64(bytes), for: query.text(of: self))
        var table = InfoTable(query, stepCount: steps.count)
        if let leaf = try infoLeaf(base, ignored) {
            try leaf.prepare()
            try leaf.begin(all)
            var row = StepRow(stepCount: steps.count)
            while let index = try leaf.next(into: &row) {
                try table.add(row, leaf.series.labels[index])
            }
        }
        try combine(base, ignored, table)
    }

    override var inputs: [any PlanPart] { [child] }

    /// The info series with one of the base series' identifying values.
    private func infoLeaf(_ base: OutputSeries, _ ignored: [Bool]) throws(QueryError) -> Operator? {
        var matchers: [LabelMatcher] = []
        for name in InfoTable.identifyingNames {
            let symbol = query.symbols.intern(name)
            var values: Set<String> = []
            for index in 0..<base.count where !ignored[index] {
                if let value = base.labels.value(index, of: symbol) {
                    values.insert(query.symbols.string(value))
                }
            }
            if values.isEmpty { continue }
            let pattern = values.sorted(by: isBytewiseLess).map(Self.quoted).joined(separator: "|")
            do throws(RegexError) {
                matchers.append(try LabelMatcher(name, .regex, pattern))
            } catch {
                throw .execution(error.message)
            }
        }
        if matchers.isEmpty { return nil }
        return VectorLeaf(
            query, steps: steps, matchers: info.nameMatchers + matchers + info.dataMatchers,
            times: info.times, answer: .timeMs, countsSamples: true, limits: info.limits)
    }

    private static func quoted(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if "\\.+*?()|[]{}^$".unicodeScalars.contains(scalar) { result += "\\" }
            result.unicodeScalars.append(scalar)
        }
        return result
    }

    private func combine(
        _ base: OutputSeries, _ ignored: [Bool], _ table: InfoTable
    ) throws(QueryError) {
        let requiresMatch = !info.dataMatchers.allSatisfy(\.matchesEmpty)
        let dataNames = Set(info.dataMatchers.map { query.symbols.intern($0.name) })
        var index = LabelIndex()
        var row = StepRow(stepCount: steps.count)
        try child.begin(Tile(0, steps.count))
        while let number = try child.next(into: &row) {
            let pairs = base.labels[number]
            var known: [[Int]: Int?] = [:]
            for step in 0..<steps.count where row.isPresent(step) {
                let found = ignored[number] ? [] : table.series(for: pairs, step)
                let output: Int?
                if let answer = known[found] {
                    output = answer
                } else {
                    var labels: [LabelPair]? = Array(pairs)
                    if !ignored[number] {
                        if found.isEmpty && requiresMatch {
                            labels = nil
                        } else {
                            labels = try table.enriched(pairs, found, dataNames)
                        }
                    }
                    output = labels.map { insert($0, base.dropsName(number), &index) }
                    known[found] = .some(output)
                }
                guard let output else { continue }
                if rows[output].isPresent(step) { throw .sameLabelset }
                rows[output].copy(row, from: step, to: step)
            }
        }
        if !keepsEqual { series.labels = index.labels }
    }

    private func insert(_ labels: [LabelPair], _ drops: Bool, _ index: inout LabelIndex) -> Int {
        if keepsEqual {
            series.append(labels[...])
            return rows.appendEmpty(stepCount: steps.count)
        }
        let (output, isNew) = index.insert(labels)
        if isNew { _ = rows.appendEmpty(stepCount: steps.count) }
        return output
    }

    override func start(_ tile: Tile) {
        self.tile = tile
        position = 0
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if position == rows.count { return nil }
        row.reset(stepCount: tile.count)
        for step in 0..<tile.count { row.copy(rows[position], from: tile.first + step, to: step) }
        position += 1
        return position - 1
    }
}

/// The second argument of `info()`, taken apart.
struct InfoSelection {
    /// Conditions on the info metric's name; `target_info` where none is given.
    var nameMatchers: [LabelMatcher]
    /// Conditions on its other labels, which are those that are added (none: all).
    var dataMatchers: [LabelMatcher]
    /// Info series among the base series stay as they are; a selector without a condition on the name
    /// asks for none of them.
    let leavesInfoSeries: Bool
    var times: SelectorTimes
    /// What is read of the info series.
    let limits: ClosedRange<TimestampMs>?

    /// Conditions that only exclude names mean the info metrics among the rest.
    private static let anyInfoPattern = ".+_info"

    init(
        _ selector: VectorSelector?, times: SelectorTimes, limits: ClosedRange<TimestampMs>?
    ) throws(QueryError) {
        self.limits = limits
        let matchers = selector?.matchers ?? []
        let names = matchers.filter { $0.name == LabelName.metricName }
        leavesInfoSeries = selector == nil || !names.isEmpty
        nameMatchers =
            names.isEmpty ? [LabelMatcher(equal: LabelName.metricName, "target_info")] : names
        if nameMatchers.allSatisfy(\.operation.isNegative) {
            do throws(RegexError) {
                nameMatchers.append(
                    try LabelMatcher(LabelName.metricName, .regex, Self.anyInfoPattern))
            } catch {
                throw .execution(error.message)
            }
        }
        dataMatchers = matchers.filter { $0.name != LabelName.metricName }
        self.times = times
    }
}

/// The info series by name and identifying labels, with the newest of each at every step.
struct InfoTable {
    static let identifyingNames = ["instance", "job"]

    private let query: QueryContext
    private let stepCount: Int
    private let identifying: [SymbolID]
    private var labels = SeriesLabels()
    private var metricNames: [SymbolID] = []
    private var groups = LabelIndex()
    /// Info series of group g at step s, −1 for none, and when its sample was taken.
    private var newest: [[Int32]] = []
    private var newestMs: [[Double]] = []

    init(_ query: QueryContext, stepCount: Int) {
        self.query = query
        self.stepCount = stepCount
        identifying = Self.identifyingNames.map { query.symbols.intern($0) }
    }

    private func signature(_ name: SymbolID, _ pairs: ArraySlice<LabelPair>) -> [LabelPair] {
        [LabelPair(name: query.nameSymbol, value: name)]
            + pairs.filter { identifying.contains($0.name) }
    }

    mutating func add(
        _ row: borrowing StepRow, _ pairs: ArraySlice<LabelPair>
    ) throws(QueryError) {
        let name = pairs.first { $0.name == query.nameSymbol }?.value ?? query.emptySymbol
        if !metricNames.contains(name) { metricNames.append(name) }
        let number = Int32(labels.count)
        labels.append(pairs)
        let (group, isNew) = groups.insert(signature(name, pairs))
        if isNew {
            newest.append([Int32](repeating: -1, count: stepCount))
            newestMs.append([Double](repeating: 0, count: stepCount))
        }
        if row.tags.contains(StepRow.Tag.histogram) {
            throw .execution(
                "this should be an info metric, with float samples: \(query.describe(pairs))")
        }
        for step in 0..<stepCount where row.tags[step] == StepRow.Tag.float {
            let timeMs = row.values[step]
            let other = newest[group][step]
            if other >= 0 {
                if newestMs[group][step] > timeMs { continue }
                if newestMs[group][step] == timeMs {
                    let at = "@ \(GoNumber.int64(timeMs))"
                    throw .execution(
                        "found duplicate series for info metric: existing "
                            + "\(query.describe(labels[Int(other)])) \(at), new "
                            + "\(query.describe(pairs)) \(at)")
                }
            }
            newest[group][step] = number
            newestMs[group][step] = timeMs
        }
    }

    /// The info series that belong to `pairs` at `step`.
    func series(for pairs: ArraySlice<LabelPair>, _ step: Int) -> [Int] {
        metricNames.compactMap { name in
            guard let group = groups.find(signature(name, pairs)[...]) else { return nil }
            let number = newest[group][step]
            return number < 0 ? nil : Int(number)
        }
    }

    /// `base` with the labels of `found`; those that it has already stay.
    func enriched(
        _ base: ArraySlice<LabelPair>, _ found: [Int], _ dataNames: Set<SymbolID>
    ) throws(QueryError) -> [LabelPair] {
        var added: [SymbolID: SymbolID] = [:]
        var result = Array(base)
        for number in found {
            for pair in labels[number] {
                if pair.name == query.nameSymbol { continue }
                if !dataNames.isEmpty && !dataNames.contains(pair.name) { continue }
                if let other = added[pair.name], other != pair.value {
                    throw .execution("conflicting label: \(query.text(pair.name))")
                }
                if base.contains(where: { $0.name == pair.name }) { continue }
                added[pair.name] = pair.value
                result = query.setting(pair.name, to: pair.value, in: result[...])
            }
        }
        return result
    }
}
