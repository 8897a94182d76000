import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Full and failing disks")
struct StoreFaultTests {
    private let m = [LabelMatcher(equal: LabelName.metricName, "m")]

    private func harness() -> StoreHarness {
        var harness = StoreHarness()
        harness.options.reserveBytes = 64 << 10
        return harness
    }

    private func fill(_ store: Store, _ harness: StoreHarness, count: Int) throws -> Int {
        var taken = 0
        for _ in 0..<count {
            harness.clock.advance(byMs: 1000)
            let samples = (0..<50).map { (harness.clock.nowMs() + Int64($0), Double($0) / 7) }
            do {
                try store.add(labels("m"), samples)
                taken += samples.count
            } catch is AppendError {
            }
        }
        return taken
    }

    private func count(_ store: Store) throws -> Int {
        try store.samples(named: "m")[labels("m")]?.count ?? 0
    }

    @Test("a full disk is said once, costs nothing acknowledged, and ends by itself")
    func full() throws {
        let harness = harness()
        let store = try harness.open()
        #expect(harness.disk.paths.contains("d/reserve"))
        var taken = try fill(store, harness, count: 20)
        #expect(store.readOnlyReason == nil)
        harness.disk.limit(toBytes: harness.disk.usedBytes + 300)
        taken += try fill(store, harness, count: 20)
        #expect(taken < 2000)
        #expect(store.readOnlyReason?.contains("disk is full") == true)
        #expect(try count(store) == taken)
        // The checkpoint takes the reserve; then nothing is taken until there is room for it again.
        try store.checkpoint()
        #expect(!harness.disk.paths.contains("d/reserve"))
        try store.maintain()
        #expect(store.readOnlyReason?.contains("disk is full") == true)
        #expect(throws: AppendError.self) { try store.add(labels("m"), [(1, 1)]) }
        #expect(try count(store) == taken)
        harness.disk.limit(toBytes: nil)
        try store.maintain()
        #expect(store.readOnlyReason == nil)
        #expect(harness.disk.paths.contains("d/reserve"))
        taken += try fill(store, harness, count: 5)
        #expect(try count(store) == taken)
        try store.close()
        #expect(try count(try harness.open()) == taken)
    }

