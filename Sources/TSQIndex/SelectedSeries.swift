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

    /// What one part answers.
    private struct Answer {
        var part: Int
        var ordinals: [UInt32]
        var refs: [UInt32]
        var labels: SeriesLabels
        var next = 0
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
            merge(&answers, symbols)
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

    private mutating func merge(_ answers: inout [Answer], _ symbols: SymbolTable) {
        while true {
            // Few parts: looking at all of them beats a heap.
            var first: Int?
            for index in answers.indices where answers[index].next < answers[index].refs.count {
                guard let least = first else {
                    first = index
                    continue
                }
                if Self.compare(answers[index], answers[least], symbols) < 0 { first = index }
            }
            guard let first else { return }
            let least = answers[first]
            labels.append(least.labels[least.next])
            for index in answers.indices where answers[index].next < answers[index].refs.count {
                let answer = answers[index]
                if index != first && Self.compare(answer, least, symbols) != 0 { continue }
                members.append(
                    Member(
                        part: answer.part, ordinal: answer.ordinals[answer.next],
                        ref: answer.refs[answer.next]))
                answers[index].next += 1
            }
            memberEnds.append(UInt32(members.count))
        }
    }

    /// The order of the next series of both answers.
    private static func compare(_ a: Answer, _ b: Answer, _ symbols: SymbolTable) -> Int {
        let x = a.labels.range(a.next)
        let y = b.labels.range(b.next)
        for (i, j) in zip(x, y) {
            let (p, q) = (a.labels.pairs[i], b.labels.pairs[j])
            if p == q { continue }
            if p.name != q.name { return symbols.isLess(p.name, q.name) ? -1 : 1 }
            return symbols.isLess(p.value, q.value) ? -1 : 1
        }
        return x.count - y.count
    }
}
