import TSQBase
import TSQIO
import TSQModel
import TSQStore

/// A store over a simulated disk and clock, driven at random and held against a plain model. The
/// same seed gives the same run.
package final class StoreSimulation {
    /// What a run did.
    package struct Summary: Sendable {
        package var operations: [String: Int] = [:]
        package var injected: [String: Int] = [:]
        package var samplesCommitted = 0
        /// Equal runs have equal digests of their calls to the disk.
        package var digest: UInt64 = 0

        package init() {}

        package mutating func add(_ other: Summary) {
            operations.merge(other.operations, uniquingKeysWith: +)
            injected.merge(other.injected, uniquingKeysWith: +)
            samplesCommitted += other.samplesCommitted
            digest ^= other.digest
        }
    }

    /// A store that did what it must not.
    package struct Failure: Error, CustomStringConvertible {
        package let seed: UInt64
        package let step: Int
        package let message: String
        package let trace: [String]

        package var description: String {
            "seed \(seed), step \(step): \(message)\n  " + trace.joined(separator: "\n  ")
        }
    }

    static let directory = "base/d"
    private static let traceLinesMax = 60
    private static let openAttemptsMax = 30

    let seed: UInt64
    var random: SplitMix64
    var samples: SimulatedSamples
    /// For the order of reading: more reading does not change what else is done.
    var readRandom: SplitMix64
    let disk: SimFileSystem
    let clock = SimClock(nowMs: 1_700_000_000_000)
    let events = SimulationEvents()
    var options = StoreOptions()
    var model = SimulationModel()
    var store: Store?
    var held = HeldReaders()
    var groups: [(group: WriteGroup, members: [Int])] = []
    var series: [LabelSet] = []
    var seriesOfLabels: [LabelSet: Int] = [:]
    /// Those that were ever resolved.
    var resolved: Set<Int> = []
    /// Those that were since the store was opened.
    var resolvedNow: Set<Int> = []
    var exemplarsGiven: Set<Exemplar> = []
    var lastRowMs = TimestampMs.min
    var lastDeletion: LastDeletion?
    var snapshotCount = 0
    private(set) var summary = Summary()
    private var trace: [String] = []
    private(set) var step = 0
    /// Whether a planned fault happened since the store was opened.
    private var failuresAtOpen = 0
    /// Whether bytes and memory are limited. What memory is used depends on the system's allocator as
    /// well: only a process that runs a single seed does the same again.
    let hasLimits: Bool
    /// For the choices that only runs with limits have: the others stay as they are.
    var limitRandom: SplitMix64

    package init(seed: UInt64, hasLimits: Bool = false) {
        self.seed = seed
        self.hasLimits = hasLimits
        limitRandom = SplitMix64(seed: seed &+ 4711)
        random = SplitMix64(seed: seed)
        readRandom = SplitMix64(seed: seed &+ 77)
        samples = SimulatedSamples(random: SplitMix64(seed: ~seed))
        disk = SimFileSystem(seed: seed &* 31, givesShortReads: seed % 3 == 0)
        options.runsInBackground = false
        // Given up, it stops writes without a call that fails.
        options.reserveBytes = 0
        options.syncIntervalMs = below(3) == 0 ? 0 : 1000
        options.blockRangeMs = [600_000, 3_600_000, 7_200_000][below(3)]
        options.checkpointLogBytes = [2000, 20_000, 1 << 30][below(3)]
        options.logSegmentBytes = [1500, 10_000, 16 << 20][below(3)]
        options.retentionMs = below(4) == 0 ? 6 * 3_600_000 : .max
        options.reserveBytes = [0, 4096][below(2)]
        options.deletionUndoMs = [60_000, 24 * 3_600_000][below(2)]
        options.exemplarsMax = [0, 5, 1000][below(3)]
        if hasLimits { chooseLimits() }
        for _ in 0..<30 { addSeries() }
    }

    func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    @discardableResult
    func addSeries() -> Int {
        let number = series.count
        var labels = [
            Label(LabelName.metricName, "m\(number % 4)"), Label("i", "\(number)"),
            Label("job", number % 2 == 0 ? "even" : "odd"),
        ]
        if number % 3 == 0 { labels.append(Label("zone", number % 6 == 0 ? "zürich" : "x\"y\n")) }
        if number % 11 == 0 { labels.append(Label("long", String(repeating: "ab", count: 300))) }
        series.append(LabelSet(labels))
        seriesOfLabels[LabelSet(labels)] = number
        return number
    }

    /// The files of the disk: a store as a run has left it.
    package func files() throws -> [(path: String, bytes: [UInt8])] {
        disk.clearFaults()
        disk.kill()
        return try disk.paths.map { ($0, try disk.readAll($0)) }
    }

    /// The path of one of `files` below the store's directory.
    package static func pathInStore(_ path: String) -> String {
        path.hasPrefix(directory + "/") ? String(path.dropFirst(directory.count + 1)) : path
    }

    /// - Throws: `Failure`.
    /// - Parameter checksAlways: holds everything against the model after every step.
    package func run(steps: Int = 150, checksAlways: Bool = false) throws -> Summary {
        do {
            try reopen(after: .running)
            for step in 0..<steps {
                self.step = step
                clock.advance(byMs: Int64(below(2000)))
                try operate()
                if checksAlways && store?.readOnlyReason == nil { try checkEverything() }
            }
            if seed % 4 == 3 { try damage() } else { try finish() }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw failure("unexplained error: \(error)")
        }
        store = nil
        summary.injected = disk.injected
        summary.digest = disk.digest
        return summary
    }

    private func finish() throws {
        disk.clearFaults()
        disk.limit(toBytes: nil)
        try attempt("close") { try $0.close() }
        try reopen(after: .killed)
    }

    func note(_ text: String) {
        trace.append("\(step) @\(disk.callCount) \(text)")
        if trace.count > Self.traceLinesMax { trace.removeFirst() }
    }

    func count(_ operation: String) { summary.operations[operation, default: 0] += 1 }
    func countSamples(_ count: Int) { summary.samplesCommitted += count }

    func failure(_ message: String) -> Failure {
        Failure(seed: seed, step: step, message: message, trace: trace + events.lines)
    }

    /// Does something with the store. An error must be explained by a fault, and a process that was
    /// ended is started again.
    func attempt(_ name: String, _ body: (Store) throws -> Void) throws {
        guard let store else { throw failure("\(name): there is no store") }
        count(name)
        let before = disk.failureCount
        do {
            try body(store)
        } catch let failure as Failure {
            throw failure
        } catch {
            note("\(name): \(error)")
            count("refused")
            let isExplained =
                disk.isDead || disk.failureCount > before || store.readOnlyReason != nil
            if !isExplained { throw failure("\(name): unexplained error \(error)") }
        }
        if disk.isDead { try crash() }
        try checkEvents(name)
    }

    /// Without a fault nothing may be named as damaged or lost.
    private func checkEvents(_ name: String) throws {
        if events.errorCount > 0 && disk.failureCount == failuresAtOpen && !wasDamaged {
            throw failure("\(name): a loss is named where there was no fault")
        }
    }

    /// Whether files were changed, or power was cut: losses may be named.
    var wasDamaged = false
    /// Whether the log may end early without a word: its last segment was changed.
    var mayEndEarly = false

    /// Ends the process, or the machine, and starts again.
    func crash() throws {
        let isPowerCut = below(2) == 0
        count(isPowerCut ? "power cut" : "kill")
        note(isPowerCut ? "power cut" : "kill")
        disk.die()
        forget()
        if isPowerCut { disk.cutPower() } else { disk.kill() }
        try reopen(after: isPowerCut ? .powerCut : .killed)
    }

    /// Whether an fsync has failed since the store was opened: what it was for may be lost.
    private var hasFailedSync: Bool { syncFailures > syncFailuresAtOpen }
    private var syncFailures: Int {
        disk.injected.reduce(0) { sum, entry in
            entry.key.hasPrefix("E") && entry.key.hasSuffix(" sync") ? sum + entry.value : sum
        }
    }
    private var syncFailuresAtOpen = 0

    func forget() {
        held = HeldReaders()
        groups = []
        resolvedNow = []
        store = nil
    }

    /// Opens the store, also through faults and ends, and holds what it has against the model.
    func reopen(after end: SimulationModel.Moment) throws {
        var moment = end
        if hasFailedSync && moment != .damaged { moment = .powerCut }
        forget()
        if below(4) == 0 { disk.plan(.kills, atCall: disk.callCount + 1 + below(60)) }
        if below(4) == 0 {
            disk.plan(.fails(below(2) == 0 ? 5 : 28), atCall: disk.callCount + 1 + below(60))
        }
        for attempt in 0..<Self.openAttemptsMax {
            let (before, unsafeBefore) = (disk.failureCount, events.unsafeStartCount)
            if attempt > 3 { disk.clearFaults() }
            if moment == .powerCut || moment == .damaged { wasDamaged = true }
            do {
                let store = try Store.open(
                    directory: Self.directory, options: options, fileSystem: disk, clock: clock,
                    events: events)
                self.store = store
                count("open")
                note("opened after \(moment)")
                if disk.failureCount > before && events.errorCount > 0 {
                    // A store opens on a full disk too, and says what it could not do.
                    if disk.isLimited { disk.limit(toBytes: nil) }
                    try goOnWithout()
                    continue
                }
                // What is found is durable from here on, unless the log could neither be made durable
                // nor be replaced: the store says so, and takes nothing.
                let isReplaced = store.readOnlyReason?.contains("log has to be replaced") != true
                let isDurable = events.unsafeStartCount == unsafeBefore || isReplaced
                // Otherwise what failed before may still come to light.
                if isDurable { syncFailuresAtOpen = syncFailures }
                try settle(store, moment, isDurable: isDurable)
                failuresAtOpen = disk.failureCount
                return
            } catch let failure as Failure {
                throw failure
            } catch {
                note("open: \(error)")
                store = nil
                if hasFailedSync && moment != .damaged { moment = .powerCut }
                if disk.isDead {
                    let isPowerCut = below(2) == 0
                    count(isPowerCut ? "power cut while opening" : "kill while opening")
                    if isPowerCut { disk.cutPower() } else { disk.kill() }
                    if isPowerCut && moment != .damaged { moment = .powerCut }
                } else if disk.failureCount > before {
                    count("open refused by a fault")
                    disk.dropCaches()
                    if disk.isLimited { disk.limit(toBytes: nil) }
                } else {
                    throw failure("the store does not open: \(error)")
                }
            }
        }
        throw failure("the store does not open in \(Self.openAttemptsMax) attempts")
    }

    /// A block that could not be opened is set aside. The store goes on without it, and has it again
    /// at the next start.
    private func goOnWithout() throws {
        count("opened without a block")
        let number = addSeries()
        for _ in 0..<2 {
            try commitNow(number)
            try? store?.checkpoint()
        }
        disk.die()
        forget()
        disk.kill()
    }

    private func settle(
        _ store: Store, _ moment: SimulationModel.Moment, isDurable: Bool
    ) throws {
        let lossIsNamed = events.errorCount > 0
        if lossIsNamed && !wasDamaged && disk.failureCount == failuresAtOpen {
            throw failure("a loss is named where there was no fault")
        }
        model.raiseCutoff(to: cutoffMs)
        let found = try table(of: store)
        if let wrong = model.mismatch(
            found, { _ in true }, moment, lossIsNamed: lossIsNamed)
        {
            throw failure("after \(moment): \(wrong)")
        }
        model.settle(found, isDurable: isDurable)
        store._checkInvariants()
        if moment != .damaged {
            try verify(mustBeSound: moment != .powerCut && disk.failureCount == failuresAtOpen)
        }
        if moment != .damaged { events.reset() }
        wasDamaged = moment == .damaged
    }

    /// Samples before this are not taken.
    var cutoffMs: TimestampMs {
        let newestMs = model.newestOfAllMs
        if options.retentionMs == .max || newestMs == .min { return .min }
        return min(clock.nowMs(), newestMs) - options.retentionMs
    }
}
