import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

/// A MANIFEST is lost where the process before died between a failed fsync and the removal of its
/// file: what is found then is shown by memory only.
@Suite("Rebuilding the MANIFEST beside files that are not durable")
struct ManifestRebuildTests {
    private let start: TimestampMs = 1_700_000_000_000

    /// Some fresh blocks with series of their own, and samples in the log.
    private func filled(blocks: Int) throws -> StoreHarness {
        let harness = StoreHarness(nowMs: start + 100_000)
        let store = try harness.open()
        for block in 0..<blocks {
            for series in [block, 100] {
                try store.add(
                    labels("m", ["i": "\(series)"]),
                    (0..<5).map { (start + Int64(block * 10 + $0), Double(block * 100 + $0)) })
            }
            if block < blocks - 1 { try store.checkpoint() }
        }
        try store.close()
        return harness
    }

    /// Lets each call of `work` fail and the process die with the next; loses the MANIFEST, starts, and
    /// cuts the power.
    private func check(
        _ harness: StoreHarness, evicts: Bool, _ work: (Store) throws -> Void
    ) throws -> Int {
        let expected = try harness.openReadOnly().samples(named: "m")
        var call = 0
        while true {
            call += 1
            let copy = try harness.copy()
            var store: Store? = try copy.open()
            let before = copy.disk.callCount
            copy.disk.plan(.fails(5), atCall: before + call)
            copy.disk.plan(.kills, atCall: before + call + 1)
            if let store { try? work(store) }
            if copy.disk.callCount < before + call { return call }
            copy.disk.die()
            store = nil
            copy.disk.kill(evicts: evicts)
            copy.disk.lose("d/MANIFEST")
            store = try copy.open()
            #expect(try store?.samples(named: "m") == expected, "call \(call)")
            copy.disk.cutPower()
            store = try copy.open()
            #expect(try store?.samples(named: "m") == expected, "call \(call), after a power cut")
            try store?.checkpoint()
            try store?.maintain()
            copy.disk.cutPower()
            #expect(try copy.open().samples(named: "m") == expected, "call \(call), at the end")
        }
    }

    @Test("a merge", arguments: [false, true])
    func merge(evicts: Bool) throws {
        let calls = try check(filled(blocks: 12), evicts: evicts) { try $0.maintain() }
        #expect(calls > 10)
    }

    @Test("a checkpoint with new series", arguments: [false, true])
    func checkpoint(evicts: Bool) throws {
        for blocks in [1, 2, 5] {
            let calls = try check(filled(blocks: blocks), evicts: evicts) { try $0.checkpoint() }
            #expect(calls > 10)
        }
    }
}
