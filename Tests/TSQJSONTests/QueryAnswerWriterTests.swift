import TSQBase
import TSQEngine
import TSQModel
import Testing

@testable import TSQJSON

@Suite("QueryAnswerWriter")
struct QueryAnswerWriterTests {
    /// Series of many points, of few, of none, with histograms behind the floats.
    private func matrix(_ lengths: [Int]) -> ResultSeries {
        let symbols = SymbolTable()
        let name = symbols.intern("n")
        var series = ResultSeries(symbols: symbols)
        for (index, length) in lengths.enumerated() {
            for point in 0..<length {
                series.times.append(1_700_000_000_000 + Int64(point) * 15)
                series.values.append(Double(point) / 7)
            }
            for point in 0..<(length % 5) {
                series.histogramTimes.append(1_700_000_000_000 + Int64(point))
                series.histograms.append(Histogram())
            }
            series.closeSeries([
                LabelPair(name: name, value: symbols.intern("\(index)"))
            ])
        }
        return series
    }

    /// A failed comparison of the arrays themselves would be explained for minutes.
    private func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool { a == b }

    /// The pieces of an answer, each written by a writer that knows no other.
    private func pieces(_ answer: QueryAnswer) -> [[UInt8]] {
        var bounds: [(start: QueryAnswer.Place, end: QueryAnswer.Place)] = []
        var place = QueryAnswer.Place.start
        while place != .end {
            let end = answer.end(from: place)
            bounds.append((place, end))
            place = end
        }
        return bounds.map { bounds in
            var writer = QueryAnswerWriter(answer)
            var json = JSONWriter()
            writer.write(from: bounds.start, to: bounds.end, to: &json)
            return json.bytes
        }
    }

    @Test(
        "the pieces together are the answer, and each is about as long as it is to be",
        arguments: [
            [], [0], [3], [40_000], [1, 30_000, 0, 20_001, 9], Array(repeating: 4, count: 9000),
            [11_001, 11_001, 11_001, 7], [11_002, 3],
        ])
    func pieces(lengths: [Int]) {
        var result = QueryResult(value: .matrix(matrix(lengths)))
        result.warnings = ["w"]
        let whole = Envelope.success(warnings: ["w"]) {
            $0.queryData(result, statistics: nil)
        }
        let answer = QueryAnswer(result)
        let pieces = pieces(answer)
        #expect(isSame(Array(pieces.joined()), whole))
        #expect(isSame(QueryAnswerWriter.whole(result), whole))
        for piece in pieces {
            #expect(piece.count < QueryAnswer.pieceByteCount * 3 / 2)
        }
        for piece in pieces.dropLast() {
            #expect(piece.count > QueryAnswer.pieceByteCount / 2)
        }
        // One writer for all, in any order: what it keeps from one does no harm to another.
        var writer = QueryAnswerWriter(answer)
        var place = QueryAnswer.Place.start
        var texts: [[UInt8]] = []
        while place != .end {
            let end = answer.end(from: place)
            for _ in 0..<2 {
                var json = JSONWriter()
                writer.write(from: place, to: end, to: &json)
                texts.append(json.bytes)
                json.removeAll()
                writer.write(from: .start, to: answer.end(from: .start), to: &json)
                #expect(isSame(json.bytes, texts[0]))
            }
            place = end
        }
        #expect(texts.count == pieces.count * 2)
        #expect(zip(texts.indices, texts).allSatisfy { pieces[$0 / 2] == $1 })
    }

    @Test("long labels and histograms count for the length of a piece")
    func lengths() {
        let symbols = SymbolTable()
        let name = symbols.intern("n")
        var long = ResultSeries(symbols: symbols)
        for index in 0..<200 {
            let value = String(repeating: "x", count: 10_000) + "\(index)"
            long.closeSeries([LabelPair(name: name, value: symbols.intern(value))])
        }
        var histogram = Histogram()
        histogram.positiveSpans = [HistogramSpan(offset: 0, length: 160)]
        histogram.positiveBuckets = Array(repeating: 0.1, count: 160)
        var wide = ResultSeries(symbols: symbols)
        for point in 0..<200 {
            wide.histogramTimes.append(Int64(point))
            wide.histograms.append(histogram)
        }
        wide.closeSeries([LabelPair(name: name, value: name)])
        for series in [long, wide] {
            let result = QueryResult(value: .matrix(series))
            let pieces = pieces(QueryAnswer(result))
            #expect(isSame(Array(pieces.joined()), QueryAnswerWriter.whole(result)))
            #expect(pieces.count > 3)
            #expect(pieces.allSatisfy { $0.count < QueryAnswer.pieceByteCount * 3 / 2 })
        }
    }
}
