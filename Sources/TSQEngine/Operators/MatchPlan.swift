import TSQModel
import TSQPromQL

/// The match groups of a vector–vector operation and its output series, worked out once.
struct MatchPlan {
    private(set) var manyGroup: [Int] = []
    private(set) var oneGroup: [Int] = []
    private(set) var groupCount = 0
    private(set) var output = OutputSeries()
    /// Many-side series with the same number have the same result labels in the same group.
    private(set) var twinClass: [Int] = []
    private var twinCounts: [Int] = []
    private var manyCounts: [Int] = []
    /// First output of each many-side series, and one more.
    private var firstOutput: [Int] = [0]
    /// The groups of one-side series in these series' order, where any may stand alone.
    private(set) var aloneGroups: [Int] = []
    /// Output of a one-side series that stands alone.
    private var aloneOutput: [Int] = []
    /// A one-side series' place among those of its group.
    private var positionInGroup: [Int] = []

    init() {}

    init(
        many: OutputSeries, one: OutputSeries, _ shape: MatchShape, _ query: QueryContext
    ) throws(QueryError) {
        let table = try MatchTable(many, one, shape.matching, query)
        manyGroup = table.leftGroup
        oneGroup = table.rightGroup
        groupCount = table.count
        let members = GroupMembers(oneGroup, groupCount: groupCount)
        positionInGroup = members.positions
        manyCounts = [Int](repeating: 0, count: groupCount)
        for group in manyGroup { manyCounts[group] += 1 }
        if table.isInStep && shape.dropsReservedAlone && !query.options.delayedNameRemoval {
            output = query.droppingName(many)
            twinClass = manyGroup
            twinCounts = manyCounts
            firstOutput = Array(0...many.count)
            return
        }
        try addOutputs(many, one, members, shape, query)
    }

    private mutating func addOutputs(
        _ many: OutputSeries, _ one: OutputSeries, _ members: borrowing GroupMembers,
        _ shape: MatchShape,
        _ query: QueryContext
    ) throws(QueryError) {
        let labels = ResultLabels(
            shape.matching, shape.operation, returnsBool: shape.returnsBool, query)
        let key = MatchKey(shape.matching, query)
        let none: ArraySlice<LabelPair> = []
        var scratch: [LabelPair] = []
        // Two many-side series of one group with the same labels are twins.
        var twins: [[Int]: Int] = [:]
        for series in 0..<many.count {
            try query.check(series)
            let group = manyGroup[series]
            let pairs = many.labels[series]
            // A filter between vectors forgets that the many side's name was to go (as Prometheus's
            // VectorBinop does); one with a scalar does not.
            let flag = shape.returnsBool && query.options.delayedNameRemoval
            if members[group].isEmpty && shape.fillOne == nil {
                twinClass.append(-1)
                firstOutput.append(output.count)
                continue
            }
            let first = output.count
            if labels.dependsOnOneSide {
                for member in members[group] {
                    labels.fill(&scratch, many: pairs, one: one.labels[member])
                    output.append(scratch, dropsName: flag)
                }
                if shape.fillOne != nil || members[group].isEmpty {
                    labels.fill(&scratch, many: pairs, one: key.reduce(pairs)[...])
                    output.append(scratch, dropsName: flag)
                }
            } else {
                labels.fill(&scratch, many: pairs, one: none)
                output.append(scratch, dropsName: flag)
            }
            firstOutput.append(output.count)
            noteTwin(group, first, &twins)
        }
        if shape.fillMany == nil { return }
        for series in 0..<one.count {
            if positionInGroup[series] == 0 { aloneGroups.append(oneGroup[series]) }
            aloneOutput.append(output.count)
            let pairs = one.labels[series]
            labels.fill(&scratch, many: key.reduce(pairs)[...], one: pairs)
            output.append(
                scratch, dropsName: shape.returnsBool && query.options.delayedNameRemoval)
        }
    }

    private mutating func noteTwin(_ group: Int, _ firstOutput: Int, _ twins: inout [[Int]: Int]) {
        if manyCounts[group] == 1 {
            twinClass.append(twinCounts.count)
            twinCounts.append(1)
            return
        }
        var key = [group]
        for pair in output.labels[firstOutput] {
            key.append(Int(pair.name.rawValue) << 32 | Int(pair.value.rawValue))
        }
        let number = twins[key] ?? twinCounts.count
        if number == twinCounts.count {
            twinCounts.append(0)
            twins[key] = number
        }
        twinCounts[number] += 1
        twinClass.append(number)
    }

    var byteCount: Int {
        let perSeries =
            manyGroup.count * 3 + oneGroup.count * 2 + aloneOutput.count + aloneGroups.count
        return (perSeries + twinCounts.count + manyCounts.count * 5) * 8
    }

    /// The series of each group, in order, in one array.
    private struct GroupMembers {
        private var ends: [Int]
        private var members: [Int]
        /// Each series' place among those of its group.
        private(set) var positions: [Int]

