import Synchronization
import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// Which series a registry has: equal ones mean the same series.
struct RegistryRevision: Sendable, Equatable {
    private var number: UInt64
    private static let last = Atomic<UInt64>(0)

    static func next() -> RegistryRevision {
        RegistryRevision(number: last.add(1, ordering: .relaxed).newValue)
    }
}

/// The series that satisfy some matchers, in label order, whether or not they have samples.
struct SelectedRefs: Sendable {
    var labels: SeriesLabels
    var refs: [UInt32]
    /// Positions in `refs` in their ascending order.
    var order: [UInt32]
    /// What is known of their chunks, where the same series will be selected again.
    var chunks: KeptChunks?
}

extension Registry {
    /// So many have touched most of the index, which is not wanted beside their labels.
    private static let forgottenSeriesMin = 1 << 17

    /// The series that satisfy the matchers.
    ///
    /// - Parameter labelNames: as those of a `SelectRequest`.
    func select(
        _ matchers: [LabelMatcher], _ symbols: SymbolTable, labelNames: [String]? = nil
    ) throws(IndexError) -> SelectedRefs {
        if let known = selections.find(matchers, revision, symbols) { return known }
        let found = try SelectedSeries(
            parts, matching: matchers, symbols: symbols, labelNames: labelNames)
        let refs = found.firstRefs
        if refs.count >= Self.forgottenSeriesMin {
            for segment in segments { segment.index.bytes.forget() }
        }
        let selected = SelectedRefs(
            labels: found.labels, refs: refs, order: RefOrder.ascending(refs))
        if !found.hasAllLabels { return selected }
        return selections.keep(selected, of: matchers, revision, symbols)
    }
}

/// Selections that were asked for last: a dashboard asks the same again and again, and resolving
/// matchers and labels takes longer than reading the newest samples.
///
/// All go when other series may be selected.
final class SelectionCache: Sendable {
    private struct Entry {
        var selected: SelectedRefs
        /// Whose numbers the labels have. Nobody adds to it.
        var symbols: SymbolTable
        var byteCount: Int
        var lastUse: UInt64
    }

    private struct State {
        var revision: RegistryRevision?
        var entries: [[LabelMatcher]: Entry] = [:]
        var byteCount = 0
        var useCount: UInt64 = 0

        /// Drops what was not used for longest.
        mutating func makeRoom(for byteCount: Int) {
            while self.byteCount + byteCount > SelectionCache.bytesMax
                || entries.count >= SelectionCache.countMax,
                let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                self.byteCount -= oldest.value.byteCount
                entries[oldest.key] = nil
            }
        }
    }

    /// All selections together.
    static let bytesMax = 4 << 20
    /// About 20,000 series; more are selected anew.
    static let entryBytesMax = 1 << 20
    static let countMax = 128

    private let state = Guarded(State())
    /// Of the selections kept.
    let chunks = ChunkCache()

    var byteCount: Int { state.withLock { $0.byteCount } }
    var count: Int { state.withLock { $0.entries.count } }

    /// What was kept for the matchers at this revision, its labels in numbers of `symbols`.
    func find(
        _ matchers: [LabelMatcher], _ revision: RegistryRevision, _ symbols: SymbolTable
    ) -> SelectedRefs? {
        let entry = state.withLock { state -> Entry? in
            guard state.revision == revision else { return nil }
            state.useCount += 1
            state.entries[matchers]?.lastUse = state.useCount
            return state.entries[matchers]
        }
        guard let entry else { return nil }
        if symbols.adopt(entry.symbols) { return entry.selected }
        var selected = entry.selected
        selected.labels = selected.labels.translated(symbols.internAll(of: entry.symbols))
        return selected
    }

    /// Keeps a selection that is not too large, and answers it as it will be found.
    @discardableResult
    func keep(
        _ selected: SelectedRefs, of matchers: [LabelMatcher], _ revision: RegistryRevision,
        _ symbols: SymbolTable
    ) -> SelectedRefs {
        let byteCount =
            selected.labels.byteCount + symbols.byteCount + 256
            + selected.refs.count * (8 + KeptColumns.bytesPerSeries)
        if byteCount > Self.entryBytesMax { return selected }
        var selected = selected
        selected.chunks = chunks.newSelection()
        let entry = Entry(
            selected: selected, symbols: symbols.snapshot(), byteCount: byteCount, lastUse: 0)
        state.withLock { state in
            if state.revision != revision { state = State(revision: revision) }
            state.makeRoom(for: byteCount)
            state.useCount += 1
            state.byteCount += byteCount - (state.entries[matchers]?.byteCount ?? 0)
            state.entries[matchers] = entry
            state.entries[matchers]?.lastUse = state.useCount
        }
        return selected
    }
}
