import Foundation
import TSQBase
import TSQExposition
import TSQModel
import Testing

@testable import TSQScrape

/// What a line costs; run with `-c release` and TSQ_MEASURE=1 for a figure worth printing.
@Suite struct LineCostTests {
    static func page(_ step: Int, lines: Int) -> [UInt8] {
        var random = SplitMix64(seed: UInt64(step))
        var text: [UInt8] = []
        for line in 0..<lines {
            if line % 10 == 0 {
                text += Array(
                    "# HELP metric_\(line / 10)_total Some help.\n# TYPE metric_\(line / 10)_total counter\n"
                        .utf8)
            }
            text += Array(
                "metric_\(line / 10)_total{device=\"dev\(line % 10)\",mode=\"user\",zone=\"eu-\(line % 3)\"} "
                    .utf8)
            switch line % 10 {
            case 0..<5: DecimalPrint.append(Double(step * 97 + line), .fixed, to: &text)
            case 5..<8:
                DecimalPrint.append(Double(random.next() % 100_000) / 100, .fixed, to: &text)
            case 8: DecimalPrint.append(Double(random.next() >> 11) * 0x1p-53, .general, to: &text)
            default: text.append(0x30)
            }
            text.append(0x0A)
        }
        return text
    }

    @Test("a page of known lines is taken line by line without a hash or a parse")
    func cost() throws {
        let isMeasuring = ProcessInfo.processInfo.environment["TSQ_MEASURE"] != nil
        let lines = isMeasuring ? 50_000 : 2000
        let pages = (0..<4).map { Self.page($0, lines: lines) }
        var ingest = PageIngest(
            IngestSettings(targetLabels: LabelSet(["instance": "h:1", "job": "j"])))
        var batch = WriteBatch(origin: .scrape)
        var resolved: UInt32 = 0
        func run(_ index: Int) throws -> Double {
            let page = pages[index % pages.count]
            let clock = SystemClock()
            let started = clock.monotonicNs()
            batch.removeAll()
            var counts = PageCounts()
            try ingest.ingest(
                page.span, format: .prometheusText, timeMs: Int64(index), into: &batch,
                counts: &counts
            ) { _ throws(AppendError) in
                resolved += 1
                return SeriesRef(resolved)
            }
            #expect(counts.scraped == lines)
            return Double(clock.monotonicNs() - started) / Double(lines)
        }
        let first = try run(0)
        let refs = batch.rowRefs
        var best = Double.infinity
        for index in 1..<(isMeasuring ? 40 : 4) {
            best = min(best, try run(index))
            #expect(batch.rowRefs == refs)
        }
        #expect(resolved == UInt32(lines))
        if isMeasuring {
            print(
                "first page \(first) ns a line, known page \(best) ns a line, \(pages[0].count) bytes"
            )
            #expect(best <= 100)
        }
    }
}