        init(_ groupOf: [Int], groupCount: Int) {
            ends = [Int](repeating: 0, count: groupCount)
            positions = groupOf.map { _ in 0 }
            for (series, group) in groupOf.enumerated() {
                positions[series] = ends[group]
                ends[group] += 1
            }
            for group in ends.indices.dropFirst() { ends[group] += ends[group - 1] }
            members = positions
            for (series, group) in groupOf.enumerated() {
                members[(group == 0 ? 0 : ends[group - 1]) + positions[series]] = series
            }
        }

        subscript(group: Int) -> ArraySlice<Int> {
            members[(group == 0 ? 0 : ends[group - 1])..<ends[group]]
        }
    }

    func outputs(ofMany series: Int) -> Range<Int> {
        firstOutput[series]..<firstOutput[series + 1]
    }

    func outputs(ofAlone series: Int) -> Int { aloneOutput[series] }

    func position(ofOne series: Int) -> Int { positionInGroup[series] }

    /// Several many-side series in the group.
    func isContested(_ group: Int) -> Bool { manyCounts[group] > 1 }

    /// Another many-side series of the group has the same result labels.
    func hasTwin(_ series: Int) -> Bool {
        twinClass[series] >= 0 && twinCounts[twinClass[series]] > 1
    }
}

/// The "one" side of a tile: for each group a row, put together from its series.
struct OneSide {
    private(set) var rows = RowStore()
    /// Row of each group, −1 for none.
    private var rowOfGroup: [Int] = []
    /// The series whose values the group's row has, −1 where several take turns.
    private var onlyMember: [Int] = []
    /// For groups whose series take turns: the series at each step, −1 for none.
    private var members: [Int: [Int]] = [:]
    /// Steps with two series of one group: group, step, the two series.
    private var conflicts: [(step: Int, first: Int, second: Int)] = []
    private var steps = 0
    private var filledRow: [Int: Int] = [:]

    var hasConflict: Bool { !conflicts.isEmpty }

    mutating func begin(groups: Int, series: Int, steps: Int) {
        rows.removeAll()
        rowOfGroup = [Int](repeating: -1, count: groups)
        onlyMember = rowOfGroup
        members.removeAll()
        conflicts.removeAll()
        filledRow.removeAll()
        self.steps = steps
    }

    mutating func add(_ row: inout StepRow, _ series: Int, group: Int) {
        let place = rowOfGroup[group]
        if place < 0 {
            onlyMember[group] = series
            rowOfGroup[group] = rows.append(&row)
            return
        }
        if onlyMember[group] >= 0 {
            let first = onlyMember[group]
            onlyMember[group] = -1
            members[group] = (0..<steps).map { rows[place].isPresent($0) ? first : -1 }
        }
        for step in 0..<steps where row.isPresent(step) {
            if let other = members[group]?[step], other >= 0 {
                conflicts.append((step, other, series))
                continue
            }
            members[group]?[step] = series
            rows[place].copy(row, from: step, to: step)
        }
    }

    /// The first conflict at the earliest step that `counts`.
    func firstConflict(where counts: [Bool]) -> (first: Int, second: Int)? {
        var best: (step: Int, first: Int, second: Int)?
        for conflict in conflicts where counts[conflict.step] {
            if let known = best,
                (known.step, known.second) <= (conflict.step, conflict.second)
            {
                continue
            }
            best = conflict
        }
        return best.map { ($0.first, $0.second) }
    }

    func row(of group: Int) -> Int? { rowOfGroup[group] < 0 ? nil : rowOfGroup[group] }

    /// The group's row, with `fill` where it has no value.
    mutating func row(of group: Int, fill: Double?, steps: Int) -> Int? {
        guard let fill else { return row(of: group) }
        if let known = filledRow[group] { return known }
        let place = rows.appendEmpty(stepCount: steps)
        if let source = row(of: group) { rows[place].assign(rows[source]) }
        for step in 0..<steps where !rows[place].isPresent(step) {
            rows[place].setFloat(step, fill)
        }
        filledRow[group] = place
        return place
    }

    /// The series that the group's value at `step` is from.
    func member(_ group: Int, _ step: Int) -> Int? {
        guard let place = row(of: group), rows[place].isPresent(step) else { return nil }
        let series = onlyMember[group] >= 0 ? onlyMember[group] : members[group]?[step] ?? -1
        return series < 0 ? nil : series
    }
}

/// The steps at which something was matched already.
struct MatchedSteps {
    enum Key: Hashable {
        case group(Int)
        case pair(Int)
        case result(Int)
    }

    private var flags: [Key: [Bool]] = [:]
    private var steps = 0

    mutating func begin(steps: Int) {
        flags.removeAll(keepingCapacity: true)
        self.steps = steps
    }

    /// False where a step was there already.
    mutating func add(_ row: borrowing StepRow, key: Key) -> Bool {
        var known = flags.removeValue(forKey: key) ?? [Bool](repeating: false, count: steps)
        var isNew = true
        for step in 0..<steps where row.tags[step] != StepRow.Tag.absent {
            if known[step] { isNew = false }
            known[step] = true
        }
        flags[key] = known
        return isNew
    }

    func contains(_ key: Key, _ step: Int) -> Bool { flags[key]?[step] ?? false }
}
