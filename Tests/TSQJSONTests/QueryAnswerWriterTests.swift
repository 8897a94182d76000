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

    @Test(
        "the pieces together are the answer, and none is much longer than it may be",
        arguments: [
            [], [0], [3], [40_000], [1, 30_000, 0, 20_001, 9], Array(repeating: 4, count: 9000),
        ])
    func pieces(lengths: [Int]) {
        var result = QueryResult(value: .matrix(matrix(lengths)))
        result.warnings = ["w"]
        let whole = Envelope.success(warnings: ["w"]) {
            $0.queryData(result, statistics: nil)
        }
        var writer = QueryAnswerWriter(result)
        var joined: [UInt8] = []
        while let piece = writer.next() {
            let most = QueryAnswerWriter.pieceByteCount + QueryAnswerWriter.pointsAtOnce * 64
            #expect(piece.count < most)
            #expect(writer.isDone || piece.count >= QueryAnswerWriter.pieceByteCount)
            joined += piece
        }
        #expect(writer.isDone)
        #expect(joined == whole)
        #expect(QueryAnswerWriter.whole(result) == whole)
    }
}
