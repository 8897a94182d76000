import TSQBase
import TSQIndex
import TSQModel

/// Series of one snapshot, in label order.
final class StoreSelection: SeriesSelection {
    private(set) var labels = SeriesLabels()
    private var refs: [UInt32] = []
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
        let found = RowPlaces(snapshot.generations, refs: all, order: order)
        var isWanted = [Bool](repeating: true, count: all.count)
        // In ascending order of refs: a block's pages are decoded once.
        for (position, number) in order.enumerated() {
            let index = Int(number)
            if position % Self.seriesPerLook == 0 && request.isOver?() == true { break }
            do throws(BlockError) {
                isWanted[index] = try reader.hasSamples(
                    all[index], found.places(index), fromMs: request.fromMs, toMs: request.toMs)
            } catch {
                // Reading the series will say what is wrong.
            }
        }
        if isWanted.allSatisfy({ $0 }) {
            labels = selected.labels
            refs = all
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

    private init(_ other: StoreSelection) {
        // Made here, so that the forks have it together.
        lookUps = other.sharedLookUps
        labels = other.labels
        refs = other.refs
        reader = other.reader
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
                refs: refs, fromMs: request.fromMs, toMs: request.toMs, chunksMax: chunksMax))
        lookUps = made
        return made
    }

    func expectReads() {
        if lookUps == nil && window.isEmpty { sharedLookUps.begin(reader) }
    }

    /// Looks up the chunks of `series` and of others that follow.
    private func lookUpChunks(_ series: Int, newestAtMs: TimestampMs) {
        let found = sharedLookUps.find(series, newestAtMs: newestAtMs, &reader)
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

/// Where the head's row buffers have each of some series: found layout by layout, by merging sorted
/// refs, so that the work is O(layouts × log + series).
struct RowPlaces {
    private(set) var places: [SeriesReader.Place] = []
    /// Where the places of each series end.
    private(set) var ends: [UInt32] = []

    init(_ generations: [HeadGeneration], refs: [UInt32]) {
        self.init(generations, refs: refs, order: RefOrder.ascending(refs))
    }

    /// Of more series the places are counted first and found once more: a list of them would take as
    /// much memory again.
    static let listedMax = 1 << 16

    /// - Parameter order: the positions in `refs` in ascending order of the refs.
    init(
        _ generations: [HeadGeneration], refs: [UInt32], order: [UInt32],
        listedMax: Int = listedMax
    ) {
        // First how many places each series has, then where its next one goes, at last where they end.
        ends = [UInt32](repeating: 0, count: refs.count)
        var listed: [(index: UInt32, place: SeriesReader.Place)] = []
        let isListed = refs.count <= listedMax
        if isListed { listed.reserveCapacity(refs.count) }
        var any: SeriesReader.Place?
        Self.find(generations, order, refs) { index, place in
            ends[index] += 1
            any = place
            if isListed { listed.append((UInt32(index), place)) }
        }
        var sum: UInt32 = 0
        for index in ends.indices { (ends[index], sum) = (sum, sum + ends[index]) }
        guard let any else { return }
        places = [SeriesReader.Place](repeating: any, count: Int(sum))
        if isListed {
            for (index, place) in listed { put(place, of: Int(index)) }
        } else {
            Self.find(generations, order, refs) { index, place in put(place, of: index) }
        }
    }

    @inline(__always)
    private mutating func put(_ place: SeriesReader.Place, of index: Int) {
        places[Int(ends[index])] = place
        ends[index] += 1
    }

    @inline(__always)
    private static func find(
        _ generations: [HeadGeneration], _ order: [UInt32], _ refs: [UInt32],
        _ body: (_ index: Int, _ place: SeriesReader.Place) -> Void
    ) {
        var wanted = RefBounds()
        if let first = order.first, let last = order.last {
            wanted.extend(refs[Int(first)])
            wanted.extend(refs[Int(last)])
        }
        for (generation, head) in generations.enumerated() {
            for (buffer, bounds) in head.bufferRefs.enumerated() where bounds.overlaps(wanted) {
                merge(head.buffers[buffer].layout, order, refs) { index, column in
                    body(
                        index,
                        SeriesReader.Place(generation: generation, buffer: buffer, column: column))
                }
            }
        }
    }

    func places(_ index: Int) -> ArraySlice<SeriesReader.Place> {
        places[(index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])]
    }

    private static func merge(
        _ layout: RowLayout, _ order: [UInt32], _ refs: [UInt32],
        _ body: (_ index: Int, _ column: Int) -> Void
    ) {
        let columnCount = layout.refs.count
        // Those that may be in the layout.
        var at = place(in: order) { refs[$0] < layout.refBounds.low }
        let end = place(in: order) { refs[$0] <= layout.refBounds.high }
        // Few in a wide layout: look each up.
        if (end - at) * 8 < columnCount {
            for index in order[at..<end] {
                guard let column = layout.column(of: refs[Int(index)]) else { continue }
                body(Int(index), column)
            }
            return
        }
        var rank = 0
        while at < end && rank < columnCount {
            let ref = refs[Int(order[at])]
            let column = layout.column(rank: rank)
            let other = layout.refs[column].rawValue
            if ref == other {
                body(Int(order[at]), column)
                at += 1
                rank += 1
            } else if ref < other {
                at += 1
            } else {
                rank += 1
            }
        }
    }

    /// The first place where `isBefore` no longer holds; it holds for some first ones only.
    private static func place(in order: [UInt32], where isBefore: (Int) -> Bool) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(Int(order[middle])) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
