import TSQBase
import TSQModel

/// What acceptance needs to know of every series, indexed by ref.
struct SeriesStates {
    /// An upper bound of the series' newest time, rows of its owner left out.
    private var newestMs: [TimestampMs] = []
    /// The group whose current layout has the series, plus one; 0: none.
    private var owners: [UInt32] = []
    /// The column in the owner's layout.
    private var columns: [UInt32] = []

    /// Series that were there when the store was opened may have samples up to this.
    private let openedCount: Int
    private let openedNewestMs: TimestampMs

    init(openedCount: UInt32, openedNewestMs: TimestampMs) {
        self.openedCount = Int(openedCount)
        self.openedNewestMs = openedNewestMs
    }

    var byteCount: Int { newestMs.capacity * 8 + (owners.capacity + columns.capacity) * 4 }

    mutating func grow(to count: Int) {
        while newestMs.count < count {
            newestMs.append(newestMs.count < openedCount ? openedNewestMs : .min)
        }
        if owners.count < count {
            owners.append(contentsOf: repeatElement(0, count: count - owners.count))
            columns.append(contentsOf: repeatElement(0, count: count - columns.count))
        }
    }

    var count: Int { newestMs.count }

    func newest(_ ref: SeriesRef) -> TimestampMs { newestMs[Int(ref.rawValue)] }

    mutating func raise(_ ref: SeriesRef, to timeMs: TimestampMs) {
        let index = Int(ref.rawValue)
        if newestMs[index] < timeMs { newestMs[index] = timeMs }
    }

    /// The owning group.
    func owner(_ ref: SeriesRef) -> UInt32? {
        let owner = owners[Int(ref.rawValue)]
        return owner == 0 ? nil : owner - 1
    }

    func column(_ ref: SeriesRef) -> Int { Int(columns[Int(ref.rawValue)]) }

    mutating func own(_ ref: SeriesRef, group: UInt32, column: Int) {
        owners[Int(ref.rawValue)] = group + 1
        columns[Int(ref.rawValue)] = UInt32(column)
    }

    mutating func disown(_ ref: SeriesRef) { owners[Int(ref.rawValue)] = 0 }

    /// O(all series): only where two groups turn out to write one series.
    mutating func disownAll(of group: UInt32) {
        for index in owners.indices where owners[index] == group + 1 { owners[index] = 0 }
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
