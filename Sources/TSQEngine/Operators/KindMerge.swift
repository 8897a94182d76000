import TSQModel

/// Series that have become equal, of which one has a float and another a histogram at the same step.
///
/// Prometheus keeps the points of both. In the answer of a range query they stand beside each other,
/// in an instant vector the histogram does. An operator takes the float, and finds no histogram at the
/// steps behind: the one that was not taken is in the way.
struct KindMerge {
    let isAnswer: Bool
    /// Where the histograms are that met a float, by series.
    private var besides: [Int: Int] = [:]
    /// Series of which an earlier tile held such a histogram.
    private var stuck: Set<Int> = []

    init(isAnswer: Bool) { self.isAnswer = isAnswer }

    mutating func begin(_ tile: Tile) {
        besides.removeAll(keepingCapacity: true)
        if tile.first == 0 { stuck.removeAll() }
    }

    /// Adds what `row` has to row `place` of series `number`; false where two of a kind meet.
    mutating func merge(
        _ row: borrowing StepRow, into place: Int, _ number: Int, _ store: inout RowStore
    ) -> Bool {
        for step in 0..<row.stepCount where row.isPresent(step) {
            let tag = store[place].tags[step]
            if tag == StepRow.Tag.absent {
                store[place].copy(row, from: step, to: step)
                continue
            }
            let beside = besides[number] ?? store.appendEmpty(stepCount: row.stepCount)
            besides[number] = beside
            if tag == row.tags[step] || store[beside].isPresent(step) { return false }
            if tag == StepRow.Tag.histogram {
                store.move(step, from: place, to: beside)
                store[place].copy(row, from: step, to: step)
            } else {
                store[beside].copy(row, from: step, to: step)
            }
        }
        return true
    }

    /// Decides what row `place` of series `number` is.
    ///
    /// - Parameter keepsBoth: the answer is a matrix.
    /// - Returns: a second row of the series, histograms beside floats.
    mutating func settle(
        _ number: Int, _ place: Int, keepsBoth: Bool, _ store: inout RowStore
    ) -> Int? {
        if besides.isEmpty && stuck.isEmpty { return nil }
        let beside = besides.removeValue(forKey: number)
        if isAnswer {
            guard let beside else { return nil }
            for step in 0..<store[place].stepCount
            where store[place].tags[step] == StepRow.Tag.histogram {
                store.move(step, from: place, to: beside)
            }
            if keepsBoth { return beside }
            store[place].reset(stepCount: 1)
            store[place].copy(store[beside], from: 0, to: 0)
            return nil
        }
        var isStuck = stuck.contains(number)
        for step in 0..<store[place].stepCount {
            if isStuck && store[place].tags[step] == StepRow.Tag.histogram {
                store[place].setAbsent(step)
            }
            if let beside, store[beside].isPresent(step) { isStuck = true }
        }
        if isStuck { stuck.insert(number) }
        return nil
    }
}

extension RowStore {
    fileprivate mutating func move(_ step: Int, from: Int, to: Int) {
        self[to].copy(self[from], from: step, to: step)
        self[from].setAbsent(step)
    }
}
