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
        kept: KeptColumns? = nil, listedMax: Int = listedMax
    ) {
        let known = kept?.find(generations, refs: refs, order: order)
        // First how many places each series has, then where its next one goes, at last where they end.
        ends = [UInt32](repeating: 0, count: refs.count)
        var listed: [(index: UInt32, place: SeriesReader.Place)] = []
        let isListed = refs.count <= listedMax
        if isListed { listed.reserveCapacity(refs.count) }
        var any: SeriesReader.Place?
        Self.find(generations, order, refs, known) { index, place in
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
            Self.find(generations, order, refs, known) { index, place in put(place, of: index) }
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
        _ known: LayoutColumns?, _ body: (_ index: Int, _ place: SeriesReader.Place) -> Void
    ) {
        let wanted = RefBounds(refs, order)
        for (generation, head) in generations.enumerated() {
            for (buffer, bounds) in head.bufferRefs.enumerated() where bounds.overlaps(wanted) {
                let found = { (index: Int, column: Int) in
                    body(
                        index,
                        SeriesReader.Place(generation: generation, buffer: buffer, column: column))
                }
                let layout = head.buffers[buffer].layout
                if let known {
                    known.columns(of: layout, found)
                } else {
                    layout.columns(order, refs, found)
                }
            }
        }
    }

    func places(_ index: Int) -> ArraySlice<SeriesReader.Place> {
        places[(index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])]
    }
}