    @Test("samples can be deleted and their space given back on a disk that is full")
    func deleteOnFullDisk() throws {
        let harness = harness()
        let store = try harness.open()
        _ = try fill(store, harness, count: 40)
        try store.checkpoint()
        harness.disk.limit(toBytes: harness.disk.usedBytes + 10)
        #expect(throws: AppendError.self) {
            try store.add(labels("m"), [(harness.clock.nowMs() + 5000, 1)])
        }
        let used = harness.disk.usedBytes
        #expect(try store.deleteSeries(matching: [m]).sampleCount == 2000)
        try store.compactDeletions()
        #expect(try store.samples(named: "m").isEmpty)
        #expect(harness.disk.usedBytes < used)
        harness.disk.limit(toBytes: nil)
        try store.maintain()
        #expect(try fill(store, harness, count: 1) == 50)
    }

    @Test(
        "a start on a full disk gives up the reserve, answers queries and says why it takes nothing"
    )
    func startOnFullDisk() throws {
        let harness = harness()
        var store = try harness.open()
        let taken = try fill(store, harness, count: 10)
        harness.disk.kill()
        harness.disk.limit(toBytes: harness.disk.usedBytes)
        for _ in 0..<3 {
            store = try harness.open()
            #expect(try count(store) == taken)
            #expect(store.readOnlyReason?.contains("disk is full") == true)
            harness.disk.kill()
        }
        harness.disk.limit(toBytes: nil)
        store = try harness.open()
        #expect(store.readOnlyReason == nil)
        #expect(try fill(store, harness, count: 1) == 50)
    }

    @Test("after a failed fsync nothing is taken until everything is in blocks; then it goes on")
    func failedSync() throws {
        var harness = harness()
        harness.options.syncIntervalMs = 0
        let store = try harness.open()
        let taken = try fill(store, harness, count: 3)
        // The write of the commit, then its fsync.
        harness.disk.plan(.fails(EIO), atCall: harness.disk.callCount + 2)
        #expect(try fill(store, harness, count: 1) == 0)
        #expect(store.readOnlyReason?.contains("durable") == true)
        #expect(try fill(store, harness, count: 2) == 0)
        try store.maintain()
        #expect(store.readOnlyReason == nil)
        #expect(try fill(store, harness, count: 2) == 100)
        // The samples of the commit that failed may be there or not.
        #expect([taken + 100, taken + 150].contains(try count(store)))
        harness.disk.cutPower()
        let again = try harness.open()
        #expect([taken + 100, taken + 150].contains(try count(again)))
        #expect(try Store.verify(directory: "d", fileSystem: harness.disk).isSound)
    }

    @Test(
        "an fsync that fails in close or before it loses nothing: what the log has goes to blocks")
    func failedSyncOnClose() throws {
        for isBefore in [false, true] {
            let harness = harness()
            let store = try harness.open()
            let taken = try fill(store, harness, count: 3)
            harness.disk.plan(.fails(EIO), atCall: harness.disk.callCount + 1)
            if isBefore { #expect(throws: StoreError.self) { try store.sync() } }
            try store.close()
            #expect(harness.disk.failureCount == 1)
            harness.disk.cutPower()
            #expect(try count(try harness.open()) == taken)
            #expect(try Store.verify(directory: "d", fileSystem: harness.disk).isSound)
        }
    }

    @Test(
        "what a start shows is durable, whichever of its calls failed", arguments: [EIO, ENOSPC])
    func startIsDurable(code: Int32) throws {
        for call in 1... {
            let harness = harness()
            var store = try harness.open()
            let taken = try fill(store, harness, count: 3)
            harness.disk.kill()
            let before = harness.disk.failureCount
            harness.disk.plan(.fails(code), atCall: harness.disk.callCount + call)
            do {
                store = try harness.open()
            } catch {
                store = try harness.open()
            }
            if harness.disk.failureCount == before {
                #expect(call > 30)
                break
            }
            #expect(try count(store) == taken)
            #expect(store.readOnlyReason == nil, "call \(call)")
            harness.disk.cutPower()
            #expect(try count(try harness.open()) == taken, "call \(call)")
        }
    }

    @Test("a start that can neither sync the log nor replace it takes nothing until it can")
    func startWithUnsafeLog() throws {
        let harness = harness()
        var store = try harness.open()
        let taken = try fill(store, harness, count: 3)
        harness.disk.kill()
        var reason: String?
        // The fsync of the old segment, and from some call on all of the checkpoint's.
        for sync in 1..<40 where reason == nil {
            harness.disk.clearFaults()
            harness.disk.plan(.fails(EIO), atCall: harness.disk.callCount + sync)
            for call in 5..<40 {
                harness.disk.plan(.fails(EIO), atCall: harness.disk.callCount + sync + call)
            }
            guard let opened = try? harness.open() else { continue }
            store = opened
            reason = store.readOnlyReason
        }
        #expect(reason?.contains("the log has to be replaced") == true)
        harness.disk.clearFaults()
        #expect(throws: AppendError.self) { try store.add(labels("m"), [(1, 1)]) }
        #expect(try count(store) == taken)
        try store.maintain()
        #expect(store.readOnlyReason == nil)
        harness.disk.cutPower()
        #expect(try count(try harness.open()) == taken)
    }

    @Test("what a failed fsync left in memory is on the disk once the next start has shown it")
    func failedSyncBeforeStart() throws {
        // The process ends before it can replace the log, or when the new segment is begun.
        for endsAt in [1, 6, 8] {
            let harness = harness()
            var store = try harness.open()
            let taken = try fill(store, harness, count: 3)
            harness.disk.plan(.fails(EIO), atCall: harness.disk.callCount + 1)
            #expect(throws: StoreError.self) { try store.sync() }
            harness.disk.plan(.kills, atCall: harness.disk.callCount + endsAt)
            #expect(throws: StoreError.self) {
                try store.maintain()
                try store.checkpoint()
            }
            harness.disk.kill(evicts: false)
            store = try harness.open()
            #expect(try count(store) == taken)
            harness.disk.cutPower()
            #expect(try count(try harness.open()) == taken, "call \(endsAt)")
        }
    }

    @Test("where there is room again an unsafe log is replaced before samples are taken")
    func unsafeLogOnFullDisk() throws {
        var unsafeCount = 0
        for call in 1..<60 {
            var harness = harness()
            harness.options.reserveBytes = 1
            var store = try harness.open()
            let taken = try fill(store, harness, count: 3)
            harness.disk.plan(.fails(EIO), atCall: harness.disk.callCount + 1)
            #expect(throws: StoreError.self) { try store.sync() }
            harness.disk.kill(evicts: false)
            // There is room to begin a segment, but none for a checkpoint, also without the reserve.
            harness.disk.limit(toBytes: harness.disk.usedBytes + 60)
            harness.disk.plan(.fails(EIO), atCall: harness.disk.callCount + call)
            guard let opened = try? harness.open() else { continue }
            store = opened
            if store.readOnlyReason?.contains("the log has to be replaced") == true {
                unsafeCount += 1
            }
            harness.disk.limit(toBytes: nil)
            try store.maintain()
            #expect(store.readOnlyReason == nil && !harness.disk.isDead)
            #expect(try count(store) == taken)
            harness.disk.cutPower()
            #expect(try count(try harness.open()) == taken, "call \(call)")
        }
        #expect(unsafeCount > 0)
    }

    @Test("a write that fails with EIO costs its commit; the next one is tried again")
    func failedWrite() throws {
        let harness = harness()
        let store = try harness.open()
        var taken = try fill(store, harness, count: 2)
        harness.disk.plan(.fails(EIO), atCall: harness.disk.callCount + 1)
        #expect(try fill(store, harness, count: 1) == 0)
        #expect(store.readOnlyReason?.contains("cannot be written") == true)
        taken += try fill(store, harness, count: 2)
        #expect(store.readOnlyReason == nil)
        #expect(try count(store) == taken)
        harness.disk.kill()
        #expect(try count(try harness.open()) == taken)
    }

    @Test("a missing block or index segment is named at the start, and the rest serves")
    func missingFiles() throws {
        let harness = harness()
        let store = try harness.open()
        _ = try fill(store, harness, count: 1)
        try store.checkpoint()
        let first = try #require(harness.disk.paths.first { $0.hasSuffix(".blk") })
        let taken = try fill(store, harness, count: 2)
        try store.close()
        try harness.disk.remove(first)
        let again = try harness.open()
        #expect(try count(again) == taken)
        #expect(again.statistics().samplesLost == 50)
        try again.checkpoint()
        while try again.mergeBlocks() {}
        #expect(try count(again) == taken)
    }
}

