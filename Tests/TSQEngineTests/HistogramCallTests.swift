import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import TSQTesting
import Testing

@Suite struct HistogramCallTests {
    let source = QueryFixture.source([
        (["__name__": "h_bucket", "le": "1"], [10, 10, 10, 10]),
        (["__name__": "h_bucket", "le": "2"], [20, 20, 20, 20]),
        (["__name__": "h_bucket", "le": "+Inf"], [20, 20, 20, 20]),
        (["__name__": "phi"], [0.25, 0.5, 0.25, .nan]),
    ])

    func range(
        _ query: String, endMs: Int64 = 30_000, tileStepsMax: Int = 100
    ) throws(QueryError) -> QueryResult {
        var options = EngineOptions()
        options.parse.experimentalFunctions = true
        options.tileStepsMax = tileStepsMax
        return try QueryEngine(options: options).range(
            query, startMs: 0, endMs: endMs, stepMs: 10_000, from: source)
    }

    @Test("each step's φ names the series of its quantile", arguments: [1, 2, 100])
    func varyingQuantiles(tileStepsMax: Int) throws {
        let answer = try range(
            #"histogram_quantiles(h_bucket, "q", scalar(phi), 1)"#, tileStepsMax: tileStepsMax)
        #expect(
            QueryFixture.text(answer) == [
                #"{q="0.25"} 0:0.5 20:0.5"#, #"{q="0.5"} 10:1.0"#,
                #"{q="1.0"} 0:2.0 10:2.0 20:2.0 30:2.0"#, #"{q="NaN"} 30:nan"#,
            ])
    }

    @Test("one φ twice at a step is an error, at different steps it is one series")
    func equalQuantiles() throws {
        let equal = #"histogram_quantiles(h_bucket, "q", scalar(phi), 0.5)"#
        #expect(
            QueryFixture.error { () throws(QueryError) in try range(equal) }?
                .message == "vector cannot contain metrics with the same labelset")
        let answer = try range(
            #"histogram_quantiles(h_bucket, "q", scalar(phi), 0.75 - scalar(phi))"#,
            endMs: 20_000)
        #expect(
            QueryFixture.text(answer) == [
                #"{q="0.25"} 0:0.5 10:0.5 20:0.5"#, #"{q="0.5"} 0:1.0 10:1.0 20:1.0"#,
            ])
    }
}
