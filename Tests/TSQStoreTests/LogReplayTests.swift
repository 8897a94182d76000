import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Replaying a log")
struct LogReplayTests {
    private func replay(_ harness: StoreHarness, isAlone: Bool) throws -> LogReplay {
        let manifest = try #require(try Manifest.read("d", harness.disk))
        var replay = try StoreOpening.contents(
            "d", manifest, harness.options, harness.disk, NullEventSink(), isWriter: true)
        replay.isAlone = isAlone
        try replay.run(directory: "d/log", harness.disk)
        return replay
    }

    private func expectEqual(_ a: LogReplay, _ b: LogReplay) {
        #expect(a.recordCount == b.recordCount && a.lostSamples == b.lostSamples)
        #expect(a.lostFromMs == b.lostFromMs && a.lostToMs == b.lostToMs)
        #expect(a.damages == b.damages && a.tornTail == b.tornTail && a.end == b.end)
        #expect(a.registry.nextRef == b.registry.nextRef)
        let (x, y) = (a.core.active, b.core.active)
        #expect(x.buffers.count == y.buffers.count && x.side.count == y.side.count)
        for (m, n) in zip(x.buffers, y.buffers) {
            #expect(m.layout.refs == n.layout.refs && m.times == n.times)
            #expect(m.rows.map { $0.map(\.bitPattern) } == n.rows.map { $0.map(\.bitPattern) })
        }
    }

    @Test("helpers that decode ahead change nothing, whatever is damaged", arguments: 0..<12)
    func ahead(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        var harness = StoreHarness(seed: UInt64(seed))
        harness.options.logSegmentBytes = 10_000
        let store = try harness.open()
        let groups = [store.openGroup(), store.openGroup()]
        let start = harness.clock.nowMs()
        for step in 0..<60 {
            let time = start + Int64(step) * 1000
            for (number, group) in groups.enumerated() {
                let refs = try (0..<(150 + step / 20)).map {
                    try store.resolve(labels("m", ["i": "\($0)", "g": "\(number)"]))
                }
                try store.addRow(
                    group, time, refs.map { ($0, Double(random.next() % 100_000) / 8) })
            }
            if step % 9 == 0 { try store.add(labels("loose"), [(time, 1)]) }
            if step == 10 && seed % 2 == 0 { try store.checkpoint() }
        }
        try store.close()
        let segments = try LogFormat.segments(in: "d/log", harness.disk)
        #expect(segments.count > 6)
        let whole = try replay(harness, isAlone: true)
        #expect(whole.damages.isEmpty && whole.lostSamples == 0)
        expectEqual(try replay(harness, isAlone: false), whole)
        for _ in 0..<3 {
            let number = segments[Int(random.next() % UInt64(segments.count))]
            let path = Path.join("d/log", LogFormat.name(number))
            let byteCount = Int(try harness.disk.byteCount(path))
            if byteCount <= 16 { continue }
            let byte = 16 + Int(random.next() % UInt64(byteCount - 16))
            harness.disk.flipBit(path, byte: byte, bit: 2)
            expectEqual(try replay(harness, isAlone: false), try replay(harness, isAlone: true))
        }
    }
}
