import TSQBase
import TSQExposition
import TSQModel
import Testing

@Suite struct MutationTests {
    static let pages: [(text: String, format: ExpositionFormat)] = [
        (
            """
            # HELP a_total help \\n text
            # TYPE a_total counter
            a_total{b="c\\"d",e="f"} 1.5e3 1520879607789
            {"quo.ted",g="h"} -Inf
            a_total NaN

            """, .prometheusText
        ),
        (
            """
            # TYPE a_seconds histogram
            # UNIT a_seconds seconds
            a_seconds_bucket{le="1"} 3 1.5 # {t="u"} 0.5 1.25
            {"quo.ted",g="h"} 2
            # EOF

            """, .openMetrics
        ),
    ]

    @Test("any page, however damaged, is read or refused", arguments: [UInt64(1), 2, 3])
    func damage(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for (text, format) in Self.pages {
            let bytes = Array(text.utf8)
            for length in 0...bytes.count { _ = try? read(Array(bytes[..<length]), format) }
            for _ in 0..<4000 {
                var copy = bytes
                for _ in 0..<(1 + random.next() % 4) {
                    let at = Int(random.next() % UInt64(copy.count))
                    switch random.next() % 3 {
                    case 0: copy[at] = UInt8(truncatingIfNeeded: random.next())
                    case 1: copy.remove(at: at)
                    default: copy.insert(Array("{}\"\\\n =,#".utf8)[Int(random.next() % 9)], at: at)
                    }
                    if copy.isEmpty { copy = [0x0A] }
                }
                _ = try? read(copy, format)
            }
        }
    }

    @Test("a known line matches itself and nothing else; what it gives is what next() gives")
    func matching() throws {
        let lines = [
            "a{b=\"c\"} 12.5\n", "a{b=\"c\"} -7\n", "a{b=\"c\"} NaN 5\n", "a{b=\"c\"} 1e3\n",
            "a{b=\"c\"} 123456789012345678\n", "a{b=\"c\"} 0.1\n", "a{b=\"c\"} .5\n",
            "a{b=\"c\"} 5.\n",
        ]
        let known = Array("a{b=\"c\"}".utf8)
        for line in lines {
            let bytes = Array(line.utf8)
            var fast = ExpositionScanner(bytes.span, format: .prometheusText)
            let isMatch = fast.nextMatching(known.span)
            #expect(isMatch, "\(line)")
            var slow = ExpositionScanner(bytes.span, format: .prometheusText)
            let entry = try slow.next()
            #expect(entry == .series)
            let (a, b) = (fast.value.bitPattern, slow.value.bitPattern)
            #expect(a == b, "\(line)")
            let (aTime, bTime) = (fast.timestampMs, slow.timestampMs)
            #expect(aTime == bTime, "\(line)")
            let (aSeries, bSeries) = (fast.series, slow.series)
            #expect(aSeries == bSeries, "\(line)")
            let last = try fast.next()
            #expect(last == .end)
        }
        for line in ["a{b=\"cc\"} 1\n", "a{b=\"c\"}1\n", "a{b=\"c\"} x\n", "a{b=\"c\"} \n", "a{b"] {
            let bytes = Array(line.utf8)
            var scanner = ExpositionScanner(bytes.span, format: .prometheusText)
            let isMatch = scanner.nextMatching(known.span)
            #expect(!isMatch, "\(line)")
        }
    }

    @Test("what is written reads back the same", arguments: ExpositionFormat.allCases)
    func roundTrip(format: ExpositionFormat) throws {
        var random = SplitMix64(seed: 7)
        var writer = ExpositionWriter(format: format)
        var expected: [ReadSample] = []
        let texts = ["x", "", "a b", "q\"uo\\te\n", "ü.ö", "1st", "\\n"]
        func text() -> String { texts[Int(random.next() % UInt64(texts.count))] }
        writer.family(
            "m.1", MetricMetadata(kind: .counter, help: "two\nlines \\ and \"quotes\""))
        for index in 0..<200 {
            let labels = LabelSet([
                "__name__": index % 2 == 0 ? "plain_\(index)" : "dot.\(index) \(text())",
                "l": text(), "l \(text())": text(), "z": "\(index)",
            ])
            let value = Double(bitPattern: random.next() & 0x7FEF_FFFF_FFFF_FFFF)
            let timeMs = index % 3 == 0 ? nil : Int64(random.next() >> 22)
            writer.sample(labels, value, timeMs: timeMs)
            expected.append(ReadSample("\(labels)", value, timeMs))
        }
        writer.finish()
        let page = try read(writer.bytes, format)
        #expect(page.samples == expected)
        #expect(page.metadata.first == "HELP m.1=two\nlines \\ and \"quotes\"")
    }
}
