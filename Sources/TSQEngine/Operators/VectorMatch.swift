import TSQModel
import TSQPromQL

/// Arithmetic and comparison between two vectors: one-to-one, many-to-one, one-to-many.
///
/// The "one" side of a tile is held, the "many" side flows through. Output series are numbered: the
/// results of a many-side series, then those of one-side series that stand alone (with a fill value
/// for the many side). They are not unique: `UniqueSeries` comes after.
final class VectorMatch: Operator {
    private let many: Operator
    private let one: Operator
    private let shape: MatchShape
    @exclusivity(unchecked) private var plan = MatchPlan()
    @exclusivity(unchecked) private var oneSide = OneSide()
    @exclusivity(unchecked) private var matched = MatchedSteps()
    @exclusivity(unchecked) private var context: KernelContext
    @exclusivity(unchecked) private var manyRow = StepRow(stepCount: 0)
    @exclusivity(unchecked) private var manyStore = RowStore()
    /// Numbers of the many-side rows that were read ahead to find an error's place.
    @exclusivity(unchecked) private var readAhead: [Int]?
    private var readAheadPosition = 0
    @exclusivity(unchecked) private var ready: [(series: Int, row: Int)] = []
    @exclusivity(unchecked) private var readyRows = RowStore()
    private var alonePlace = 0
    private var tile = Tile(0, 0)

    init(
        left: Operator, right: Operator, _ operation: BinaryOperator, returnsBool: Bool,
        matching: VectorMatching, context: KernelContext
    ) {
        shape = MatchShape(operation, returnsBool: returnsBool, matching)
        many = shape.isSwapped ? right : left
        one = shape.isSwapped ? left : right
        self.context = context
        // Of the pairs of one step Prometheus tells the last remark alone (`lastErr`).
        self.context.lastRemarks = [:]
        super.init(left.query, steps: left.steps)
    }

    override func open() throws(QueryError) {
        let looksUpAhead = query.looksUpAhead
        if many is Beside { query.looksUpAhead = false }
        defer { query.looksUpAhead = looksUpAhead }
        try (shape.isSwapped ? one : many).prepare()
        if !shape.isSwapped { try (many as? Beside)?.startAhead() }
        try (shape.isSwapped ? many : one).prepare()
        plan = try MatchPlan(many: many.series, one: one.series, shape, query)
        series = plan.output
    }

    override func start(_ tile: Tile) throws(QueryError) {
        self.tile = tile
        context.steps = stepRange(tile)
        oneSide.begin(groups: plan.groupCount, series: one.series.count, steps: tile.count)
        if many is Beside { try many.begin(tile) }
        try one.begin(tile)
        var row = StepRow(stepCount: tile.count)
        while let index = try one.next(into: &row) {
            if row.isEmpty { continue }
            try holdHistograms(of: row)
            oneSide.add(&row, index, group: plan.oneGroup[index])
        }
        matched.begin(steps: tile.count)
        if !(many is Beside) { try many.begin(tile) }
        readAhead = nil
        if oneSide.hasConflict { try refuseConflicts() }
        readyRows.removeAll()
        ready.removeAll()
        alonePlace = 0
    }

    /// Two series of the "one" side in one group at one step are an error, unless the other side has
    /// nothing at all at that step.
    private func refuseConflicts() throws(QueryError) {
        manyStore.removeAll()
        var numbers: [Int] = []
        var anyPresent = [Bool](repeating: shape.hasFill, count: tile.count)
        while let index = try many.next(into: &manyRow) {
            for step in 0..<tile.count where manyRow.isPresent(step) { anyPresent[step] = true }
            numbers.append(index)
            try holdMore(tile.count * Self.bytesPerStep)
            try holdHistograms(of: manyRow)
            _ = manyStore.append(&manyRow)
        }
        if let (first, second) = oneSide.firstConflict(where: anyPresent) {
            let group = MatchKey(shape.matching, query).reduce(one.series.labels[second])
            throw .execution(
                "found duplicate series for the match group \(query.describe(group)) on the "
                    + "\(shape.isSwapped ? "left" : "right") hand-side of the operation: "
                    + "[\(query.describe(one.series.labels[second])), "
                    + "\(query.describe(one.series.labels[first]))]"
                    + ";many-to-many matching not allowed: matching labels must be unique on one "
                    + "side")
        }
        readAhead = numbers
        readAheadPosition = 0
    }

    private func nextMany() throws(QueryError) -> Int? {
        guard let readAhead else { return try many.next(into: &manyRow) }
        if readAheadPosition == readAhead.count { return nil }
        manyStore.take(readAheadPosition, into: &manyRow)
        readAheadPosition += 1
        return readAhead[readAheadPosition - 1]
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        while true {
            if let (series, place) = ready.popLast() {
                readyRows.take(place, into: &row)
                return series
            }
            // All were handed out: their buffers serve the next ones.
            readyRows.removeAll()
            if let index = try nextMany() {
                if let series = try match(index, &row) { return series }
                continue
            }
            // Prometheus goes over the "one" side in its order, and tells the last remark of a step.
            if alonePlace < plan.aloneGroups.count {
                alonePlace += 1
                matchAlone(plan.aloneGroups[alonePlace - 1])
                continue
            }
            context.tellLastRemarks()
            query.take(&context)
            return nil
        }
    }

