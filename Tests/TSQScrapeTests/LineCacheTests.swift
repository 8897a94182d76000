import TSQBase
import TSQConfig
import TSQExposition
import TSQModel
import Testing

@testable import TSQScrape

@Suite struct LineCacheTests {
    /// What a page must lead to, worked out without any cache.
    struct Model {
        var live: Set<String> = []
        var isMarked = true

        mutating func page(_ lines: [(name: String, value: Int)]) -> Set<String> {
            var result: Set<String> = []
            var seen: Set<String> = []
            for (name, value) in lines where seen.insert(name).inserted {
                result.insert("\(name) \(value)")
            }
            if !isMarked {
                for name in live.subtracting(seen) { result.insert("\(name) S") }
            }
            live = seen
            isMarked = false
            return result
        }

        mutating func failure() -> Set<String> {
            defer { isMarked = true }
            return isMarked ? [] : Set(live.map { "\($0) S" })
        }
    }

    @Test("random pages give what a plain model gives", arguments: [UInt64(1), 2, 3, 4])
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let fed = HandFed()
        var model = Model()
        var names = (0..<60).map { "m\($0)" }
        for step in 0..<400 {
            // The page drifts: lines come, go and move.
            switch random.next() % 6 {
            case 0: names.append("m\(60 + step)")
            case 1 where names.count > 3: names.remove(at: Int(random.next() % UInt64(names.count)))
            case 2: names.swapAt(0, Int(random.next() % UInt64(names.count)))
            case 3 where step % 50 == 0: names = (0..<300).map { "n\(step)_\($0)" }
            default: break
            }
            var lines = names.map { (name: $0, value: Int(random.next() % 1000)) }
            if random.next() % 10 == 0 { lines.append((lines[0].name, 5)) }
            let expected: Set<String>
            if random.next() % 12 == 0 {
                expected = model.failure()
                let broken =
                    lines.prefix(Int(random.next() % UInt64(lines.count)))
                    .map { "\($0.name) \($0.value)\n" }.joined() + "new_\(step) 1\nbroken{\n"
                fed.feed(broken, at: Int64(step) * 1000)
            } else {
                expected = model.page(lines)
                let text = lines.map { "# TYPE \($0.name) gauge\n\($0.name) \($0.value)\n" }
                fed.feed(text.joined(), at: Int64(step) * 1000)
            }
            let found = Set(
                fed.samples(step).map { line in
                    let parts = line.split(separator: " ")
                    return "\(parts[0].prefix { $0 != "{" }) \(parts[2])"
                })
            #expect(found == expected, "seed \(seed), step \(step)")
            if found != expected { return }
            #expect(
                Set(fed.appender.batches[step].rowRefs).count
                    == fed.appender.batches[step].rowRefs.count)
        }
    }

    @Test("lines that are gone for good are forgotten")
    func bounded() {
        var ingest = PageIngest(IngestSettings(targetLabels: LabelSet()))
        var batch = WriteBatch(origin: .scrape)
        for round in 0..<100 {
            let text = (0..<200).map { "m\(round)_\($0) 1\n" }.joined()
            let bytes = Array(text.utf8)
            batch.removeAll()
            var counts = PageCounts()
            var next: UInt32 = 0
            try? ingest.ingest(
                bytes.span, format: .prometheusText, timeMs: 0, into: &batch, counts: &counts
            ) { _ throws(AppendError) in
                next += 1
                return SeriesRef(UInt32(round * 200) + next)
            }
            #expect(batch.rowRefs.count == 200)
        }
        #expect(ingest.lines.entries.count <= 2 * 200 + LineCache.deadEntriesMin)
    }
}
