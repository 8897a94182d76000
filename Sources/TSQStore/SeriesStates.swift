import TSQBase
import TSQModel

/// What acceptance needs to know of every series, indexed by ref.
///
/// Kept in pages of 1,024 numbers. Of a page that nobody writes to, and no group owns a series of, one
/// upper bound of all times is left after a while: so dead series cost next to nothing.
struct SeriesStates {
    private struct State {
        /// An upper bound of the series' newest time, rows of its owner left out.
        var newestMs: TimestampMs
        /// The group whose current layout has the series, plus one; 0: none.
        var owner: UInt32 = 0
        /// The column in the owner's layout.
        var column: UInt32 = 0
    }

    private struct Page {
        /// Empty: no series of the page is owned.
        var states: [State] = []
        /// No series of the page is newer, rows of owners left out.
        var boundMs: TimestampMs
        var ownedCount: UInt32 = 0
        /// A series was raised or given up since states were dropped last.
        var isUsed = false

        /// Gives every series a state of its own.
        mutating func fill() {
            if !states.isEmpty { return }
            states = [State](
                repeating: State(newestMs: boundMs), count: SeriesStates.pageSeriesCount)
        }
    }

    private var pages: [Page] = []
    private(set) var count = 0

    /// Series that were there when the store was opened may have samples up to this.
    private let openedCount: Int
    private let openedNewestMs: TimestampMs

    private static let pageShift = 10
    static let pageSeriesCount = 1 << pageShift

    init(openedCount: UInt32, openedNewestMs: TimestampMs) {
        self.openedCount = Int(openedCount)
        self.openedNewestMs = openedNewestMs
    }

    /// - Complexity: O(pages).
    var byteCount: Int {
        pages.reduce(pages.capacity * MemoryLayout<Page>.stride) {
            $0 + $1.states.capacity * MemoryLayout<State>.stride
        }
    }

    mutating func grow(to count: Int) {
        if count <= self.count { return }
        self.count = count
        while pages.count << Self.pageShift < count {
            let isOld = pages.count << Self.pageShift < openedCount
            pages.append(Page(boundMs: isOld ? openedNewestMs : .min))
        }
    }

    private static func place(_ ref: SeriesRef) -> (page: Int, index: Int) {
        (Int(ref.rawValue) >> pageShift, Int(ref.rawValue) & (pageSeriesCount - 1))
    }

    func newest(_ ref: SeriesRef) -> TimestampMs {
        let (page, index) = Self.place(ref)
        return pages[page].states.isEmpty
            ? pages[page].boundMs : pages[page].states[index].newestMs
    }

    mutating func raise(_ ref: SeriesRef, to timeMs: TimestampMs) {
        let (page, index) = Self.place(ref)
        pages[page].fill()
        pages[page].isUsed = true
        if pages[page].boundMs < timeMs { pages[page].boundMs = timeMs }
        if pages[page].states[index].newestMs < timeMs {
            pages[page].states[index].newestMs = timeMs
        }
    }

    /// Raises series, and all the others of their pages where those have no states of their own.
    mutating func raiseRoughly(_ refs: [SeriesRef], to timeMs: TimestampMs) {
        // Neighbours are mostly on one page.
        var raised: Int?
        for ref in refs {
            let page = Self.place(ref).page
            if page == raised { continue }
            if pages[page].states.isEmpty {
                if pages[page].boundMs < timeMs { pages[page].boundMs = timeMs }
                raised = page
            } else {
                raise(ref, to: timeMs)
            }
        }
    }

    /// The owning group.
    func owner(_ ref: SeriesRef) -> UInt32? {
        let (page, index) = Self.place(ref)
        if pages[page].ownedCount == 0 { return nil }
        let owner = pages[page].states[index].owner
        return owner == 0 ? nil : owner - 1
    }

    /// Of a series that is owned.
    func column(_ ref: SeriesRef) -> Int {
        let (page, index) = Self.place(ref)
        return Int(pages[page].states[index].column)
    }

    mutating func own(_ ref: SeriesRef, group: UInt32, column: Int) {
        let (page, index) = Self.place(ref)
        pages[page].fill()
        if pages[page].states[index].owner == 0 { pages[page].ownedCount += 1 }
        pages[page].states[index].owner = group + 1
        pages[page].states[index].column = UInt32(column)
    }

    mutating func disown(_ ref: SeriesRef) {
        let (page, index) = Self.place(ref)
        if pages[page].states.isEmpty || pages[page].states[index].owner == 0 { return }
        pages[page].states[index].owner = 0
        pages[page].ownedCount -= 1
        pages[page].isUsed = true
    }

    /// O(all series that have states): only where two groups turn out to write one series.
    mutating func disownAll(of group: UInt32) {
        for page in pages.indices where pages[page].ownedCount > 0 {
            for index in pages[page].states.indices
            where pages[page].states[index].owner == group + 1 {
                pages[page].states[index].owner = 0
                pages[page].ownedCount -= 1
            }
        }
    }

    /// Drops the states of pages that nobody owns a series of, that nobody raised since the last call,
    /// and that have no time from `keptMs` on. (A series that is written again is held against what is
    /// stored once more, and its page gets states again.)
    ///
    /// - Complexity: O(pages).
    mutating func dropUnused(keptMs: TimestampMs) {
        for page in pages.indices where !pages[page].states.isEmpty {
            if pages[page].ownedCount == 0 && !pages[page].isUsed && pages[page].boundMs < keptMs {
                pages[page].states = []
            }
            pages[page].isUsed = false
        }
    }

    func _checkInvariants() {
        precondition(
            pages.count == (count + Self.pageSeriesCount - 1) >> Self.pageShift,
            "BUG: \(pages.count) pages for \(count) series")
        for page in pages {
            let owned = page.states.reduce(0) { $0 + ($1.owner == 0 ? 0 : 1) }
            precondition(owned == Int(page.ownedCount), "BUG: owned series are counted wrong")
            precondition(
                page.states.allSatisfy { $0.newestMs <= page.boundMs },
                "BUG: a time above the bound")
        }
    }
}

/// What acceptance needs to know of a row group.
struct GroupState {
    var layout: RowLayout?
    var lastTimeMs: TimestampMs = .min
    /// A row newer than this is newer than every sample of every series of the layout.
    var floorMs: TimestampMs = .min
    /// Series of this group are written by others as well: every sample is checked by itself.
    var isShared = false
}
