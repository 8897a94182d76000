import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Logs of which a part is gone")
struct StoreLogLossTests {
    private let start: TimestampMs = 1_700_000_000_000

    private func harness() -> StoreHarness {
        var harness = StoreHarness(nowMs: start)
        harness.options.logSegmentBytes = 300
        return harness
    }

    /// Commits of 1, 2, 3 … samples, one with a row and a histogram; where each ends.
    private func fill(_ store: Store, _ commits: Range<Int>) throws -> [LogPlace] {
        let group = store.openGroup()
        let row = try store.resolve(labels("row"))
        return try commits.map { number in
            let time = start + Int64(number) * 1000
            try store.addRow(group, time, [(row, Double(number))])
            try store.add(labels("m"), (0..<number).map { (time + Int64($0), Double($0)) })
            return store.log.end
        }
    }

    private func count(_ source: some SeriesSource) throws -> Int {
        let found = try [source.samples(named: "m"), source.samples(named: "row")]
        return found.flatMap(\.values).reduce(0) { $0 + $1.count }
    }

    @Test("the samples that a segment lost at its end are counted, also those of an earlier writer")
    func cutBetweenRecords() throws {
        for isReopened in [false, true] {
            let harness = harness()
            var store = try harness.open()
            _ = try fill(store, 1..<4)
            // What is in blocks is not lost with its records.
            try store.checkpoint()
            var ends = try fill(store, 4..<9)
            if isReopened {
                try store.close()
                store = try harness.open()
                ends += try fill(store, 9..<12)
            }
            let all = try count(store)
            let last = store.log.end.segment
            try store.close()
            let cut = try #require(
                ends.dropLast().last { end in
                    end.segment < last && ends.contains { $0.segment == end.segment && $0 > end }
                })
            let path = Path.join("d/log", LogFormat.name(cut.segment))
            harness.disk.shorten(path, to: Int(cut.offset))
            let reader = try harness.openReadOnly()
            let left = try count(reader)
            #expect(left < all)
            let events = LineEvents()
            let again = try Store.open(
                directory: "d", options: harness.options, fileSystem: harness.disk,
                clock: harness.clock, events: events)
            #expect(try count(again) == left)
            #expect(again.statistics().samplesLost == UInt64(all - left))
            #expect(events.lines.contains { $0.contains("the segment is cut off") })
            #expect(events.lines.contains { $0.contains("samples=\(all - left)") })
            // The log is replaced: nothing is said again.
            try again.close()
            let healed = try harness.open()
            #expect(try count(healed) == left && healed.statistics().samplesLost == 0)
        }
    }

    @Test("the samples of a damaged record are counted when a segment follows")
    func damagedRecord() throws {
        let harness = harness()
        let store = try harness.open()
        let ends = try fill(store, 1..<9)
        let all = try count(store)
        try store.close()
        let first = try #require(ends.first)
        harness.disk.flipBit(
            Path.join("d/log", LogFormat.name(first.segment)), byte: Int(first.offset) - 3, bit: 1)
        let again = try harness.open()
        let left = try count(again)
        #expect(left < all && again.statistics().samplesLost == UInt64(all - left))
    }

    @Test("a damaged log is not replayed again when the MANIFEST is lost: its numbers are others'")
    func numbersOfDamagedLog() throws {
        for isFull in [false, true] {
            let harness = StoreHarness(nowMs: start)
            var store = try harness.open()
            try store.add(labels("a"), [(start, 1)])
            let end = store.log.end
            try store.add(labels("b"), [(start, 2)])
            try store.add(labels("b"), [(start + 1, 3)])
            try store.close()
            // The record that gives b its number, which another series gets later.
            harness.disk.flipBit(
                Path.join("d/log", LogFormat.name(end.segment)), byte: Int(end.offset) + 20, bit: 1)
            // The log is replaced at the start, or as soon as there is room.
            if isFull { harness.disk.limit(toBytes: harness.disk.usedBytes + 100) }
            store = try harness.open()
            #expect((store.readOnlyReason != nil) == isFull)
            harness.disk.limit(toBytes: nil)
            if isFull {
                try store.checkpoint()
                harness.disk.kill()
                store = try harness.open()
            }
            try store.add(labels("c"), [(start, 4)])
            try store.checkpoint()
            try store.close()
            try harness.disk.remove("d/MANIFEST")
            store = try harness.open()
            let found = try store.samples([LabelMatcher("__name__", .regex, ".+")])
            #expect(found == [labels("a"): [Sample(start, 1)], labels("c"): [Sample(start, 4)]])
        }
    }

    @Test("a log without loss has none counted, whatever checkpoints and starts were in between")
    func noLoss() throws {
        let harness = harness()
        var number = 1
        var expected = 0
        for round in 0..<12 {
            let store = try harness.open()
            #expect(store.statistics().samplesLost == 0, "round \(round)")
            #expect(try count(store) == expected)
            for _ in 0..<3 {
                _ = try fill(store, number..<(number + 2))
                expected += 2 * number + 3
                number += 2
                if round % 3 == 1 { try store.checkpoint() }
            }
            if round % 2 == 0 { try store.close() } else { harness.disk.kill() }
            #expect(try Store.verify(directory: "d", fileSystem: harness.disk).isSound)
        }
    }
}
