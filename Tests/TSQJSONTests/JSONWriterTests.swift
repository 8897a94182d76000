import Foundation
import TSQBase
import TSQEngine
import TSQModel
import Testing

@testable import TSQJSON

@Suite("JSONWriter")
struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        body(&json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test("strings are escaped as Go's encoder escapes them, labels without the escapes for HTML")
    func strings() {
        let nasty = "a\"b\\c\n\r\t\u{1}<&>\u{2028}é\u{7F}"
        #expect(
            text { $0.string(nasty) }
                == #""a\"b\\c\n\r\t\u0001\u003c\u0026\u003e\u2028é"# + "\u{7F}\"")
        #expect(
            text { $0.label(nasty) }
                == #""a\"b\\c\n\r\t\u0001<&>"# + "\u{2028}é\u{7F}\"")
    }

    @Test("any string reads back as itself")
    func roundTrip() throws {
        var random = SplitMix64(seed: 11)
        for _ in 0..<300 {
            let scalars = (0..<Int(random.next() % 20)).compactMap { _ in
                Unicode.Scalar(UInt32(random.next() % 0x3000))
            }
            let original = String(String.UnicodeScalarView(scalars))
            let json = text { $0.string(original) }
            let decoded = try JSONDecoder().decode([String].self, from: Data("[\(json)]".utf8))
            #expect(decoded == [original])
        }
    }

    @Test("commas stand between members, at every depth")
    func structure() {
        let json = text {
            $0.beginObject()
            $0.key("a")
            $0.strings(["x", "y"])
            $0.key("b")
            $0.beginArray()
            $0.endArray()
            $0.key("c\"")
            $0.beginObject()
            $0.endObject()
            $0.key("d")
            $0.bool(true)
            $0.endObject()
        }
        #expect(json == #"{"a":["x","y"],"b":[],"c\"":{},"d":true}"#)
    }

    private var symbols = SymbolTable()

    private func pairs(_ labels: KeyValuePairs<String, String>) -> [LabelPair] {
        labels.map { LabelPair(name: symbols.intern($0.key), value: symbols.intern($0.value)) }
    }

    @Test("vectors, matrices, scalars and strings have Prometheus's layout")
    func results() {
        var series = ResultSeries(symbols: symbols)
        series.times = [1_767_226_805_000, 1_767_226_805_120]
        series.values = [1e21, .nan]
        series.closeSeries(pairs(["__name__": "up", "job": "a<b"]))
        var vector = ResultSeries(symbols: symbols)
        vector.times = [1500]
        vector.values = [-0.0000001]
        vector.closeSeries([])
        func data(_ value: QueryResult.Value) -> String {
            text { $0.queryData(QueryResult(value: value), statistics: nil) }
        }
        #expect(
            data(.matrix(series))
                == #"{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a<b"},"#
                + #""values":[[1767226805,"1e+21"],[1767226805.12,"NaN"]]}]}"#)
        #expect(
            data(.vector(vector))
                == #"{"resultType":"vector","result":[{"metric":{},"value":[1.5,"-1e-07"]}]}"#)
        #expect(
            data(.scalar(timeMs: 1000, .infinity))
                == #"{"resultType":"scalar","result":[1,"+Inf"]}"#)
        #expect(
            data(.string(timeMs: 1001, "a>b"))
                == #"{"resultType":"string","result":[1.001,"a\u003eb"]}"#)
        #expect(
            data(.vector(ResultSeries(symbols: symbols)))
                == #"{"resultType":"vector","result":[]}"#)
    }

    @Test("native histograms list their buckets from the lowest, with the rule of each border")
    func histograms() {
        var histogram = Histogram()
        histogram.schema = 0
        histogram.zeroThreshold = 0.001
        histogram.zeroCount = 2
        histogram.count = 10
        histogram.sum = 18.4
        histogram.positiveSpans = [
            HistogramSpan(offset: 0, length: 2), HistogramSpan(offset: 1, length: 1),
        ]
        histogram.positiveBuckets = [1, 0, 2]
        histogram.negativeSpans = [HistogramSpan(offset: 0, length: 2)]
        histogram.negativeBuckets = [3, 2]
        #expect(
            text { $0.histogram(histogram) }
                == #"{"count":"10","sum":"18.4","buckets":[[1,"-2","-1","2"],[1,"-1","-0.5","3"],"#
                + #"[3,"-0.001","0.001","2"],[0,"0.5","1","1"],[0,"4","8","2"]]}"#)
        var custom = Histogram()
        custom.schema = Histogram.customSchema
        custom.customBounds = [1, 2.5]
        custom.positiveSpans = [HistogramSpan(offset: 0, length: 3)]
        custom.positiveBuckets = [1, 2, 3]
        custom.count = 6
        #expect(
            text { $0.histogram(custom) }
                == #"{"count":"6","sum":"0","buckets":[[3,"-Inf","1","1"],[0,"1","2.5","2"],"#
                + #"[0,"2.5","+Inf","3"]]}"#)
        #expect(text { $0.histogram(Histogram()) } == #"{"count":"0","sum":"0"}"#)
    }
}
