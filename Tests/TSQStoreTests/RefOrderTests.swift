import TSQBase
import Testing

@testable import TSQStore

@Suite("Order of refs")
struct RefOrderTests {
    @Test("is that of a stable sort", arguments: [0, 1, 63, 64, 1000, 5000])
    func order(count: Int) {
        var random = SplitMix64(seed: UInt64(count))
        for limit in [7, 2048, 1 << 22, UInt64(UInt32.max)] {
            let refs = (0..<count).map { _ in UInt32(random.next() % limit) }
            let expected = refs.indices.sorted { (refs[$0], $0) < (refs[$1], $1) }
            #expect(RefOrder.ascending(refs).map(Int.init) == expected)
        }
    }
}
