import TSQBase
import TSQModel
import Testing

@testable import TSQStore

@Suite("States of series")
struct SeriesStatesTests {
    /// What is known of one series, without pages.
    private struct Known {
        var newestMs: TimestampMs
        var owner: UInt32?
        var column = 0
    }

    @Test("owners and columns are exact, times an upper bound", arguments: 0..<20)
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let openedCount = UInt32(random.next() % 3000)
        var states = SeriesStates(openedCount: openedCount, openedNewestMs: 50)
        var known: [Known] = []
        for step in 0..<4000 {
            let time = TimestampMs(step / 4 + Int(random.next() % 40))
            if known.isEmpty || random.next() % 100 == 0 {
                let count = known.count + 1 + Int(random.next() % 700)
                states.grow(to: count)
                while known.count < count {
                    known.append(Known(newestMs: known.count < openedCount ? 50 : .min))
                }
            }
            let index = Int(random.next() % UInt64(known.count))
            let ref = SeriesRef(UInt32(index))
            switch random.next() % 12 {
            case 0...3:
                states.raise(ref, to: time)
                known[index].newestMs = max(known[index].newestMs, time)
            case 4:
                // Over the bounds of pages with states and pages without.
                let raised = index..<min(known.count, index + Int(random.next() % 1500))
                states.raiseRoughly(raised.map { SeriesRef(UInt32($0)) }, to: time)
                for index in raised { known[index].newestMs = max(known[index].newestMs, time) }
            case 5...7:
                let (group, column) = (UInt32(random.next() % 5), Int(random.next() % 1000))
                states.own(ref, group: group, column: column)
                (known[index].owner, known[index].column) = (group, column)
            case 8...9:
                states.disown(ref)
                known[index].owner = nil
            case 10:
                if random.next() % 20 == 0 {
                    let group = UInt32(random.next() % 5)
                    states.disownAll(of: group)
                    for index in known.indices where known[index].owner == group {
                        known[index].owner = nil
                    }
                }
            default: if random.next() % 4 == 0 { states.dropUnused(keptMs: time) }
            }
            #expect(states.owner(ref) == known[index].owner)
        }
        states._checkInvariants()
        for (index, series) in known.enumerated() {
            let ref = SeriesRef(UInt32(index))
            #expect(states.newest(ref) >= series.newestMs)
            #expect(states.owner(ref) == series.owner)
            if series.owner != nil { #expect(states.column(ref) == series.column) }
        }
    }

    @Test("series that nobody writes any more cost next to nothing")
    func deadSeries() {
        var states = SeriesStates(openedCount: 0, openedNewestMs: .min)
        let generations: UInt32 = 50
        let perGeneration: UInt32 = 20_000
        for generation in 0..<generations {
            let refs = (generation * perGeneration..<(generation + 1) * perGeneration).map {
                SeriesRef($0)
            }
            let time = TimestampMs(generation) * 3_600_000
            states.grow(to: Int((generation + 1) * perGeneration))
            for (column, ref) in refs.enumerated() {
                states.own(ref, group: generation, column: column)
            }
            for ref in refs {
                states.raise(ref, to: time)
                states.disown(ref)
            }
            states.dropUnused(keptMs: time - 3_600_000)
        }
        // A million numbers: at most three generations have states, the others 48 bytes a page.
        #expect(states.byteCount < 3 * 21 * 1024 * 16 + 200_000)
        #expect(states.newest(SeriesRef(5)) < 10 * 3_600_000)
    }

    @Test("a page that is written to, or owned, keeps what it knows exactly")
    func usedPages() {
        var states = SeriesStates(openedCount: 0, openedNewestMs: .min)
        states.grow(to: 4096)
        states.raise(SeriesRef(1), to: 10)
        states.raise(SeriesRef(2), to: 20)
        states.own(SeriesRef(1025), group: 0, column: 0)
        states.raise(SeriesRef(1026), to: 5)
        states.dropUnused(keptMs: 100)
        states.raise(SeriesRef(1), to: 11)
        states.dropUnused(keptMs: 100)
        #expect(states.newest(SeriesRef(1)) == 11)
        #expect(states.newest(SeriesRef(3)) == .min)
        states.dropUnused(keptMs: 20)
        #expect(states.newest(SeriesRef(3)) == .min)
        states.dropUnused(keptMs: 21)
        #expect(states.newest(SeriesRef(3)) == 20)
        #expect(states.newest(SeriesRef(1026)) == 5)
        #expect(states.newest(SeriesRef(1027)) == .min)
        states.disown(SeriesRef(1025))
        states.dropUnused(keptMs: 100)
        states.dropUnused(keptMs: 100)
        #expect(states.newest(SeriesRef(1027)) == 5)
    }
}
