import TSQBase
import TSQModel

/// Series selected over several index parts, in label order.
///
/// - Shape: series `i` is `partRefs[refEnds[i-1]..<refEnds[i]]`: its refs in the parts that have it.
package struct SelectedSeries: Sendable {
    package private(set) var labels = SeriesLabels()
    private var partRefs: [UInt32] = []
    private var refEnds: [UInt32] = []

    package var count: Int { refEnds.count }

    /// The refs of a series, in the order of the parts.
    package func refs(_ series: Int) -> ArraySlice<UInt32> {
        partRefs[(series == 0 ? 0 : Int(refEnds[series - 1]))..<Int(refEnds[series])]
    }

    /// The ref of each series in the first part that has it.
    package var firstRefs: [UInt32] {
        if partRefs.count == count { return partRefs }
        var refs: [UInt32] = []
        refs.reserveCapacity(count)
        var start = 0
        for end in refEnds {
            refs.append(partRefs[start])
            start = Int(end)
        }
        return refs
    }

    /// What one part answers.
    private struct Answer {
        var refs: [UInt32]
        var labels: SeriesLabels
    }

    /// Resolves the matchers in every part and merges the answers by their labels.
    ///
    /// - Parameter keep: whether the series with this ref is wanted (has samples in the range); asked
    ///   before its labels are read.
    package init(
        _ parts: [any SeriesIndexPart], matching matchers: [LabelMatcher], symbols: SymbolTable,
        keep: (UInt32) -> Bool = { _ in true }
    ) throws(IndexError) {
        var answers: [Answer] = []
        for part in parts where part.seriesCount > 0 {
            var ordinals: [UInt32] = []
            var refs: [UInt32] = []
            for ordinal in try part.select(matchers) {
                let ref = try part.ref(ordinal)
                if keep(ref) {
                    ordinals.append(ordinal)
                    refs.append(ref)
                }
            }
            if ordinals.isEmpty { continue }
            var labels = SeriesLabels()
            try part.appendLabels(of: ordinals.span, into: &labels, symbols: symbols)
            answers.append(Answer(refs: refs, labels: labels))
        }
        if answers.count == 1 {
            take(answers[0])
        } else {
            merge(answers, symbols)
        }
    }

    private mutating func take(_ answer: Answer) {
        labels = answer.labels
        partRefs = answer.refs
        refEnds = Array(1..<UInt32(answer.refs.count + 1))
    }

    private mutating func merge(_ answers: [Answer], _ symbols: SymbolTable) {
        reserve(answers)
        var heads = answers.map { Head(pairs: $0.labels.pairs, ends: $0.labels.ends) }
        // Heads that are not at their end, few: looking at all of them beats a heap.
        var open = Array(heads.indices)
        var series: [LabelPair] = []
        while var least = open.first {
            var equal = [least]
            for index in open.dropFirst() {
                let order = Head.compare(heads[index], heads[least], symbols)
                if order > 0 { continue }
                if order < 0 {
                    least = index
                    equal.removeAll(keepingCapacity: true)
                }
                equal.append(index)
            }
            series.removeAll(keepingCapacity: true)
            heads[least].append(to: &series)
            labels.append(series)
            for index in equal {
                let next = heads[index].next
                partRefs.append(answers[index].refs[next])
                heads[index].next += 1
                if heads[index].isAtEnd { open.removeAll { $0 == index } }
            }
            refEnds.append(UInt32(partRefs.count))
        }
    }

    /// Room for all answers: few series are in two parts, and growing would hold everything twice.
    private mutating func reserve(_ answers: [Answer]) {
        let count = answers.reduce(0) { $0 + $1.refs.count }
        labels.reserve(
            series: count, pairs: answers.reduce(0) { $0 + $1.labels.pairs.count })
        partRefs.reserveCapacity(count)
        refEnds.reserveCapacity(count)
    }

    /// Where an answer stands in the merge. A copy of its arrays, so that reading them crosses no
    /// module boundary.
    private struct Head {
        let pairs: [LabelPair]
        let ends: [UInt32]
        var next = 0

        init(pairs: [LabelPair], ends: [UInt32]) {
            self.pairs = pairs
            self.ends = ends
        }

        var isAtEnd: Bool { next == ends.count }

        private var start: Int { next == 0 ? 0 : Int(ends[next - 1]) }

        func append(to series: inout [LabelPair]) {
            series.append(contentsOf: pairs[start..<Int(ends[next])])
        }

        /// The order of the series that both stand at.
        static func compare(_ a: Head, _ b: Head, _ symbols: SymbolTable) -> Int {
            var (i, j) = (a.start, b.start)
            let (iEnd, jEnd) = (Int(a.ends[a.next]), Int(b.ends[b.next]))
            while i < iEnd, j < jEnd {
                let (p, q) = (a.pairs[i], b.pairs[j])
                if p != q {
                    let isLess =
                        p.name != q.name
                        ? symbols.isLess(p.name, q.name) : symbols.isLess(p.value, q.value)
                    return isLess ? -1 : 1
                }
                i += 1
                j += 1
            }
            return (iEnd - i) - (jEnd - j)
        }
    }
}
