import Testing

@testable import TSQBase

/// The expected orders were worked out by another program after the description of the algorithm.
@Suite("Go's order of equal elements")
struct GoSortTests {
    /// `count` keys `i · factor mod modulus`; the places at which sorting finds them.
    private func order(_ count: Int, _ factor: Int, _ modulus: Int) -> [Int] {
        sorted((0..<count).map { $0 * factor % modulus })
    }

    private func sorted(_ keys: [Int]) -> [Int] {
        var elements = keys.enumerated().map { (key: $1, place: $0) }
        GoSort.sort(&elements) { $0.key < $1.key }
        let isSorted = zip(elements, elements.dropFirst()).allSatisfy { $0.key <= $1.key }
        #expect(isSorted)
        return elements.map(\.place)
    }

    private func checksum(_ places: [Int]) -> Int {
        places.reduce(0) { ($0 * 31 + $1) % 1_000_003 }
    }

    @Test("few elements keep their order, many do not")
    func small() {
        #expect(order(12, 7, 3) == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11])
        #expect(
            order(20, 7, 3) == [
                9, 18, 15, 3, 12, 0, 6, 10, 7, 4, 13, 16, 1, 19, 8, 5, 11, 14, 2, 17,
            ])
        #expect(
            order(30, 11, 4) == [
                8, 28, 0, 16, 4, 24, 12, 20, 3, 7, 19, 11, 23, 15, 27, 14, 22, 2, 18, 10, 26, 6,
                13, 21, 5, 25, 9, 17, 1, 29,
            ])
    }

    @Test("equal elements stay, falling ones are turned round")
    func patterns() {
        #expect(sorted([Int](repeating: 7, count: 99)) == Array(0..<99))
        #expect(sorted((0..<300).map { -$0 }) == Array((0..<300).reversed()))
        #expect(sorted([]) == [] && sorted([3]) == [0])
    }

    @Test("pivots, shifts and broken patterns leave the same order")
    func large() {
        #expect(checksum(order(64, 37, 5)) == 651_296)
        #expect(checksum(order(200, 97, 7)) == 501_268)
        #expect(checksum(order(1000, 7919, 13)) == 694_729)
        #expect(checksum(order(300, 1, 300)) == 730_778)
        #expect(checksum(order(500, 499, 500)) == 317_136)
        #expect(checksum(sorted((0..<257).map { min($0, 257 - $0) / 3 })) == 468_992)
        #expect(checksum(sorted((0..<2000).map { min($0, 2000 - $0) / 3 })) == 509_914)
    }

    @Test("NaNs change places")
    func notANumber() {
        var elements = [(Double.nan, "a"), (.nan, "b"), (1, "c")]
        GoSort.sort(&elements) { $1.0.isNaN || $0.0 < $1.0 }
        #expect(elements.map(\.1) == ["c", "b", "a"])
    }
}
