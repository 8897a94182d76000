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

/// More with TSQ_SEEDS=1000.
private let seedCount = getenv("TSQ_SEEDS").flatMap { Int(String(cString: $0)) } ?? 8

@Suite("Store under random operations")
struct StoreRandomTests {
    private func everything(_ source: some SeriesSource) throws -> [LabelSet: [Sample]] {
        try source.samples([try LabelMatcher("__name__", .regex, "m.*")])
    }

    @Test(
        "a store is what a dictionary is, whatever is done in whatever order",
        arguments: 0..<seedCount)
    func model(seed: Int) throws {
        var harness = StoreHarness(seed: UInt64(seed))
        harness.options.blockRangeMs = 3_600_000
        var script = StoreScript(seed: UInt64(seed))
        var random = SplitMix64(seed: UInt64(seed) &+ 1000)
        var store = try harness.open()
        for step in 0..<150 {
            harness.clock.advance(byMs: 1000)
            let now = harness.clock.nowMs()
            switch Int.random(in: 0..<24, using: &random) {
            case 0: try store.checkpoint()
            case 1:
                try store.close()
                store = try harness.open()
                script.reopened()
            case 2: while try store.mergeBlocks() {}
            case 3:
                store._checkInvariants()
                let isRight = try everything(store) == script.model.samples()
                #expect(isRight, "step \(step)")
            case 4:
                let from = now - Int64.random(in: 0...6_000_000, using: &random)
                let to = from + Int64.random(in: 0...3_000_000, using: &random)
                let matchers = [try LabelMatcher("__name__", .regex, "m.*")]
                let isRight =
                    try store.samples(matchers, fromMs: from, toMs: to)
                    == script.model.samples(fromMs: from, toMs: to)
                #expect(isRight, "step \(step)")
            case 5:
                let reader = try harness.openReadOnly()
                let isRight = try everything(reader) == script.model.samples()
                #expect(isRight, "step \(step)")
            case 6..<10: try script.commitLoose(store, nowMs: now)
            default: try script.commitRow(store, nowMs: now)
            }
        }
        #expect(try everything(store) == script.model.samples())
    }

    /// Runs operations until the planned call ends the process, and answers whether it did.
    private func runUntilKilled(
        _ harness: StoreHarness, _ script: inout StoreScript, _ random: inout SplitMix64
    ) -> Bool {
        guard let store = try? harness.open() else { return true }
        // Unless the process has ended: then no call of it does anything.
        defer { try? store.close() }
        do {
            script.reopened()
            for _ in 0..<40 {
                harness.clock.advance(byMs: 1000)
                let now = harness.clock.nowMs()
                switch Int.random(in: 0..<10, using: &random) {
                case 0: try store.checkpoint()
                case 1: while try store.mergeBlocks() {}
                case 2..<4: try script.commitLoose(store, nowMs: now)
                default: try script.commitRow(store, nowMs: now)
                }
            }
            try store.close()
            return false
        } catch {
            return true
        }
    }

    @Test("after a kill in any call everything acknowledged is there", arguments: 0..<seedCount)
    func kill(seed: Int) throws {
        let harness = StoreHarness(seed: UInt64(seed))
        var script = StoreScript(seed: UInt64(seed))
        var random = SplitMix64(seed: UInt64(seed) &+ 2000)
        for life in 0..<6 {
            let call = harness.disk.callCount + Int.random(in: 1...250, using: &random)
            harness.disk.plan(.kills, atCall: call)
            _ = runUntilKilled(harness, &script, &random)
            harness.disk.kill()
            let store = try harness.open()
            let found = try everything(store)
            let isRight = script.accepts(found)
            #expect(isRight, "seed \(seed), life \(life)")
            // What was not acknowledged is decided now.
            script.settle(found)
            try store.close()
        }
    }

    @Test("after a power cut everything synced is there", arguments: 0..<seedCount)
    func powerCut(seed: Int) throws {
        var harness = StoreHarness(seed: UInt64(seed))
        harness.options.syncIntervalMs = 0
        var script = StoreScript(seed: UInt64(seed))
        var random = SplitMix64(seed: UInt64(seed) &+ 3000)
        for life in 0..<6 {
            let call = harness.disk.callCount + Int.random(in: 1...250, using: &random)
            harness.disk.plan(.kills, atCall: call)
            _ = runUntilKilled(harness, &script, &random)
            harness.disk.cutPower()
            let store = try harness.open()
            let found = try everything(store)
            let isRight = script.accepts(found)
            #expect(isRight, "seed \(seed), life \(life)")
            script.settle(found)
            try store.close()
        }
    }

    @Test("a call that fails once costs at most the commit it was in", arguments: 0..<seedCount)
    func faults(seed: Int) throws {
        let harness = StoreHarness(seed: UInt64(seed))
        var script = StoreScript(seed: UInt64(seed))
        var random = SplitMix64(seed: UInt64(seed) &+ 4000)
        for life in 0..<4 {
            for _ in 0..<3 {
                let call = harness.disk.callCount + Int.random(in: 20...300, using: &random)
                let code: Int32 = Bool.random(using: &random) ? 5 : 28
                harness.disk.plan(.fails(code), atCall: call)
            }
            _ = runUntilKilled(harness, &script, &random)
            harness.disk.clearFaults()
            harness.disk.kill()
            let store = try harness.open()
            let found = try everything(store)
            let isRight = script.accepts(found)
            #expect(isRight, "seed \(seed), life \(life)")
            script.settle(found)
        }
    }

    @Test("a full disk refuses commits, loses nothing, and recovers when there is room")
    func fullDisk() throws {
        let harness = StoreHarness(seed: 5)
        let store = try harness.open()
        var script = StoreScript(seed: 5)
        let now = harness.clock.nowMs()
        for _ in 0..<20 { try script.commitRow(store, nowMs: now) }
        harness.disk.limit(toBytes: harness.disk.usedBytes + 500)
        var refused = 0
        for _ in 0..<50 {
            do {
                try script.commitRow(store, nowMs: now)
            } catch let error as AppendError {
                refused += 1
                #expect(error.message.contains("disk is full"))
            }
        }
        #expect(refused > 0)
        #expect(throws: StoreError.self) { try store.checkpoint() }
        #expect(try everything(store) == script.model.samples())
        harness.disk.limit(toBytes: nil)
        for _ in 0..<20 { try script.commitRow(store, nowMs: now) }
        try store.checkpoint()
        #expect(try everything(store) == script.model.samples())
        try store.close()
        #expect(try everything(try harness.open()) == script.model.samples())
    }
}

extension StoreScript {
    /// Takes over what became of the commit that was not acknowledged.
    mutating func settle(_ found: [LabelSet: [Sample]]) {
        if found != model.samples() {
            for (labels, samples) in uncertain.series {
                for (time, bits) in samples { model.add(labels, time, Double(bitPattern: bits)) }
            }
        }
        uncertain = StoreModel()
    }
}
