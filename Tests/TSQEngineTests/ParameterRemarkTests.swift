import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import TSQTesting
import Testing

/// Prometheus judges an aggregation's parameter over all steps; the engine works tile by tile.
@Suite("Remarks on parameters of aggregations")
struct ParameterRemarkTests {
    private static let source = QueryFixture.source([
        (["__name__": "load"], [1, 1, 1, 1]),
        (["__name__": "r"], [2, -3, 5, -1.5]),
        (["__name__": "phi"], [0.5, .nan, 2, -1]),
        (["__name__": "k"], [1, 0x1p70, 1, 0x1p80]),
    ])

    private func range(_ query: String, _ tileStepsMax: Int) throws(QueryError) -> QueryResult {
        var options = EngineOptions()
        options.parse.experimentalFunctions = true
        options.tileStepsMax = tileStepsMax
        return try QueryEngine(options: options).range(
            query, startMs: 0, endMs: 30_000, stepMs: 10_000, from: Self.source)
    }

    @Test("of ratios out of bounds the largest and the smallest are told", arguments: [1, 2, 100])
    func ratios(tileStepsMax: Int) throws {
        let answer = try range("limit_ratio(scalar(r), load)", tileStepsMax)
        #expect(
            answer.warnings == [
                "PromQL warning: ratio value should be between -1 and 1, got -3, "
                    + "capping to -1 (1:13)",
                "PromQL warning: ratio value should be between -1 and 1, got 5, "
                    + "capping to 1 (1:13)",
            ])
    }

    @Test("of φ out of bounds the largest and the smallest are told", arguments: [1, 2, 100])
    func quantiles(tileStepsMax: Int) throws {
        let text = "PromQL warning: quantile value should be between 0 and 1, got"
        #expect(
            try range("quantile(scalar(r), load)", tileStepsMax).warnings == [
                "\(text) -3 (1:10)", "\(text) 5 (1:10)",
            ])
        // A NaN is neither smallest nor largest, and none else is.
        #expect(
            try range("quantile(scalar(phi), load)", tileStepsMax).warnings == [
                "\(text) NaN (1:10)"
            ])
    }

    @Test(
        "a k beyond Int64 fails at any width of tile", arguments: [1, 2, 100], ["topk", "limitk"])
    func counts(tileStepsMax: Int, operation: String) {
        let error = QueryFixture.error { () throws(QueryError) in
            try range("\(operation)(scalar(k), load)", tileStepsMax)
        }
        #expect(error?.message.hasSuffix("overflows int64") == true)
    }
}
