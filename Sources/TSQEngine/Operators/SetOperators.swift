import TSQModel
import TSQPromQL

/// `and`, `unless`: rows of the left side where the right side has (has not) a value in the same
/// match group.
final class FilterSet: Operator {
    private let left: Operator
    private let right: Operator
    private let isUnless: Bool
    private let matching: VectorMatching
    private var table = MatchTable()
    private var presence = GroupPresence()

    init(_ left: Operator, _ right: Operator, isUnless: Bool, matching: VectorMatching) {
        self.left = left
        self.right = right
        self.isUnless = isUnless
        self.matching = matching
        super.init(left.query, steps: left.steps)
    }

    override func open() throws(QueryError) {
        try left.prepare()
        try right.prepare()
        table = try MatchTable(left.series, right.series, matching, query)
        series = left.series
    }

    override func start(_ tile: Tile) throws(QueryError) {
        presence.begin(groups: table.count, steps: tile.count)
        try right.begin(tile)
        var row = StepRow(stepCount: tile.count)
        while let index = try right.next(into: &row) {
            presence.add(row, to: table.rightGroup[index])
        }
        try left.begin(tile)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        while let index = try left.next(into: &row) {
            if presence.mask(&row, by: table.leftGroup[index], keeps: !isUnless) { return index }
        }
        return nil
    }

    override var inputs: [any PlanPart] { [left, right] }

    override func ownBytes(stepCount: Int) -> Int { table.count * stepCount }

    override func tableBytes() -> Int { super.tableBytes() + table.byteCount }
}

/// `or`: the left side, and the right side where the left has no value in the match group.
final class UnionSet: Operator {
    private let left: Operator
    private let right: Operator
    private let matching: VectorMatching
    private var table = MatchTable()
    private var presence = GroupPresence()
    private var tile = Tile(0, 0)
    private var isOnRight = false

    init(_ left: Operator, _ right: Operator, matching: VectorMatching) {
        self.left = left
        self.right = right
        self.matching = matching
        super.init(left.query, steps: left.steps)
    }

    /// The left side's series, then the right's: not unique.
    override func open() throws(QueryError) {
        try left.prepare()
        try right.prepare()
        table = try MatchTable(left.series, right.series, matching, query)
        series = left.series
        for index in 0..<right.series.count {
            series.append(right.series.labels[index], dropsName: right.series.dropsName(index))
        }
    }

    override func start(_ tile: Tile) throws(QueryError) {
        self.tile = tile
        presence.begin(groups: table.count, steps: tile.count)
        isOnRight = false
        try left.begin(tile)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if !isOnRight {
            if let index = try left.next(into: &row) {
                presence.add(row, to: table.leftGroup[index])
                return index
            }
            isOnRight = true
            try right.begin(tile)
        }
        while let index = try right.next(into: &row) {
            if presence.mask(&row, by: table.rightGroup[index], keeps: false) {
                return left.series.count + index
            }
        }
        return nil
    }

    override var inputs: [any PlanPart] { [left, right] }

    override func ownBytes(stepCount: Int) -> Int { table.count * stepCount }

    override func tableBytes() -> Int { super.tableBytes() + table.byteCount }
}

/// At which steps a match group has a value.
struct GroupPresence {
    private var flags: [Bool] = []
    private var steps = 0

    mutating func begin(groups: Int, steps: Int) {
        self.steps = steps
        flags = [Bool](repeating: false, count: groups * steps)
    }

    mutating func add(_ row: borrowing StepRow, to group: Int) {
        let base = group * steps
        for step in 0..<steps where row.tags[step] != StepRow.Tag.absent {
            flags[base + step] = true
        }
    }

    /// Removes the values where the group's presence is not `keeps`; whether any is left.
    func mask(_ row: inout StepRow, by group: Int, keeps: Bool) -> Bool {
        let base = group * steps
        var isLeft = false
        for step in 0..<steps where row.tags[step] != StepRow.Tag.absent {
            if flags[base + step] == keeps {
                isLeft = true
            } else {
                row.tags[step] = StepRow.Tag.absent
            }
        }
        return isLeft
    }
}
