import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// The read seam over a registry and a snapshot: shared by the store and its read-only view.
///
/// The registry's lock is held by the caller since before the snapshot was taken, so that no series
/// of a commit in the snapshot is missing.
struct StoreQueries: ~Copyable {
    let registry: Registry
    let snapshot: StoreSnapshot
    let exemplars: [ExemplarRing.Entry]
    let events: any EventSink
    /// Called with what is wrong with an index segment.
    var noteIndexDamage: (String) -> Void = { _ in }

    func select(
        _ request: SelectRequest, _ symbols: SymbolTable
    ) throws(SourceError) -> any SeriesSelection {
        do throws(IndexError) {
            return try StoreSelection(snapshot, registry, request, symbols, events)
        } catch {
            noteIndexDamage(error.message)
            throw .storage(error.message)
        }
    }

    /// Whether everything stored lies in the range: then what the index has needs no check.
    private func coversAll(_ fromMs: TimestampMs, _ toMs: TimestampMs) -> Bool {
        if !snapshot.deletions.isEmpty { return false }
        return snapshot.generations.allSatisfy {
            $0.isEmpty || $0.minTimeMs >= fromMs && $0.maxTimeMs <= toMs
        }
            && snapshot.blocks.allSatisfy {
                $0.footer.minTimeMs >= fromMs && $0.footer.maxTimeMs <= toMs
            }
    }

    /// The ordinals of each part that satisfy one of the matcher lists (none: all) and have samples
    /// in the range.
    private func ordinals(
        _ matching: [[LabelMatcher]], _ fromMs: TimestampMs, _ toMs: TimestampMs
    ) throws(SourceError) -> [(part: any SeriesIndexPart, ordinals: [UInt32])] {
        var reader = SeriesReader(snapshot)
        let (before, underflow) = fromMs.subtractingReportingOverflow(1)
        let afterMs = underflow ? .min : before
        var ranges = HeadRanges(snapshot.generations, fromMs: afterMs, toMs: toMs)
        var result: [(part: any SeriesIndexPart, ordinals: [UInt32])] = []
        do {
            for part in registry.parts {
                var found: [UInt32] = []
                for matchers in matching.isEmpty ? [[]] : matching {
                    found.append(contentsOf: try part.select(matchers))
                }
                if matching.count > 1 { found = Array(Set(found)) }
                found.sort()
                let refs = try found.map { try part.ref($0) }
                let rows = RowPlaces(snapshot.generations, refs: refs)
                var kept: [UInt32] = []
                for (index, ordinal) in found.enumerated() {
                    let isInRows = ranges.hasSample(anyOf: rows.places(index))
                    if try isInRows
                        || reader.hasSamplesBesideRows(
                            refs[index], fromMs: afterMs, toMs: toMs)
                    {
                        kept.append(ordinal)
                    }
                }
                result.append((part, kept))
            }
        } catch {
            if let damage = error as? IndexError { noteIndexDamage(damage.message) }
            throw .storage(Store.text(error))
        }
        return result
    }

    func labelNames(
        _ matching: [[LabelMatcher]], _ fromMs: TimestampMs, _ toMs: TimestampMs
    ) throws(SourceError) -> [String] {
        var names: Set<String> = []
        do {
            if matching.isEmpty && coversAll(fromMs, toMs) {
                for part in registry.parts { names.formUnion(try part.labelNames()) }
            } else {
                for (part, ordinals) in try ordinals(matching, fromMs, toMs) {
                    names.formUnion(try part.labelNames(of: ordinals.span))
                }
            }
        } catch let error as SourceError {
            throw error
        } catch {
            if let damage = error as? IndexError { noteIndexDamage(damage.message) }
            throw .storage(Store.text(error))
        }
        return names.sorted(by: isBytewiseLess)
    }

    func labelValues(
        _ name: String, _ matching: [[LabelMatcher]], _ fromMs: TimestampMs, _ toMs: TimestampMs
    ) throws(SourceError) -> [String] {
        var values: Set<String> = []
        do {
            if matching.isEmpty && coversAll(fromMs, toMs) {
                for part in registry.parts {
                    values.formUnion(try part.labelValues(name).map(\.value))
                }
            } else {
                for (part, ordinals) in try ordinals(matching, fromMs, toMs) {
                    values.formUnion(try part.labelValues(name, of: ordinals.span))
                }
            }
        } catch let error as SourceError {
            throw error
        } catch {
            if let damage = error as? IndexError { noteIndexDamage(damage.message) }
            throw .storage(Store.text(error))
        }
        return values.sorted(by: isBytewiseLess)
    }

    func exemplars(
        _ matching: [[LabelMatcher]], _ fromMs: TimestampMs, _ toMs: TimestampMs
    ) throws(SourceError) -> [(labels: LabelSet, exemplars: [Exemplar])] {
        var bySeries: [UInt32: [Exemplar]] = [:]
        for entry in exemplars {
            guard let timeMs = entry.exemplar.timeMs, timeMs >= fromMs, timeMs <= toMs else {
                continue
            }
            if snapshot.hides(entry.ref.rawValue, timeMs) { continue }
            bySeries[entry.ref.rawValue, default: []].append(entry.exemplar)
        }
        var result: [(labels: LabelSet, exemplars: [Exemplar])] = []
        do throws(IndexError) {
            for (ref, exemplars) in bySeries {
                guard let labels = try registry.labels(of: ref) else { continue }
                let isWanted =
                    matching.isEmpty
                    || matching.contains { $0.allSatisfy { $0.matches(labels) } }
                if isWanted {
                    result.append(
                        (labels, exemplars.sorted { $0.timeMs ?? 0 < $1.timeMs ?? 0 }))
                }
            }
        } catch {
            throw .storage(error.message)
        }
        return result.sorted { LabelSet.isOrderedBefore($0.labels, $1.labels) }
    }
}

extension Store: SeriesSource {
    /// Runs `body` with the registry locked and a snapshot taken under that lock.
    func query<Result>(
        _ body: (borrowing StoreQueries) throws(SourceError) -> Result
    ) throws(SourceError) -> Result {
        try registry.withLock { (registry) throws(SourceError) -> Result in
            let (snapshot, exemplars) = core.withLock { ($0.snapshot, $0.exemplars.inOrder) }
            return try body(
                StoreQueries(
                    registry: registry, snapshot: snapshot, exemplars: exemplars, events: events,
                    noteIndexDamage: { self.noteIndexDamage($0) }))
        }
    }

    package func select(
        _ request: SelectRequest, symbols: SymbolTable
    ) throws(SourceError) -> any SeriesSelection {
        try query { (queries) throws(SourceError) in try queries.select(request, symbols) }
    }

    package func labelNames(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] {
        try query { (queries) throws(SourceError) in
            try queries.labelNames(matching, fromMs, toMs)
        }
    }

    package func labelValues(
        _ name: String, matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] {
        try query { (queries) throws(SourceError) in
            try queries.labelValues(name, matching, fromMs, toMs)
        }
    }

    package func exemplars(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [(labels: LabelSet, exemplars: [Exemplar])] {
        try query { (queries) throws(SourceError) in
            try queries.exemplars(matching, fromMs, toMs)
        }
    }
}
