import TSQModel

/// Matchers → ascending ordinals, within one index part.
///
/// A matcher that refuses the empty string *includes*: only series that have the label with one of
/// the matching values satisfy it. A matcher that takes the empty string *excludes*: series that have
/// the label with a value that does not match. Includes are intersected, smallest first; excludes
/// are subtracted from what is left. Values are tried, never series, unless fewer series are left
/// than values would have to be looked at.
///
/// - Source: the semantics of Prometheus tsdb/querier.go, PostingsForMatchers.
struct MatcherResolver<Source: PostingsSource> {
    let source: Source

    /// Pairs whose series satisfy (or violate) a matcher.
    private struct Term {
        var matcher: LabelMatcher
        var name: Int
        /// nil: not worked out; the matcher is tried on values.
        var handles: [UInt32]?
        var isExcluding: Bool
        /// Postings of all handles; an upper bound when not worked out.
        var postingsCount: Int
    }

    func resolve(_ matchers: [LabelMatcher]) throws(IndexError) -> [UInt32] {
        var includes: [Term] = []
        var excludes: [Term] = []
        for matcher in matchers {
            guard let name = try source.nameIndex(matcher.name) else {
                // No series has the label: all have the empty string.
                if matcher.matchesEmpty { continue }
                return []
            }
            let term = try term(matcher, name)
            if term.handles?.isEmpty == true {
                if term.isExcluding { continue }
                return []
            }
            if term.isExcluding { excludes.append(term) } else { includes.append(term) }
        }
        includes.sort { $0.postingsCount < $1.postingsCount }
        var candidates: [UInt32]
        if includes.isEmpty {
            candidates = Array(0..<UInt32(source.seriesCount))
        } else {
            candidates = try union(try handles(includes.removeFirst()))
        }
        for term in includes + excludes {
            if candidates.isEmpty { break }
            candidates = try narrow(candidates, by: term)
        }
        return candidates
    }

    /// Works out the pairs where that needs no trying of values.
    private func term(_ matcher: LabelMatcher, _ name: Int) throws(IndexError) -> Term {
        let isExcluding = matcher.matchesEmpty
        var term = Term(
            matcher: matcher, name: name, handles: nil, isExcluding: isExcluding,
            postingsCount: source.seriesCount)
        if let values = matcher.setMatches {
            // Wanted are the values themselves when the matcher's sign fits the term's.
            if matcher.operation.isNegative == isExcluding {
                var handles: [UInt32] = []
                var count = 0
                for value in values where !value.isEmpty {
                    guard let handle = try source.handle(name, value) else { continue }
                    handles.append(handle)
                    count += try source.postingsCount(handle)
                }
                term.handles = handles
                term.postingsCount = count
            }
        }
        return term
    }

    /// The pairs of a term, by trying the values of its label.
    private func handles(_ term: Term) throws(IndexError) -> [UInt32] {
        if let handles = term.handles { return handles }
        var handles: [UInt32] = []
        let matcher = term.matcher
        let isWanted = !term.isExcluding
        // Only values with the prefix can satisfy the positive form.
        let isPositiveWanted = matcher.operation.isNegative != isWanted
        let prefix = isPositiveWanted ? matcher.prefix ?? "" : ""
        try source.visitValues(term.name, prefix: prefix) { handle, value in
            if matcher.matches(value) == isWanted { handles.append(handle) }
        }
        return handles
    }

    private func union(_ handles: [UInt32]) throws(IndexError) -> [UInt32] {
        var ordinals: [UInt32] = []
        for handle in handles { try source.appendPostings(handle, into: &ordinals) }
        return handles.count < 2
            ? ordinals : PostingsAlgebra.union(ordinals, limit: source.seriesCount)
    }

    private func narrow(
        _ candidates: [UInt32], by term: Term
    ) throws(IndexError) -> [UInt32] {
        if let handles = term.handles, handles.count == 1 {
            return try source.filter(candidates, having: handles[0], !term.isExcluding)
        }
        // Looking at a series and matching its value costs more than matching the next value.
        if term.handles == nil, candidates.count < (try source.valueCount(term.name)) / 2 {
            return try tryEachSeries(candidates, term)
        }
        let handles = try handles(term)
        var postingsCount = 0
        for handle in handles { postingsCount += try source.postingsCount(handle) }
        if candidates.count * Self.postingsPerSeries < postingsCount {
            var wanted = HandleSet(limit: source.handleCount)
            for handle in handles { wanted.insert(handle) }
            return try keep(candidates, term) { handle in wanted.contains(handle) }
        }
        let ordinals = try union(handles)
        return term.isExcluding
            ? PostingsAlgebra.subtracting(candidates, ordinals)
            : PostingsAlgebra.intersection(candidates, ordinals)
    }

    /// Decoding that many postings costs about as much as looking up the labels of a series.
    private static var postingsPerSeries: Int { 16 }

    /// Tries the values that the candidates have, each value once.
    private func tryEachSeries(
        _ candidates: [UInt32], _ term: Term
    ) throws(IndexError) -> [UInt32] {
        var known = HandleSet(limit: source.handleCount)
        var wanted = HandleSet(limit: source.handleCount)
        return try keep(candidates, term) { (handle) throws(IndexError) in
            if !known.contains(handle) {
                known.insert(handle)
                let matches = try source.withValue(handle) { term.matcher.matches($0) }
                if matches != term.isExcluding { wanted.insert(handle) }
            }
            return wanted.contains(handle)
        }
    }

    /// The candidates whose pair is one of the term's (or is not, when it excludes).
    private func keep(
        _ candidates: [UInt32], _ term: Term, _ isOfTerm: (UInt32) throws(IndexError) -> Bool
    ) throws(IndexError) -> [UInt32] {
        var result: [UInt32] = []
        result.reserveCapacity(candidates.count)
        let handles = try source.handles(of: candidates, term.name)
        for (candidate, handle) in zip(candidates, handles) {
            let isOfTerm = handle == Source.noHandle ? false : try isOfTerm(handle)
            if isOfTerm != term.isExcluding { result.append(candidate) }
        }
        return result
    }
}