    /// The results of one many-side row; the output series, or nil where they are in `ready`.
    private func match(_ index: Int, _ row: inout StepRow) throws(QueryError) -> Int? {
        let group = plan.manyGroup[index]
        guard let place = oneSide.row(of: group, fill: shape.fillOne, steps: tile.count) else {
            return nil
        }
        apply(place, &row)
        try noteMatched(index, group, row)
        let outputs = plan.outputs(ofMany: index)
        if outputs.count == 1 { return outputs.lowerBound }
        scatter(row, outputs, group)
        return nil
    }

    private func apply(_ place: Int, _ row: inout StepRow) {
        row.reset(stepCount: tile.count)
        if shape.isSwapped {
            BinaryKernels.apply(
                shape.operation, oneSide.rows[place], manyRow, returnsBool: shape.returnsBool,
                swapped: false, &context, into: &row)
        } else {
            BinaryKernels.apply(
                shape.operation, manyRow, oneSide.rows[place], returnsBool: shape.returnsBool,
                swapped: false, &context, into: &row)
        }
    }

    /// Checks that no step of a group is matched twice (by the same result labels).
    ///
    /// - Source: Prometheus promql/engine.go `VectorBinop`: filtered values count, pairs whose types
    ///   do not fit do not.
    private func noteMatched(_ index: Int, _ group: Int, _ row: borrowing StepRow)
        throws(QueryError)
    {
        let isOneToOne = shape.matching.cardinality == .oneToOne
        let isContested = isOneToOne ? plan.isContested(group) : plan.hasTwin(index)
        if !isContested && shape.fillMany == nil { return }
        var matches = StepRow(stepCount: 0)
        if shape.operation.isComparison && !shape.returnsBool {
            matches.reset(stepCount: tile.count)
            guard let place = oneSide.row(of: group, fill: shape.fillOne, steps: tile.count) else {
                return
            }
            var silent = context
            let left = shape.isSwapped ? oneSide.rows[place] : manyRow
            let right = shape.isSwapped ? manyRow : oneSide.rows[place]
            BinaryKernels.apply(
                shape.operation, left, right, returnsBool: true, swapped: false, &silent,
                into: &matches)
        } else {
            matches.assign(row)
        }
        if shape.fillMany != nil { _ = matched.add(matches, key: .group(group)) }
        if !isContested { return }
        if isOneToOne {
            if !matched.add(matches, key: .pair(group)) {
                throw .execution(
                    "multiple matches for labels: many-to-one matching must be explicit "
                        + "(group_left/group_right)")
            }
        } else if !matched.add(matches, key: .result(plan.twinClass[index])) {
            throw .execution(
                "multiple matches for labels: grouping labels must ensure unique matches")
        }
    }

    /// The result labels depend on which series of the "one" side was there.
    private func scatter(_ row: borrowing StepRow, _ outputs: Range<Int>, _ group: Int) {
        var places = [Int](repeating: -1, count: outputs.count)
        for step in 0..<tile.count where row.tags[step] != StepRow.Tag.absent {
            let member = oneSide.member(group, step).map { plan.position(ofOne: $0) }
            let output = member ?? outputs.count - 1
            if places[output] < 0 {
                places[output] = readyRows.appendEmpty(stepCount: tile.count)
                ready.append((outputs.lowerBound + output, places[output]))
            }
            readyRows[places[output]].copy(row, from: step, to: step)
        }
    }

    /// Steps at which a group's "one" side found nothing: the fill value takes the other's place.
    private func matchAlone(_ group: Int) {
        guard let fill = shape.fillMany, let place = oneSide.row(of: group) else { return }
        var isEmpty = true
        manyRow.reset(stepCount: tile.count)
        for step in 0..<tile.count
        where oneSide.rows[place].isPresent(step) && !matched.contains(.group(group), step) {
            manyRow.setFloat(step, fill)
            isEmpty = false
        }
        if isEmpty { return }
        var row = StepRow(stepCount: tile.count)
        apply(place, &row)
        var rowOf: [Int: Int] = [:]
        for step in 0..<tile.count where row.isPresent(step) {
            guard let member = oneSide.member(group, step) else { continue }
            let series = plan.outputs(ofAlone: member)
            let target =
                rowOf[series]
                ?? {
                    let target = readyRows.appendEmpty(stepCount: tile.count)
                    rowOf[series] = target
                    ready.append((series, target))
                    return target
                }()
            readyRows[target].copy(row, from: step, to: step)
        }
    }

    override var inputs: [any PlanPart] { shape.isSwapped ? [one, many] : [many, one] }

    override func ownBytes(stepCount: Int) -> Int {
        let matched = shape.fillMany == nil ? 0 : plan.groupCount * 2
        return (one.series.count * Self.bytesPerStep + matched) * stepCount
    }

    override func tableBytes() -> Int { series.byteCount + plan.byteCount }
}

/// What kind of match it is, with sides named by their role.
struct MatchShape {
    let operation: BinaryOperator
    let returnsBool: Bool
    let matching: VectorMatching
    /// The right side is the "many" side.
    let isSwapped: Bool
    let fillMany: Double?
    let fillOne: Double?

    init(_ operation: BinaryOperator, returnsBool: Bool, _ matching: VectorMatching) {
        self.operation = operation
        self.returnsBool = returnsBool
        self.matching = matching
        isSwapped = matching.cardinality == .oneToMany
        // With group_right, too: Prometheus swaps the sides but not the fill values.
        fillMany = matching.fillLeft
        fillOne = matching.fillRight
    }

    /// The result of a pair has the many side's labels but for the name, type and unit.
    var dropsReservedAlone: Bool {
        matching.cardinality == .oneToOne && matching.include.isEmpty
            && (operation.changesMetric || returnsBool) && !hasFill
    }

    var hasFill: Bool { fillMany != nil || fillOne != nil }
}
