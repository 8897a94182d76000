/// Places for what was worked out over the time columns met last: series of one target share their
/// times, and in label order the series of many targets take turns.
///
/// Places count from 1 in the order in which columns are met; place 0 is for times that nobody shares.
struct TimesPlaces: Sendable {
    /// An open-addressed table, at most a quarter full.
    private var ids: [UInt64] = []
    private var placeOf: [UInt16] = []
    private var used = 0
    private var columnsMax = 1

    /// Columns remembered at most, and steps over all of them.
    private static let columnsLimit = 256
    private static let stepsLimit = 32_768
    private static let slotsMin = 64

    /// Forgets all, for tiles of `stepCount` steps.
    mutating func begin(stepCount: Int) {
        columnsMax = max(1, min(Self.columnsLimit, Self.stepsLimit / max(1, stepCount)))
        forget()
    }

    /// All places are below.
    var placeEndMax: Int { columnsMax + 1 }

    private mutating func forget() {
        used = 0
        if ids.isEmpty {
            ids = [UInt64](repeating: 0, count: Self.slotsMin)
            placeOf = [UInt16](repeating: 0, count: Self.slotsMin)
        } else {
            for slot in ids.indices { ids[slot] = 0 }
        }
    }

    /// The place of the times `id` (0: of a series alone), and whether they were met before. A place
    /// is at most one behind all those given out before.
    @inline(__always)
    mutating func find(_ id: UInt64) -> (place: Int, isKnown: Bool) {
        if id == 0 { return (0, false) }
        let mask = ids.count &- 1
        var slot = Int(truncatingIfNeeded: id) & mask
        while ids[slot] != 0 {
            if ids[slot] == id { return (Int(placeOf[slot]), true) }
            slot = (slot &+ 1) & mask
        }
        return (add(id), false)
    }

    private mutating func add(_ id: UInt64) -> Int {
        if used == columnsMax { forget() }
        used += 1
        if used * 4 > ids.count { grow() }
        insert(id, UInt16(truncatingIfNeeded: used))
        return used
    }

    private mutating func insert(_ id: UInt64, _ place: UInt16) {
        let mask = ids.count - 1
        var slot = Int(truncatingIfNeeded: id) & mask
        while ids[slot] != 0 { slot = (slot + 1) & mask }
        ids[slot] = id
        placeOf[slot] = place
    }

    private mutating func grow() {
        let (oldIDs, oldPlaces) = (ids, placeOf)
        ids = [UInt64](repeating: 0, count: oldIDs.count * 4)
        placeOf = [UInt16](repeating: 0, count: oldIDs.count * 4)
        for (slot, id) in oldIDs.enumerated() where id != 0 { insert(id, oldPlaces[slot]) }
    }
}
