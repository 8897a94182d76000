import TSQBase
import TSQModel
import TSQPromQL

/// `sort`, `sort_desc`, `sort_by_label`, `sort_by_label_desc`: the order in which an instant query's
/// rows come. Without effect over several steps. Equal values come in the order in which Go's sort
/// leaves them.
final class SortRows: UnaryOperator {
    enum Order {
        case value(ascending: Bool)
        case labels([String], ascending: Bool)
    }

    /// A row of one step, two arrays with their heads, and its place.
    private static let bytesPerRow = 136

    private let order: Order
    private let vainPlace: SourceRange?
    private var rows = RowStore()
    private var output: [(series: Int, row: Int)] = []
    private var isRead = false

    /// - Parameter vainPlace: where the call stands, if sorting has no effect.
    init(_ child: Operator, _ order: Order, _ vainPlace: SourceRange?) {
        self.order = order
        self.vainPlace = vainPlace
        super.init(child)
    }

    override func open() throws(QueryError) {
        try super.open()
        if let vainPlace {
            query.annotations.warn(
                "sort is ineffective for range queries since results are always ordered by labels",
                vainPlace)
        }
    }

    override func start(_ tile: Tile) throws(QueryError) {
        try super.start(tile)
        isRead = steps.count > 1
        rows.removeAll()
        output.removeAll(keepingCapacity: true)
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if steps.count > 1 {
            guard let index = try child.next(into: &row) else { return nil }
            if case .value = order { dropHistograms(&row) }
            return index
        }
        if !isRead {
            isRead = true
            while let index = try child.next(into: &row) {
                if case .value = order { dropHistograms(&row) }
                if !row.isPresent(0) { continue }
                try holdMore(Self.bytesPerRow)
                try holdHistograms(of: row)
                output.append((index, rows.append(&row)))
            }
            try sort()
            output.reverse()
        }
        guard let (index, place) = output.popLast() else { return nil }
        rows.take(place, into: &row)
        return index
    }

    private func dropHistograms(_ row: inout StepRow) {
        for step in 0..<row.stepCount where row.tags[step] == StepRow.Tag.histogram {
            row.setAbsent(step)
        }
    }

    private func sort() throws(QueryError) {
        let watch = SortWatch(query.budget)
        switch order {
        case .value(let ascending):
            // NaN comes last both ways, and before any other NaN: these change places.
            var keyed = output.map { ($0, rows[$0.row].values[0]) }
            GoSort.sort(&keyed) { a, b in
                if watch.isOver() { return false }
                return b.1.isNaN || (ascending ? a.1 < b.1 : a.1 > b.1)
            }
            output = keyed.map(\.0)
        case .labels(let names, let ascending):
            let symbols = names.map { query.symbols.intern($0) }
            GoSort.sort(&output) { a, b in
                if watch.isOver() { return false }
                let order = compare(a.series, b.series, symbols)
                return ascending ? order < 0 : order > 0
            }
        }
        try query.budget.check()
    }

    private func compare(_ a: Int, _ b: Int, _ names: [SymbolID]) -> Int {
        for name in names {
            let x = query.text(series.labels.value(a, of: name))
            let y = query.text(series.labels.value(b, of: name))
            if x == y { continue }
            return NaturalOrder.isOrderedBefore(x, y) ? -1 : 1
        }
        if query.isOrderedBefore(series.labels[a], series.labels[b]) { return -1 }
        return query.isOrderedBefore(series.labels[b], series.labels[a]) ? 1 : 0
    }
}

/// Ends a sort that nobody waits for: from then on no element comes before another, so the sort is
/// done after one more pass. (A comparison cannot throw the query's errors.)
final class SortWatch {
    /// A comparison takes 5 ns to 1 µs.
    private static let comparisonsPerCheck = 4096

    private let budget: QueryBudget
    private var comparisons = 0
    private var ended = false

    init(_ budget: QueryBudget) { self.budget = budget }

    /// Whether the query's time is over or it was cancelled. Whoever sorted looks again and throws.
    func isOver() -> Bool {
        comparisons += 1
        if comparisons % Self.comparisonsPerCheck == 0 && budget.isOver { ended = true }
        return ended
    }
}

/// Numbers within text count as numbers: `cpu2` before `cpu10`.
///
/// - Source: the order of `sort_by_label` in Prometheus (natsort): runs of digits and of other
///   characters are compared one by one.
enum NaturalOrder {
    static func isOrderedBefore(_ a: String, _ b: String) -> Bool {
        let x = runs(a)
        let y = runs(b)
        for index in x.indices {
            if index >= y.count { return false }
            let left = x[index]
            let right = y[index]
            let numbers = (Int64(left), Int64(right))
            let isEqual: Bool
            if let m = numbers.0, let n = numbers.1 {
                if m != n { return m < n }
                isEqual = true
            } else {
                isEqual = left == right
                if !isEqual { return isBytewiseLess(left, right) }
            }
            if isEqual && index == x.count - 1 { return true }
            if isEqual && index == y.count - 1 { return false }
        }
        return false
    }

    private static func runs(_ text: String) -> [String] {
        var result: [String] = []
        var run: [UInt8] = []
        var wasDigit = false
        for byte in text.utf8 {
            let isDigit = byte >= 0x30 && byte <= 0x39
            if !run.isEmpty && isDigit != wasDigit {
                result.append(String(decoding: run, as: UTF8.self))
                run.removeAll()
            }
            run.append(byte)
            wasDigit = isDigit
        }
        if !run.isEmpty { result.append(String(decoding: run, as: UTF8.self)) }
        return result
    }
}
