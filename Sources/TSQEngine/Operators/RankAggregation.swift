import TSQBase
import TSQModel
import TSQPromQL

/// `topk`, `bottomk`: keeps k entries a group and step, so that no tile of all series is held.
final class RankAggregation: UnaryOperator {
    private let isTop: Bool
    private let grouping: [String]
    private let isWithout: Bool
    private let range: SourceRange
    private var parameters: Parameters
    private var table = GroupTable()
    private var order = GroupOrder()
    private var counts = LimitCounts()
    /// k at each step of the tile, at most the number of input series.
    private var limits: [Int] = []
    /// Heap of group g at step s: `g * stepCount + s`.
    private var heaps: [RankHeap] = []
    private var stepCount = 0
    private var output: [(series: Int, row: Int)] = []
    private var rows = RowStore()
    private var isDone = true

    init(
        _ child: Operator, k: Operator, isTop: Bool, grouping: [String], isWithout: Bool,
        range: SourceRange
    ) {
        self.isTop = isTop
        self.grouping = grouping
        self.isWithout = isWithout
        self.range = range
        parameters = Parameters([k])
        super.init(child)
    }

    override func open() throws(QueryError) {
        try parameters.prepare()
        try child.prepare()
        series = child.series
        table = try GroupTable(child.series, grouping: grouping, isWithout: isWithout, query)
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try parameters.begin(tile)
        limits = try counts.next(
            parameters.values[0], seriesCount: series.count,
            isLast: tile.first + tile.count == steps.count)
        let most = limits.max() ?? 0
        let entries = table.memberCounts.reduce(0) { $0 + min($1, most) }
        try holdMore(entries * tile.count * MemoryLayout<RankHeap.Entry>.stride)
        try child.begin(tile)
        stepCount = tile.count
        let count = table.count * stepCount
        if heaps.count != count {
            heaps = [RankHeap](repeating: RankHeap(isTop: isTop), count: count)
        } else {
            for index in heaps.indices { heaps[index].removeAll() }
        }
        order.begin(count: table.count)
        isDone = false
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if !isDone {
            isDone = true
            let held = query.budget.samples
            try takeIn(&row)
            layOut()
            try query.budget.release(downTo: held, keeping: rows.count * stepCount)
        }
        guard let (series, place) = output.popLast() else { return nil }
        rows.take(place, into: &row)
        return series
    }

    private func takeIn(_ row: inout StepRow) throws(QueryError) {
        var sawHistogram = false
        while let index = try child.next(into: &row) {
            let base = table.group(of: index) * stepCount
            order.note(table.group(of: index), row)
            for step in 0..<stepCount where limits[step] > 0 {
                if row.tags[step] == StepRow.Tag.float {
                    heaps[base + step].offer(
                        row.values[step], Int32(truncatingIfNeeded: index), limit: limits[step])
                } else if row.tags[step] == StepRow.Tag.histogram {
                    sawHistogram = true
                }
            }
        }
        if sawHistogram {
            query.annotations.inform(
                "ignored histogram in \(isTop ? "topk" : "bottomk") aggregation", range)
        }
    }

    /// Turns the heaps into rows; `output` is filled so that its last element comes first.
    private func layOut() {
        rows.removeAll()
        output.removeAll(keepingCapacity: true)
        var rowOf = [Int32](repeating: -1, count: series.count)
        for group in order.groups {
            for step in 0..<stepCount {
                heaps[group * stepCount + step].sort()
                for entry in heaps[group * stepCount + step].entries {
                    let series = Int(entry.series)
                    if rowOf[series] < 0 {
                        let place = rows.appendEmpty(stepCount: stepCount)
                        rowOf[series] = Int32(place)
                        output.append((series, place))
                    }
                    rows[Int(rowOf[series])].setFloat(step, entry.value)
                }
            }
        }
        output.reverse()
    }

    override var inputs: [any PlanPart] { parameters.operators + [child] }

    /// An empty heap for each group and step; their entries are charged when k is known.
    override func ownBytes(stepCount: Int) -> Int {
        table.count * stepCount * MemoryLayout<RankHeap>.stride
    }

    override func tableBytes() -> Int { table.byteCount }
}

/// k of `topk`, `bottomk`, `limitk` at each step.
struct LimitCounts {
    /// Of all tiles until now: Prometheus judges all steps together.
    private var range = ParameterRange()

    /// The counts of a tile's steps, at most `seriesCount`.
    ///
    /// - Parameter isLast: no tile follows. Before that a value that is too large or too small is no
    ///   error yet: a later one may be another, or no number at all, which goes first.
    /// - Throws: Prometheus's errors for values that are no count.
    /// - Source: Prometheus promql/engine.go `rangeEvalAgg`.
    mutating func next(
        _ values: [Double], seriesCount: Int, isLast: Bool
    ) throws(QueryError) -> [Int] {
        range.merge(ParameterRange(values))
        if range.hasNaN { throw .execution("Parameter value is NaN") }
        let isTooSmall = range.min <= -0x1p63
        let isTooLarge = range.max >= 9_223_372_036_854_774_784
        if range.max < 1 || !isLast && (isTooSmall || isTooLarge) {
            return [Int](repeating: 0, count: values.count)
        }
        if isTooSmall {
            throw .execution(
                "Scalar value \(DecimalPrint.string(range.min, .general)) underflows int64")
        }
        if isTooLarge {
            throw .execution(
                "Scalar value \(DecimalPrint.string(range.max, .general)) overflows int64")
        }
        return values.map { max(0, min(GoNumber.int($0), seriesCount)) }
    }
}

/// The k largest (or smallest) of a group at a step, with the worst on top.
///
/// The heap is a plain binary heap, so that which of equal values stay is as in Prometheus, whose
/// heap is Go's.
struct RankHeap {
    struct Entry {
        var value: Double
        var series: Int32
    }

    private let isTop: Bool
    private(set) var entries: [Entry] = []

    init(isTop: Bool) { self.isTop = isTop }

    mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    /// NaN is worst.
    private func isWorse(_ a: Double, _ b: Double) -> Bool {
        if a.isNaN { return true }
        return isTop ? a < b : a > b
    }

    mutating func offer(_ value: Double, _ series: Int32, limit: Int) {
        if entries.count < limit {
            entries.append(Entry(value: value, series: series))
            siftUp()
            return
        }
        let worst = entries[0].value
        let isBetter = isTop ? worst < value : worst > value
        if isBetter || (worst.isNaN && !value.isNaN) {
            entries[0] = Entry(value: value, series: series)
            siftDown()
        }
    }

    private mutating func siftUp() {
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if !isWorse(entries[child].value, entries[parent].value) { break }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            if child >= entries.count { break }
            let other = child + 1
            if other < entries.count && isWorse(entries[other].value, entries[child].value) {
                child = other
            }
            if !isWorse(entries[child].value, entries[parent].value) { break }
            entries.swapAt(child, parent)
            parent = child
        }
    }

    /// Best first; equal values in the order in which Go's sort leaves the heap's.
    mutating func sort() {
        if entries.count < 2 { return }
        let isTop = isTop
        GoSort.sort(&entries) { a, b in
            b.value.isNaN || (isTop ? b.value < a.value : b.value > a.value)
        }
    }
}
