import TSQBase
import TSQModel

/// Series selected over several index parts, in label order.
///
/// - Shape: series `i` is `members[memberEnds[i-1]..<memberEnds[i]]`: the parts that have it.
package struct SelectedSeries: Sendable {
    package struct Member: Sendable, Equatable {
        /// Index into the parts given.
        package var part: Int
        package var ordinal: UInt32
        package var ref: UInt32
    }

    package private(set) var labels = SeriesLabels()
    package private(set) var members: [Member] = []
    package private(set) var memberEnds: [UInt32] = []

    package var count: Int { memberEnds.count }

    package func members(_ series: Int) -> ArraySlice<Member> {
        members[(series == 0 ? 0 : Int(memberEnds[series - 1]))..<Int(memberEnds[series])]
    }

    /// The ref of each series in the first part that has it.
    package var firstRefs: [UInt32] {
        var refs: [UInt32] = []
        refs.reserveCapacity(count)
        var start = 0
        for end in memberEnds {
            refs.append(members[start].ref)
            start = Int(end)
        }
        return refs
    }

    /// What one part answers.
    private struct Answer {
        var part: Int
        var ordinals: [UInt32]
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
        for (index, part) in parts.enumerated() where part.seriesCount > 0 {
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
            answers.append(Answer(part: index, ordinals: ordinals, refs: refs, labels: labels))
        }
        if answers.count == 1 {
            take(answers[0])
        } else {
            merge(answers, symbols)
        }
    }

    private mutating func take(_ answer: Answer) {
        labels = answer.labels
        members.reserveCapacity(answer.refs.count)
        memberEnds.reserveCapacity(answer.refs.count)
        for index in answer.refs.indices {
            members.append(
                Member(
                    part: answer.part, ordinal: answer.ordinals[index], ref: answer.refs[index]))
            memberEnds.append(UInt32(index + 1))
        }
    }

    private mutating func merge(_ answers: [Answer], _ symbols: SymbolTable) {
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
                members.append(
                    Member(
                        part: answers[index].part, ordinal: answers[index].ordinals[next],
                        ref: answers[index].refs[next]))
                heads[index].next += 1
                if heads[index].isAtEnd { open.removeAll { $0 == index } }
            }
            memberEnds.append(UInt32(members.count))
        }
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
