import TSQBase

/// Where a sample is: which of the simulation's series, when, and of which kind.
struct SampleKey: Hashable {
    var series: Int
    var timeMs: TimestampMs
    var isHistogram = false
}

/// A sample's value: a float's bits or a histogram's digest, and its start time.
struct StoredValue: Hashable {
    var bits: UInt64
    var startTimeMs: TimestampMs
}

typealias SampleTable = [SampleKey: StoredValue]

/// What a store must hold, may hold and must not hold, in the plainest form.
struct SimulationModel {
    /// What has happened since the store was last seen whole.
    enum Moment {
        /// Nothing: the store runs.
        case running
        /// The process ended: everything acknowledged must be there.
        case killed
        /// The machine ended: everything that was durable must be there.
        case powerCut
        /// Files were changed behind the store's back: what is there must have been written once.
        case damaged
    }

    struct Commit {
        /// nil: the sample is deleted.
        var writes: [(key: SampleKey, value: StoredValue?)]
        /// Not acknowledged: it is there as a whole or not at all, nobody knows which.
        var isAcknowledged: Bool
        var isDurable: Bool
        var isWhole = true
    }

    /// What is durable, and certain.
    private var base: SampleTable = [:]
    /// What came after it, in order.
    private var tail: [Commit] = []
    /// `base` and everything acknowledged.
    private(set) var live: SampleTable = [:]
    private var everWritten: [SampleKey: Set<StoredValue>] = [:]
    private var newest: [Int: TimestampMs] = [:]
    /// The retention may have taken what is before this.
    private(set) var cutoffMs = TimestampMs.min

    var sampleCount: Int { live.count }
    func newestMs(_ series: Int) -> TimestampMs { newest[series] ?? .min }
    var newestOfAllMs: TimestampMs { newest.values.max() ?? .min }

    mutating func acknowledge(_ writes: [(key: SampleKey, value: StoredValue?)], isDurable: Bool) {
        note(writes)
        for (key, value) in writes {
            live[key] = value
            if value != nil { newest[key.series] = max(newestMs(key.series), key.timeMs) }
        }
        if writes.contains(where: { $0.value == nil }) { recountNewest() }
        tail.append(Commit(writes: writes, isAcknowledged: true, isDurable: isDurable))
        fold()
    }

    /// A commit that was refused with an error.
    ///
    /// - Parameter isWhole: all of it is there or nothing.
    mutating func doubt(
        _ writes: [(key: SampleKey, value: StoredValue?)], isWhole: Bool = true
    ) {
        note(writes)
        tail.append(
            Commit(writes: writes, isAcknowledged: false, isDurable: false, isWhole: isWhole))
    }

    private mutating func note(_ writes: [(key: SampleKey, value: StoredValue?)]) {
        for case (let key, let value?) in writes { everWritten[key, default: []].insert(value) }
    }

    /// Everything acknowledged is durable.
    mutating func sync() {
        for index in tail.indices where tail[index].isAcknowledged { tail[index].isDurable = true }
        fold()
    }

    /// Puts the certain beginning of `tail` into `base`.
    private mutating func fold() {
        var count = 0
        while count < tail.count, tail[count].isAcknowledged, tail[count].isDurable {
            for (key, value) in tail[count].writes { base[key] = value }
            count += 1
        }
        tail.removeFirst(count)
    }

    /// Takes over what was found, and found right, after an end.
    mutating func settle(_ found: SampleTable, isDurable: Bool) {
        live = found
        tail = []
        if isDurable {
            base = found
        } else {
            // Of what is not durable any part may stay.
            base = base.filter { found[$0.key] == $0.value }
            let writes = found.filter { base[$0.key] == nil }.map { ($0.key, Optional($0.value)) }
            tail.append(
                Commit(writes: writes, isAcknowledged: true, isDurable: false, isWhole: false))
        }
        recountNewest()
    }

    private mutating func recountNewest() {
        newest = [:]
        for key in live.keys { newest[key.series] = max(newestMs(key.series), key.timeMs) }
    }

    mutating func raiseCutoff(to cutoffMs: TimestampMs) {
        self.cutoffMs = max(self.cutoffMs, cutoffMs)
    }

    /// What the running store must give for some keys.
    func expected(_ isInside: (SampleKey) -> Bool) -> SampleTable {
        live.filter { isInside($0.key) }
    }

