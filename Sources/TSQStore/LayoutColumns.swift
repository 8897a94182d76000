import TSQIO
import TSQModel

/// Which columns of row layouts are which series of a selection.
struct LayoutColumns: Sendable {
    private var ranges: [UInt64: Range<Int>] = [:]
    private var entries: [(index: UInt32, column: UInt32)] = []

    var entryCount: Int { entries.count }

    func knows(_ layout: RowLayout) -> Bool { ranges[layout.serial] != nil }

    /// Calls `body` for each series of a layout that is known.
    @inline(__always)
    func columns(of layout: RowLayout, _ body: (_ index: Int, _ column: Int) -> Void) {
        guard let range = ranges[layout.serial] else { return }
        for entry in entries[range] { body(Int(entry.index), Int(entry.column)) }
    }

    mutating func add(_ layout: RowLayout, _ order: [UInt32], _ refs: [UInt32]) {
        let start = entries.count
        layout.columns(order, refs) { entries.append((UInt32($0), UInt32($1))) }
        ranges[layout.serial] = start..<entries.count
    }

    mutating func add(_ layout: RowLayout, from other: LayoutColumns) {
        let start = entries.count
        other.columns(of: layout) { entries.append((UInt32($0), UInt32($1))) }
        ranges[layout.serial] = start..<entries.count
    }
}

/// The columns of a selection that is asked for again and again: layouts never change, and mostly the
/// head has rows of the same ones as before.
final class KeptColumns: Sendable {
    /// What is kept of each series, mostly.
    static let bytesPerSeries = 8
    /// Beyond it nothing is kept: series that are in many layouts.
    private static let entriesPerSeriesMax = 2

    private let known = Guarded(LayoutColumns())

    /// The columns in all layouts of `generations` that may have any of the series.
    ///
    /// - Parameters:
    ///   - refs: the same every time.
    ///   - order: the positions in `refs` in ascending order of the refs.
    func find(
        _ generations: [HeadGeneration], refs: [UInt32], order: [UInt32]
    ) -> LayoutColumns {
        let known = known.withLock { $0 }
        let wanted = RefBounds(refs, order)
        if Self.layouts(generations, wanted, allSatisfy: { known.knows($0) }) { return known }
        var found = LayoutColumns()
        _ = Self.layouts(
            generations, wanted,
            allSatisfy: { layout in
                if found.knows(layout) { return true }
                if known.knows(layout) {
                    found.add(layout, from: known)
                } else {
                    found.add(layout, order, refs)
                }
                return true
            })
        if found.entryCount <= refs.count * Self.entriesPerSeriesMax {
            self.known.withLock { $0 = found }
        }
        return found
    }

    private static func layouts(
        _ generations: [HeadGeneration], _ wanted: RefBounds,
        allSatisfy isRight: (RowLayout) -> Bool
    ) -> Bool {
        for head in generations {
            for (buffer, bounds) in head.bufferRefs.enumerated()
            where bounds.overlaps(wanted) && !isRight(head.buffers[buffer].layout) {
                return false
            }
        }
        return true
    }
}

extension RefBounds {
    /// Of `refs`, whose ascending order is `order`.
    init(_ refs: [UInt32], _ order: [UInt32]) {
        if let first = order.first, let last = order.last {
            extend(refs[Int(first)])
            extend(refs[Int(last)])
        }
    }
}

extension RowLayout {
    /// Calls `body` for each of some series that has a column.
    ///
    /// - Parameter order: the positions in `refs` in ascending order of the refs.
    @inline(__always)
    func columns(
        _ order: [UInt32], _ refs: [UInt32], _ body: (_ index: Int, _ column: Int) -> Void
    ) {
        let columnCount = self.refs.count
        // Those that may be in the layout.
        var at = Self.place(in: order) { refs[$0] < refBounds.low }
        let end = Self.place(in: order) { refs[$0] <= refBounds.high }
        // Few in a wide layout: look each up.
        if (end - at) * 8 < columnCount {
            for index in order[at..<end] {
                guard let column = column(of: refs[Int(index)]) else { continue }
                body(Int(index), column)
            }
            return
        }
        var rank = 0
        while at < end && rank < columnCount {
            let ref = refs[Int(order[at])]
            let column = column(rank: rank)
            let other = self.refs[column].rawValue
            if ref == other {
                body(Int(order[at]), column)
                at += 1
                rank += 1
            } else if ref < other {
                at += 1
            } else {
                rank += 1
            }
        }
    }

    /// The first place where `isBefore` no longer holds; it holds for some first ones only.
    private static func place(in order: [UInt32], where isBefore: (Int) -> Bool) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(Int(order[middle])) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
