import TSQBase
import Testing

@testable import TSQEngine

@Suite("Places of time columns")
struct TimesPlacesTests {
    @Test("a known column has its place, however many there are; no two share one")
    func places() {
        var random = SplitMix64(seed: 5)
        for stepCount in [1, 60, 400, 40_000] {
            var places = TimesPlaces()
            places.begin(stepCount: stepCount)
            let ids = (0..<300).map { _ in random.next() | 1 }
            var owner: [Int: UInt64] = [:]
            for _ in 0..<5000 {
                let id = ids[Int(random.next() % 300)]
                let (place, isKnown) = places.find(id)
                #expect(place > 0 && place <= 256)
                if isKnown { #expect(owner[place] == id) }
                owner[place] = id
                #expect(places.find(id) == (place, true))
            }
        }
    }

    @Test("times that nobody shares are never known")
    func alone() {
        var places = TimesPlaces()
        places.begin(stepCount: 10)
        #expect(places.find(0) == (0, false))
        #expect(places.find(0) == (0, false))
    }
}
