import TSQBase
import TSQModel

/// Series selected over several index parts, in label order.
///
/// - Shape: series `i` is `partRefs[refEnds[i-1]..<refEnds[i]]`: its refs in the parts that have it.
package struct SelectedSeries: Sendable {
    package private(set) var labels = SeriesLabels()
    /// Otherwise those that were asked for.
    package private(set) var hasAllLabels = true
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

    /// What one part has.
    private struct Answer {
        var part: any SeriesIndexPart
        /// In label order.
        var ordinals: [UInt32] = []
        var refs: [UInt32] = []
    }

    /// Resolves the matchers in every part and merges the answers by their labels.
    ///
    /// - Parameters:
    ///   - labelNames: the labels of more than `narrowedMin` series are reduced to these and the
    ///     metric's name; nil: never.
    ///   - keep: whether the series with this ref is wanted (has samples in the range); asked before
    ///     its labels are read.
    package init(
        _ parts: [any SeriesIndexPart], matching matchers: [LabelMatcher], symbols: SymbolTable,
        labelNames: [String]? = nil, narrowedMin: Int = narrowedMin,
        keep: (UInt32) -> Bool = { _ in true }
    ) throws(IndexError) {
        var answers: [Answer] = []
        for part in parts where part.seriesCount > 0 {
            var answer = Answer(part: part)
            for ordinal in try part.select(matchers) {
                let ref = try part.ref(ordinal)
                if keep(ref) {
                    answer.ordinals.append(ordinal)
                    answer.refs.append(ref)
                }
            }
            if !answer.ordinals.isEmpty { answers.append(answer) }
        }
        let count = answers.reduce(0) { $0 + $1.refs.count }
        let names = count > narrowedMin ? labelNames.map { Self.symbols(of: $0, symbols) } : nil
        hasAllLabels = names == nil
        if answers.count == 1 && names == nil {
            try take(answers[0], symbols)
        } else {
            try merge(answers, symbols, names)
        }
    }

    /// All labels of fewer series take little, and whoever keeps them can use them again.
    package static let narrowedMin = 1 << 15

    private static func symbols(of names: [String], _ symbols: SymbolTable) -> [SymbolID] {
        (names + [LabelName.metricName]).map { symbols.intern($0) }
    }

    private mutating func take(_ answer: Answer, _ symbols: SymbolTable) throws(IndexError) {
        try answer.part.appendLabels(of: answer.ordinals.span, into: &labels, symbols: symbols)
        partRefs = answer.refs
        refEnds = Array(1..<UInt32(answer.refs.count + 1))
    }

    private mutating func merge(
        _ answers: [Answer], _ symbols: SymbolTable, _ names: [SymbolID]?
    ) throws(IndexError) {
        var heads: [Head] = []
        for answer in answers { heads.append(try Head(answer, symbols)) }
        reserve(heads, names)
        // Heads that are not at their end, few: looking at all of them beats a heap.
        var open = Array(heads.indices)
        var equal: [Int] = []
        while var least = open.first {
            equal.removeAll(keepingCapacity: true)
            equal.append(least)
            for index in open.dropFirst() {
                let order = Head.compare(heads[index], heads[least], symbols)
                if order > 0 { continue }
                if order < 0 {
                    least = index
                    equal.removeAll(keepingCapacity: true)
                }
                equal.append(index)
            }
            heads[least].append(to: &labels, names)
            for index in equal {
                partRefs.append(heads[index].ref)
                try heads[index].advance(symbols)
                if heads[index].isAtEnd { open.removeAll { $0 == index } }
            }
            refEnds.append(UInt32(partRefs.count))
        }
    }

    /// Room for all answers: few series are in two parts, and growing would hold everything twice.
    private mutating func reserve(_ heads: [Head], _ names: [SymbolID]?) {
        let count = heads.reduce(0) { $0 + $1.count }
        // As if all had about as many labels.
        let pairCount = names?.count ?? heads.map { $0.labelCount + 1 }.max() ?? 0
        labels.reserve(series: count, pairs: count * pairCount)
        partRefs.reserveCapacity(count)
        refEnds.reserveCapacity(count)
    }

    /// Where an answer stands in the merge. It has the labels of some series only: those of all beside
    /// the merged ones would be the most that a selection takes.
    ///
    /// A class: copies of its arrays for each comparison took longer than comparing.
    private final class Head {
        private let answer: Answer
        private let refs: [UInt32]
        /// The series whose labels are here. The arrays are copies, so that reading them crosses no
        /// module boundary.
        private var loaded = 0..<0
        private var pairs: [LabelPair] = []
        private var ends: [UInt32] = []
        private var next = 0
        /// Of the next series, in `pairs`.
        private var range = 0..<0
        private var wanted: [LabelPair] = []

        private static let loadedMax = 4096

        init(_ answer: Answer, _ symbols: SymbolTable) throws(IndexError) {
            self.answer = answer
            refs = answer.refs
            try load(symbols)
        }

        var count: Int { refs.count }
        var isAtEnd: Bool { next == count }
        var ref: UInt32 { refs[next] }
        var labelCount: Int { range.count }

        /// - Parameter names: of the labels that are wanted; nil: all.
        func append(to labels: inout SeriesLabels, _ names: [SymbolID]?) {
            guard let names else { return labels.append(pairs[range]) }
            wanted.removeAll(keepingCapacity: true)
            for pair in pairs[range] where names.contains(pair.name) { wanted.append(pair) }
            labels.append(wanted[...])
        }

        func advance(_ symbols: SymbolTable) throws(IndexError) {
            next += 1
            if next == loaded.upperBound { return try load(symbols) }
            range = range.upperBound..<Int(ends[next - loaded.lowerBound])
        }

        private func load(_ symbols: SymbolTable) throws(IndexError) {
            loaded = next..<min(next + Self.loadedMax, count)
            if loaded.isEmpty { return }
            var labels = SeriesLabels()
            let ordinals = answer.ordinals
            try answer.part.appendLabels(
                of: ordinals.span.extracting(loaded), into: &labels, symbols: symbols)
            (pairs, ends) = (labels.pairs, labels.ends)
            range = 0..<Int(ends[0])
        }

        /// The order of the series that both stand at.
        static func compare(_ a: Head, _ b: Head, _ symbols: SymbolTable) -> Int {
            var (i, j) = (a.range.lowerBound, b.range.lowerBound)
            let (iEnd, jEnd) = (a.range.upperBound, b.range.upperBound)
            while i < iEnd, j < jEnd {
                let (p, q) = (a.pairs[i], b.pairs[j])
                // Of the numbers: `!=` of symbols is not inlined here.
                if p.name.rawValue != q.name.rawValue {
                    return symbols.isLess(p.name, q.name) ? -1 : 1
                }
                if p.value.rawValue != q.value.rawValue {
                    return symbols.isLess(p.value, q.value) ? -1 : 1
                }
                i += 1
                j += 1
            }
            return (iEnd - i) - (jEnd - j)
        }
    }
}
