import TSQBase
import TSQModel

// The row of a batch: taken as it is where the group's series are those of the row before, fitted
// where some came or went, and taken sample by sample where times are not clearly newer.

extension StoreCore {
    /// What becomes of a batch's row.
    enum RowPlan {
        /// One row of `layout`; empty `values` mean the batch's own.
        case row(RowLayout, values: [Double], startTimes: [TimestampMs])
        /// Every sample by itself.
        case loose
    }

    /// - Throws: `AppendError` for a ref that this store has not given.
    mutating func planRow(
        _ batch: borrowing WriteBatch, seriesCount: Int
    ) throws(AppendError) -> RowPlan {
        guard let number = batch.group?.rawValue, let group = groups[number], !group.isShared,
            !Self.containsAbsent(batch.rowValues)
        else { return .loose }
        if let layout = group.layout, Self.areEqual(layout.refs, batch.rowRefs) {
            if batch.rowTimeMs <= group.floorMs { return .loose }
            return .row(layout, values: [], startTimes: [])
        }
        try check(batch.rowRefs, seriesCount)
        let plan = fit(batch, number, group)
        if groups[number]?.isShared ?? true { return .loose }
        if batch.rowTimeMs <= groups[number]?.floorMs ?? .max { return .loose }
        return plan
    }

    func check(_ refs: [SeriesRef], _ seriesCount: Int) throws(AppendError) {
        for ref in refs where ref.rawValue >= seriesCount {
            throw .storage("series \(ref.rawValue) is not one of this store")
        }
        if !hasDroppedRefs { return }
        for ref in refs where droppedRefs.contains(ref.rawValue) {
            throw .storage(
                "series \(ref.rawValue) has had no samples for long and is gone: resolve it again")
        }
    }

    // Safe because: both have `count` entries of four bytes.
    static func areEqual(_ a: [SeriesRef], _ b: [SeriesRef]) -> Bool {
        guard a.count == b.count else { return false }
        return a.withUnsafeBytes { a in
            b.withUnsafeBytes { b in
                if a.baseAddress == b.baseAddress { return true }
                var index = 0
                while index + 8 <= a.count {
                    let x = a.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    if x != b.loadUnaligned(fromByteOffset: index, as: UInt64.self) {
                        return false
                    }
                    index += 8
                }
                return index == a.count
                    || a.loadUnaligned(fromByteOffset: index, as: UInt32.self)
                        == b.loadUnaligned(fromByteOffset: index, as: UInt32.self)
            }
        }
    }

    static func containsAbsent(_ values: [Double]) -> Bool {
        // Counting instead of leaving early lets the loop vectorise.
        var found: UInt64 = 0
        for value in values { found &+= value.bitPattern == RowLayout.absentBits ? 1 : 0 }
        return found != 0
    }

    private mutating func fit(
        _ batch: borrowing WriteBatch, _ number: UInt32, _ group: GroupState
    ) -> RowPlan {
        series.grow(
            to: max(series.count, Int(batch.rowRefs.lazy.map(\.rawValue).max() ?? 0) + 1))
        guard let layout = group.layout else { return adopt(batch, number) }
        var known = 0
        for ref in batch.rowRefs where series.owner(ref) == number { known += 1 }
        // A row that has less than half of the layout is better off with a layout of its own, and a
        // generation that has no row yet has nothing to extend.
        if known * 2 < layout.refs.count || !active.hasRows(of: number) {
            return adopt(batch, number)
        }
        return extend(batch, number, layout)
    }

    /// Makes the row's series the group's layout.
    private mutating func adopt(_ batch: borrowing WriteBatch, _ number: UInt32) -> RowPlan {
        release(number)
        let refs = batch.rowRefs
        var floorMs = groups[number]?.lastTimeMs ?? .min
        for (column, ref) in refs.enumerated() {
            guard claim(ref, number, column) else { return .loose }
            floorMs = max(floorMs, series.newest(ref))
        }
        let layout = RowLayout(id: nextLayout, group: number, refs: refs)
        nextLayout += 1
        groups[number]?.layout = layout
        groups[number]?.floorMs = floorMs
        return .row(layout, values: [], startTimes: [])
    }

    /// Puts the row's values into the layout's columns, with columns at the end for new series.
    private mutating func extend(
        _ batch: borrowing WriteBatch, _ number: UInt32, _ layout: RowLayout
    ) -> RowPlan {
        var refs = layout.refs
        var floorMs = groups[number]?.floorMs ?? .min
        for ref in batch.rowRefs where series.owner(ref) != number {
            guard claim(ref, number, refs.count) else { return .loose }
            floorMs = max(floorMs, series.newest(ref))
            refs.append(ref)
        }
        var extended = layout
        if refs.count > layout.refs.count {
            extended = RowLayout(id: nextLayout, group: number, refs: refs)
            nextLayout += 1
        }
        groups[number]?.layout = extended
        groups[number]?.floorMs = floorMs
        var values = [Double](
            repeating: Double(bitPattern: RowLayout.absentBits), count: refs.count)
        var startTimes = [TimestampMs](
            repeating: 0, count: batch.rowStartTimes.isEmpty ? 0 : refs.count)
        for index in batch.rowRefs.indices {
            let column = series.column(batch.rowRefs[index])
            // A series twice in one row: each by itself, so that the second one is counted.
            if values[column].bitPattern != RowLayout.absentBits { return .loose }
            values[column] = batch.rowValues[index]
            if !startTimes.isEmpty { startTimes[column] = batch.rowStartTimes[index] }
        }
        return .row(extended, values: values, startTimes: startTimes)
    }

    /// Makes a series the group's. False when it is another's, or a second time in the same row:
    /// the groups concerned have their samples checked one by one from then on.
    private mutating func claim(_ ref: SeriesRef, _ number: UInt32, _ column: Int) -> Bool {
        if let owner = series.owner(ref) {
            share(owner)
            if owner != number { share(number) }
            return false
        }
        series.own(ref, group: number, column: column)
        return true
    }

    private mutating func share(_ number: UInt32) {
        release(number)
        // Series that were being claimed when the conflict came up.
        series.disownAll(of: number)
        groups[number]?.isShared = true
    }

    /// Ends the group's hold on its series.
    mutating func release(_ number: UInt32) {
        guard let group = groups[number], let layout = group.layout else { return }
        for ref in layout.refs where series.owner(ref) == number {
            series.raise(ref, to: group.lastTimeMs)
            series.disown(ref)
        }
        groups[number]?.layout = nil
    }

    /// Notes that a row of `layout` was accepted.
    mutating func noteRow(_ layout: RowLayout, _ timeMs: TimestampMs) {
        guard var group = groups[layout.group] else { return }
        group.lastTimeMs = timeMs
        group.floorMs = max(group.floorMs, timeMs)
        groups[layout.group] = group
    }

    /// An upper bound of the series' newest time.
    func newestBound(_ ref: SeriesRef) -> TimestampMs {
        let newest = series.newest(ref)
        guard let owner = series.owner(ref), let group = groups[owner] else { return newest }
        return max(newest, group.lastTimeMs)
    }
}