    /// Samples of commits that were not acknowledged: they may be there.
    func doubtful(_ isInside: (SampleKey) -> Bool) -> [SampleKey] {
        tail.filter { !$0.isAcknowledged }.flatMap { $0.writes.map(\.key) }.filter(isInside)
    }

    /// What is wrong with `found`, if anything is.
    ///
    /// - Parameter lossIsNamed: the store said that it has lost something.
    func mismatch(
        _ found: SampleTable, _ isInside: (SampleKey) -> Bool, _ moment: Moment, lossIsNamed: Bool
    ) -> String? {
        for key in found.keys where !isInside(key) { return "\(text(key)) was not asked for" }
        if moment == .damaged { return mismatchAfterDamage(found, isInside, lossIsNamed) }
        let isCertain: (Commit) -> Bool = {
            $0.isAcknowledged && (moment != .powerCut || $0.isDurable)
        }
        if tail.allSatisfy(isCertain) { return mismatchWithLive(found, isInside) }
        var writers: [SampleKey: [Int]] = [:]
        for (index, commit) in tail.enumerated() {
            for (key, _) in commit.writes where isInside(key) {
                if writers[key]?.last != index { writers[key, default: []].append(index) }
            }
        }
        var votes: [Int: (present: SampleKey?, absent: SampleKey?)] = [:]
        for key in Set(base.keys.filter(isInside)).union(writers.keys).union(found.keys) {
            var candidates: [StoredValue?] = [base[key]]
            var doubtful: Int?
            for index in writers[key] ?? [] {
                let value = tail[index].writes.last { $0.key == key }?.value
                if isCertain(tail[index]) {
                    candidates = [value]
                    doubtful = nil
                } else {
                    candidates.append(value)
                    doubtful = index
                }
            }
            let seen = found[key]
            if !candidates.contains(seen) {
                if seen == nil && key.timeMs < cutoffMs { continue }
                return "\(text(key)) is \(text(seen)), not \(candidates.map(text))\(origin(seen))"
            }
            if let doubtful, tail[doubtful].isWhole, candidates.count == 2,
                candidates[0] != candidates[1], key.timeMs >= cutoffMs
            {
                if seen == candidates[1] {
                    votes[doubtful, default: (nil, nil)].present = key
                } else {
                    votes[doubtful, default: (nil, nil)].absent = key
                }
            }
        }
        if lossIsNamed { return nil }
        for (index, vote) in votes.sorted(by: { $0.key < $1.key }) {
            if let present = vote.present, let absent = vote.absent {
                return "commit \(index) of the tail is half there: \(text(present)) is, "
                    + "\(text(absent)) is not"
            }
        }
        return nil
    }

    private func mismatchWithLive(
        _ found: SampleTable, _ isInside: (SampleKey) -> Bool
    ) -> String? {
        for (key, value) in live where isInside(key) {
            guard let seen = found[key] else {
                if key.timeMs < cutoffMs { continue }
                return "\(text(key)) is missing: \(text(value))"
            }
            if seen != value { return "\(text(key)) is \(text(seen)), not \(text(value))" }
        }
        for key in found.keys where live[key] == nil {
            return "\(text(key)) is there: \(text(found[key]))"
        }
        return nil
    }

    private func mismatchAfterDamage(
        _ found: SampleTable, _ isInside: (SampleKey) -> Bool, _ lossIsNamed: Bool
    ) -> String? {
        for (key, value) in found where everWritten[key]?.contains(value) != true {
            return "\(text(key)) is \(text(value)), which was never written"
        }
        if lossIsNamed { return nil }
        return mismatch(found, isInside, .killed, lossIsNamed: false).map { "silently, \($0)" }
    }

    /// Where a value that is in a wrong place was written.
    private func origin(_ value: StoredValue?) -> String {
        guard let value else { return "" }
        let places = everWritten.filter { $0.value.contains(value) }.keys
        return ", written as " + places.map(text).sorted().prefix(4).joined(separator: ", ")
    }

    private func text(_ key: SampleKey) -> String {
        "series \(key.series) at \(key.timeMs)\(key.isHistogram ? " (histogram)" : "")"
    }

    private func text(_ value: StoredValue?) -> String {
        value.map { "\($0.bits)/\($0.startTimeMs)" } ?? "nothing"
    }
}
