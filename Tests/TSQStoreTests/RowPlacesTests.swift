import TSQBase
import TSQIO
import TSQModel
import Testing

@testable import TSQStore

@Suite("Places of series in the head")
struct RowPlacesTests {
    /// Generations whose groups have some of the refs up to `refCount` each, in any order.
    private static func generations(
        _ random: inout SplitMix64, refCount: UInt32
    ) -> [HeadGeneration] {
        (UInt64(0)..<2).map { number in
            var head = HeadGeneration(
                number: number, logStart: LogPlace(segment: 1, offset: 0), startedMs: 0)
            for group in 0..<UInt32(6) {
                var refs = (0..<refCount).filter { $0 % 6 == group || $0 % 17 == group }
                refs.removeAll { _ in Int.random(in: 0..<3, using: &random) == 0 }
                refs.shuffle(using: &random)
                let layout = RowLayout(
                    id: group, group: group, refs: refs.map { SeriesRef($0) })
                head.appendRow(
                    layout, timeMs: 1, values: [Double](repeating: 1, count: refs.count),
                    startTimes: [], presentCount: refs.count)
            }
            return head
        }
    }

    @Test("listed or counted first, each series has the places where a layout has it")
    func allPlaces() {
        var random = SplitMix64(seed: 5)
        for wantedCount in [0, 1, 7, 90, 200] {
            let generations = Self.generations(&random, refCount: 200)
            let refs = Array((0..<UInt32(220)).shuffled(using: &random).prefix(wantedCount))
            let order = RefOrder.ascending(refs)
            let all = [
                RowPlaces(generations, refs: refs, order: order),
                RowPlaces(generations, refs: refs, order: order, listedMax: 0),
            ]
            for (index, ref) in refs.enumerated() {
                var expected: [[Int]] = []
                for (generation, head) in generations.enumerated() {
                    for (buffer, rows) in head.buffers.enumerated() {
                        guard let column = rows.layout.refs.firstIndex(of: SeriesRef(ref))
                        else { continue }
                        expected.append([generation, buffer, column])
                    }
                }
                for places in all {
                    let found = places.places(index).map { [$0.generation, $0.buffer, $0.column] }
                    #expect(found == expected)
                }
            }
            #expect(all.allSatisfy { $0.ends.count == refs.count })
        }
    }
}
