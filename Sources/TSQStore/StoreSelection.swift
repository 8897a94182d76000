import TSQBase
import TSQIndex
import TSQModel

/// Series of one snapshot, in label order.
final class StoreSelection: SeriesSelection {
    private(set) var labels = SeriesLabels()
    private var refs: [UInt32] = []
    /// Where `refs` are all that satisfy the matchers: their ascending order, and what is known of
    /// their chunks.
    private var kept: (order: [UInt32], chunks: KeptChunks?) = ([], nil)
    @exclusivity(unchecked) private var reader: SeriesReader
    /// Has the chunks of the series `window`, looked up together.
    @exclusivity(unchecked) private var aligned: AlignedReader
    private var window: Range<Int> = 0..<0
    private var lookUps: ChunkLookUps?
    private var windowNewestAtMs: TimestampMs = .min
    /// The series at hand has more chunks than are kept.
    private var isBeyondWindow = false
    /// Series with samples beside the rows, or deleted ones; empty where there is none.
    private var wantsMerge: [Bool] = []
    /// Set by tests only.
    var chunksMax = ChunkPlaces.chunksMax
    /// Set by tests only: every series is read by the plain form.
    var wantsPlainReads = false
    private let request: (fromMs: TimestampMs, toMs: TimestampMs)
    private let events: any EventSink
    /// Series looked at between two looks at whether anybody still wants them.
    private static let seriesPerLook = 4096

    /// The series of `registry` that satisfy the matchers and have samples in the range.
    ///
    /// The caller holds the registry's lock since before the snapshot was taken.
    init(
        _ snapshot: StoreSnapshot, _ registry: borrowing Registry, _ request: SelectRequest,
        _ symbols: SymbolTable, _ events: any EventSink
    ) throws(IndexError) {
        self.events = events
        self.request = (request.fromMs, request.toMs)
        reader = SeriesReader(snapshot)
        let selected = try registry.select(
            request.matchers, symbols, labelNames: request.labelNames)
        let (all, order) = (selected.refs, selected.order)
        let found = RowPlaces(
            snapshot.generations, refs: all, order: order, kept: selected.chunks?.columns)
        let isWanted = Self.haveSamples(
            reader, SoughtSeries(all, order: order, kept: selected.chunks), all, found, request)
        if isWanted.allSatisfy({ $0 }) {
            labels = selected.labels
            refs = all
            kept = (order, selected.chunks)
            aligned = AlignedReader(snapshot, places: found.places, placeEnds: found.ends)
        } else {
            labels.reserve(series: all.count, pairs: selected.labels.pairs.count)
            var places: [SeriesReader.Place] = []
            var placeEnds: [UInt32] = []
            placeEnds.reserveCapacity(all.count)
            for (index, ref) in all.enumerated() where isWanted[index] {
                labels.append(selected.labels[index])
                refs.append(ref)
                places.append(contentsOf: found.places(index))
                placeEnds.append(UInt32(places.count))
            }
            aligned = AlignedReader(snapshot, places: places, placeEnds: placeEnds)
        }
        let hasSides = snapshot.generations.contains { !$0.side.isEmpty }
        if hasSides || !snapshot.deletions.isEmpty {
            wantsMerge = refs.map { ref in
                snapshot.generations.contains { $0.sideBuffer(of: ref) != nil }
                    || snapshot.deletions.contains { $0.refs.contains(ref) }
            }
        }
    }

    /// Which of the series may have samples in the range.
    private static func haveSamples(
        _ reader: SeriesReader, _ series: consuming SoughtSeries, _ refs: [UInt32],
        _ found: RowPlaces, _ request: SelectRequest
    ) -> [Bool] {
        func isOver() -> Bool { request.isOver?() == true }
        var haveSamples = [Bool](repeating: true, count: refs.count)
        let generations = reader.snapshot.generations
        let hasSides = generations.contains { !$0.side.isEmpty }
        var ranges = HeadRanges(generations, fromMs: request.fromMs, toMs: request.toMs)
        for (index, ref) in refs.enumerated() {
            if index % seriesPerLook == 0 && isOver() { return haveSamples }
            haveSamples[index] =
                ranges.hasSample(anyOf: found.places(index))
                || hasSides
                    && reader.hasSideSamples(ref, fromMs: request.fromMs, toMs: request.toMs)
        }
        series.remove { haveSamples[$0] }
        reader.findSamples(
            series, fromMs: request.fromMs, toMs: request.toMs, into: &haveSamples, refs: refs,
            isOver: isOver)
        return haveSamples
    }

