import TSQModel

/// Rows of one tile, kept: what an operator needs that must see all series of a step together.
struct RowStore {
    private(set) var rows: [StepRow] = []
    private(set) var count = 0

    /// Forgets the rows, keeps their buffers.
    mutating func removeAll() { count = 0 }

    /// Takes `row`'s contents; `row` gets buffers to be filled anew.
    mutating func append(_ row: inout StepRow) -> Int {
        if count == rows.count {
            rows.append(StepRow(stepCount: row.stepCount))
        }
        swap(&rows[count], &row)
        count += 1
        return count - 1
    }

    /// Room for a row to be filled in place.
    mutating func appendEmpty(stepCount: Int) -> Int {
        if count == rows.count { rows.append(StepRow(stepCount: stepCount)) }
        rows[count].reset(stepCount: stepCount)
        count += 1
        return count - 1
    }

    mutating func withRow<R>(_ index: Int, _ body: (inout StepRow) throws(QueryError) -> R)
        throws(QueryError) -> R
    {
        try body(&rows[index])
    }

    /// Gives row `index`'s contents away; the store keeps `row`'s buffers.
    mutating func take(_ index: Int, into row: inout StepRow) { swap(&rows[index], &row) }

    subscript(index: Int) -> StepRow {
        _read { yield rows[index] }
        _modify { yield &rows[index] }
    }
}

extension StepRow {
    func isPresent(_ step: Int) -> Bool { tags[step] != Tag.absent }

    var isEmpty: Bool {
        let tags = tags.span
        var all = Tag.absent
        for step in 0..<tags.count { all |= tags[unchecked: step] }
        return all == Tag.absent
    }

    /// A float at every step.
    var isFull: Bool {
        let tags = tags.span
        var others = Tag.absent
        for step in 0..<tags.count { others |= tags[unchecked: step] ^ Tag.float }
        return others == Tag.absent
    }

    /// What the row's histograms take.
    var histogramByteCount: Int {
        histograms.reduce(histograms.count * MemoryLayout<Histogram?>.stride) {
            $0 + ($1?.bucketByteCount ?? 0)
        }
    }

    /// Copies step `from` of `other` to step `to`.
    mutating func copy(_ other: borrowing StepRow, from: Int, to: Int) {
        switch other.tags[from] {
        case Tag.float: setFloat(to, other.values[from])
        case Tag.histogram:
            if let histogram = other.histograms[from] { setHistogram(to, histogram) }
        default: break
        }
    }

    /// All of `other`'s contents.
    mutating func assign(_ other: borrowing StepRow) {
        reset(stepCount: other.stepCount)
        let (fromValues, fromTags) = (other.values.span, other.tags.span)
        var toValues = values.mutableSpan
        for step in 0..<fromValues.count { toValues[step] = fromValues[unchecked: step] }
        var toTags = tags.mutableSpan
        for step in 0..<fromTags.count { toTags[step] = fromTags[unchecked: step] }
        if !other.histograms.isEmpty { histograms = copy(other.histograms) }
    }

    private func copy<T>(_ value: T) -> T { value }

    /// The same float at every step.
    mutating func fill(_ value: Double, stepCount: Int) {
        reset(stepCount: stepCount)
        for step in 0..<stepCount {
            values[step] = value
            tags[step] = Tag.float
        }
    }

    /// The floats `from` at every step.
    mutating func fill(_ from: [Double]) {
        reset(stepCount: from.count)
        for step in 0..<from.count {
            values[step] = from[step]
            tags[step] = Tag.float
        }
    }

    /// Adds what `other` has; false where both have a value at one step.
    mutating func merge(_ other: borrowing StepRow) -> Bool {
        for step in 0..<other.stepCount where other.tags[step] != Tag.absent {
            if tags[step] != Tag.absent { return false }
            copy(other, from: step, to: step)
        }
        return true
    }
}
