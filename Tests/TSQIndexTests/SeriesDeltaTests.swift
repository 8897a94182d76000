import TSQBase
import TSQIndex
import TSQModel
import Testing

@Suite("SeriesDelta")
struct SeriesDeltaTests {
    static func random(_ count: Int, seed: UInt64, firstRef: UInt32 = 0) -> (
        delta: SeriesDelta, model: IndexModel
    ) {
        var random = SplitMix64(seed: seed)
        var delta = SeriesDelta(firstRef: firstRef)
        var model = IndexModel()
        for _ in 0..<count {
            let labels = IndexModel.labels(&random)
            let (ref, isNew) = delta.register(labels, hash: LabelHash.hash(labels))
            if isNew {
                model.series[ref] = labels
            } else if model.series[ref] != labels {
                Issue.record("seed \(seed): \(labels) got the number of another series")
            }
        }
        return (delta, model)
    }

    @Test("an empty one answers nothing")
    func empty() throws {
        let delta = SeriesDelta()
        #expect(try differences(delta, IndexModel(), seed: 1, rounds: 20) == [])
    }

    @Test("it answers what a list of label sets answers", arguments: [1, 2, 10, 100, 2000])
    func model(count: Int) throws {
        let (delta, model) = Self.random(count, seed: UInt64(count), firstRef: 7)
        delta._checkInvariants()
        #expect(try differences(delta, model, seed: UInt64(count), rounds: 200) == [])
    }

    @Test("registering again gives the same number, copies do not see what came later")
    func copies() {
        var delta = SeriesDelta(firstRef: 100)
        let labels = LabelSet(["__name__": "up", "job": "a"])
        let hash = LabelHash.hash(labels)
        #expect(delta.register(labels, hash: hash) == (100, true))
        #expect(delta.register(labels, hash: hash) == (100, false))
        let copy = delta
        let other = LabelSet(["__name__": "up", "job": "b"])
        #expect(delta.register(other, hash: LabelHash.hash(other)) == (101, true))
        #expect(copy.seriesCount == 1)
        #expect(copy.lookup(other, hash: LabelHash.hash(other)) == nil)
        #expect(copy.select([LabelMatcher(equal: "__name__", "up")]) == [0])
    }

    @Test("long chains of postings keep every number")
    func longChains() throws {
        var delta = SeriesDelta()
        for index in 0..<5000 {
            let labels = LabelSet([
                "__name__": "m", "even": index % 2 == 0 ? "yes" : "no", "n": "\(index)",
            ])
            _ = delta.register(labels, hash: LabelHash.hash(labels))
        }
        delta._checkInvariants()
        let even = LabelMatcher(equal: "even", "yes")
        #expect(delta.select([LabelMatcher(equal: "__name__", "m"), even]).count == 2500)
        let some = try LabelMatcher("n", .regex, "1|2|4998|4999|77")
        #expect(Set(delta.select([even, some])) == [2, 4998])
        let notEven = try LabelMatcher("even", .notEqual, "yes")
        #expect(Set(delta.select([notEven, some])) == [1, 77, 4999])
    }
}