    private init(_ other: StoreSelection) {
        // Made here, so that the forks have it together.
        lookUps = other.sharedLookUps
        labels = other.labels
        refs = other.refs
        reader = other.reader
        kept = other.kept
        aligned = other.aligned
        aligned.forgetPatterns()
        window = other.window
        windowNewestAtMs = other.windowNewestAtMs
        isBeyondWindow = other.isBeyondWindow
        wantsMerge = other.wantsMerge
        chunksMax = other.chunksMax
        request = other.request
        events = other.events
    }

    /// Shares the snapshot, the series and what has been looked up so far.
    func fork() -> any SeriesSelection { StoreSelection(self) }

    private var sharedLookUps: ChunkLookUps {
        if let lookUps { return lookUps }
        let made = ChunkLookUps(
            ChunkLookUp.Request(
                refs: refs, order: kept.order, kept: kept.chunks, fromMs: request.fromMs,
                toMs: request.toMs, chunksMax: chunksMax))
        lookUps = made
        return made
    }

    func expectReads() {
        if lookUps == nil && window.isEmpty { sharedLookUps.begin(reader) }
    }

    /// Looks up the chunks of `series` and of others that follow.
    private func lookUpChunks(_ series: Int, newestAtMs: TimestampMs) {
        let found = sharedLookUps.find(series, newestAtMs: newestAtMs, reader)
        window = found.window
        windowNewestAtMs = found.newestAtMs
        isBeyondWindow = found.places == nil
        if let places = found.places { aligned.use(places, firstSeries: window.lowerBound) }
    }

    func read(
        _ index: Int, fromMs: TimestampMs, toMs: TimestampMs, into columns: inout SampleColumns
    ) throws(SourceError) {
        try read(index, fromMs: fromMs, newestAtMs: fromMs, toMs: toMs, into: &columns)
    }

    func read(
        _ index: Int, fromMs: TimestampMs, newestAtMs: TimestampMs, toMs: TimestampMs,
        into columns: inout SampleColumns
    ) throws(SourceError) {
        let bounds = AlignedReader.Bounds(fromMs: fromMs, newestAtMs: newestAtMs, toMs: toMs)
        let isAligned = !wantsPlainReads && (wantsMerge.isEmpty || !wantsMerge[index])
        // Chunks outside of the range selected are not looked up.
        let isWithin = fromMs >= request.fromMs && toMs <= request.toMs
        let oldestAtMs = max(min(newestAtMs, toMs), request.fromMs)
        let isLookedUp = window.contains(index) && windowNewestAtMs <= oldestAtMs
        do throws(BlockError) {
            if isAligned && !isLookedUp,
                try aligned.readNewest(index, bounds, into: &columns)
            {
                return
            }
            if isWithin && !isLookedUp { lookUpChunks(index, newestAtMs: oldestAtMs) }
            let hasChunks =
                isWithin && !isBeyondWindow && aligned.chunks.isKnown(index - window.lowerBound)
            if hasChunks && isAligned, try aligned.read(index, bounds, into: &columns) { return }
            columns.removeAll()
            try reader.read(
                refs[index], aligned.places(index),
                chunks: hasChunks ? aligned.chunks.chunks(index - window.lowerBound) : nil,
                fromMs: fromMs, toMs: toMs, into: &columns)
        } catch {
            events.log(.error, "a series cannot be read", [("error", error.reason)])
            throw .storage(error.reason)
        }
    }
}
