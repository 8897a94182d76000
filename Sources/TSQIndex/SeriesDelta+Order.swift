/// Label order within the delta: pairs are numbered as they came, so they are ranked first.
extension SeriesDelta {
    func sortedByPair(_ pairs: [UInt32]) -> [UInt32] {
        let nameRanks = nameRanks()
        return pairs.sorted { a, b in
            let (x, y) = (nameRanks[Int(nameOfPair[Int(a)])], nameRanks[Int(nameOfPair[Int(b)])])
            return x == y ? values.compare(Int(a), Int(b)) < 0 : x < y
        }
    }

    private func nameRanks() -> [Int] {
        var ranks = [Int](repeating: 0, count: names.count)
        let sorted = ranks.indices.sorted { names.compare($0, $1) < 0 }
        for (rank, name) in sorted.enumerated() { ranks[name] = rank }
        return ranks
    }

    /// `ordinals` in label order.
    ///
    /// - Complexity: O(n log n) comparisons of integers, after ranking the pairs that occur.
    func sortedByLabels(_ ordinals: [UInt32]) -> [UInt32] {
        if ordinals.count < 2 { return ordinals }
        // Ranks of the pairs that occur, from 1.
        var ranks = [UInt32](repeating: 0, count: pairCount)
        var occurring: [UInt32] = []
        for ordinal in ordinals {
            for index in range(Int(ordinal)) {
                let pair = seriesPairs[index]
                if ranks[Int(pair)] == 0 {
                    ranks[Int(pair)] = 1
                    occurring.append(pair)
                }
            }
        }
        for (rank, pair) in sortedByPair(occurring).enumerated() {
            ranks[Int(pair)] = UInt32(rank) + 1
        }
        // One row of ranks a series, filled up with 0 (a prefix comes first).
        var width = 0
        for ordinal in ordinals { width = max(width, range(Int(ordinal)).count) }
        var rows = [UInt32](repeating: 0, count: width * ordinals.count)
        for (row, ordinal) in ordinals.enumerated() {
            for (column, index) in range(Int(ordinal)).enumerated() {
                rows[row * width + column] = ranks[Int(seriesPairs[index])]
            }
        }
        var order = Array(0..<UInt32(ordinals.count))
        rows.withUnsafeBufferPointer { rows in
            order.sort { a, b in
                var (i, j) = (Int(a) * width, Int(b) * width)
                let end = i + width
                while i < end {
                    if rows[i] != rows[j] { return rows[i] < rows[j] }
                    i += 1
                    j += 1
                }
                return false
            }
        }
        return order.map { ordinals[Int($0)] }
    }
}
