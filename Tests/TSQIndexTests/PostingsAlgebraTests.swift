import TSQBase
import TSQIndex
import Testing

@Suite("PostingsAlgebra")
struct PostingsAlgebraTests {
    @Test("it answers what sets answer, for lists of like and of very different size")
    func sets() {
        var random = SplitMix64(seed: 5)
        let sizes = [0, 1, 2, 10, 500, 5000]
        for round in 0..<300 {
            let a = Self.list(sizes[round % 6], 20_000, &random)
            let b = Self.list(sizes[(round / 6) % 6], 20_000, &random)
            #expect(
                PostingsAlgebra.intersection(a, b) == Set(a).intersection(b).sorted(), "\(round)")
            #expect(PostingsAlgebra.subtracting(a, b) == Set(a).subtracting(b).sorted(), "\(round)")
            #expect(
                PostingsAlgebra.union(a + b, limit: 20_000) == Set(a).union(b).sorted(), "\(round)")
        }
    }

    static func list(_ count: Int, _ limit: UInt32, _ random: inout SplitMix64) -> [UInt32] {
        Set((0..<count).map { _ in UInt32.random(in: 0..<limit, using: &random) }).sorted()
    }
}