@Suite("Exemplars that are kept")
struct StoreExemplarTests {
    private let start: TimestampMs = 1_700_000_000_000

    private func add(_ store: Store, _ series: LabelSet, _ times: [Int64]) throws {
        let ref = try store.resolve(series)
        var batch = WriteBatch(origin: .timestamped)
        for time in times {
            batch.refs.append(ref)
            batch.times.append(start + time)
            batch.values.append(1)
            batch.exemplars.append(
                (
                    ref,
                    Exemplar(
                        labels: labels("trace", ["id": "\(time)"]), value: Double(time),
                        timeMs: start + time)
                ))
        }
        _ = try store.commit(batch)
    }

    private func values(_ source: some SeriesSource) throws -> [LabelSet: [Double]] {
        let found = try source.exemplars(matching: [], fromMs: .min, toMs: .max)
        return Dictionary(
            uniqueKeysWithValues: found.map { ($0.labels, $0.exemplars.map(\.value)) })
    }

    @Test("exemplars survive checkpoints and restarts, the newest of them within their bound")
    func kept() throws {
        var harness = StoreHarness(nowMs: start)
        harness.options.exemplarsMax = 50
        var store = try harness.open()
        var expected: [Double] = []
        for round in 0..<30 {
            let times = (0..<4).map { Int64(round * 10 + $0) }
            try add(store, labels("m"), times)
            expected = Array((expected + times.map { Double($0) }).suffix(50))
            if round % 3 != 2 { try store.checkpoint() }
            if round % 7 == 6 {
                harness.disk.kill()
                store = try harness.open()
            }
            #expect(try values(store) == [labels("m"): expected], "round \(round)")
            let files = harness.disk.paths.count { $0.hasSuffix(".exm") }
            #expect(files <= ExemplarFile.filesMax)
        }
        // A reader keeps more.
        let reader = try harness.openReadOnly()
        #expect(try values(reader)[labels("m")]?.suffix(50) == expected[...])
        let path = try store.snapshot(name: "s")
        let copy = try Store.openReadOnly(directory: path, fileSystem: harness.disk)
        #expect(try values(copy)[labels("m")]?.suffix(50) == expected[...])
    }

    @Test("exemplars of deleted samples are hidden with them")
    func deleted() throws {
        let harness = StoreHarness(nowMs: start + 1000)
        let store = try harness.open()
        try add(store, labels("m"), [1, 2, 3])
        try add(store, labels("n"), [2])
        _ = try store.deleteSeries(
            matching: [[LabelMatcher(equal: "__name__", "m")]], fromMs: start + 2,
            toMs: start + 9)
        #expect(try values(store) == [labels("m"): [1], labels("n"): [2]])
    }

    @Test("a damaged file of exemplars costs these and nothing else")
    func damaged() throws {
        let harness = StoreHarness(nowMs: start)
        let store = try harness.open()
        try add(store, labels("m"), [1])
        try store.checkpoint()
        try add(store, labels("m"), [2])
        try store.checkpoint()
        try store.close()
        let path = try #require(harness.disk.paths.first { $0.hasSuffix(".exm") })
        harness.disk.flipBit(path, byte: 12, bit: 0)
        let again = try harness.open()
        #expect(try values(again) == [labels("m"): [2]])
        #expect(try again.samples(named: "m")[labels("m")]?.count == 2)
    }
}
