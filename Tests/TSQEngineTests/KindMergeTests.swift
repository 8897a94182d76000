import TSQBase
import TSQEngine
import TSQModel
import TSQTesting
import Testing

/// A float and a histogram of series that have become equal may meet at a step.
@Suite("Floats and histograms of equal series")
struct KindMergeTests {
    private static let source = MemorySource([
        (LabelSet(["__name__": "number"]), floats),
        (LabelSet(["__name__": "shape"]), histograms),
    ])

    private static var floats: SampleColumns {
        var columns = SampleColumns()
        for step in 0..<3 { columns.appendFloat(Double(step), timeMs: Int64(step) * 10_000) }
        return columns
    }

    private static var histograms: SampleColumns {
        var columns = SampleColumns()
        var histogram = Histogram()
        histogram.count = 5
        columns.histograms.append(histogram, timeMs: 10_000)
        return columns
    }

    private static let queries = [
        #"-{__name__=~"number|shape"}"#, #"(-({__name__=~"number|shape"}))"#,
        #"label_replace({__name__=~"number|shape"}, "__name__", "x", "", "")"#,
    ]

    private func engine(late: Bool) -> QueryEngine {
        var options = EngineOptions()
        options.delayedNameRemoval = late
        options.tileStepsMax = 2
        options.lookbackMs = 5000
        return QueryEngine(options: options)
    }

    @Test("a range query's answer has both", arguments: queries, [false, true])
    func range(query: String, late: Bool) throws {
        let answer = try engine(late: late).range(
            query, startMs: 0, endMs: 20_000, stepMs: 10_000, from: Self.source)
        guard case .matrix(let series) = answer.value else { return #expect(Bool(false)) }
        #expect(series.count == 1)
        #expect(series.times == [0, 10_000, 20_000] && series.histogramTimes == [10_000])
    }

    @Test("an instant query's answer has the histogram", arguments: queries, [false, true])
    func instant(query: String, late: Bool) throws {
        let answer = try engine(late: late).instant(query, atMs: 10_000, from: Self.source)
        guard case .vector(let series) = answer.value else { return #expect(Bool(false)) }
        #expect(series.count == 1)
        #expect(series.times.isEmpty && series.histogramTimes == [10_000])
    }

    @Test("an operator takes the float", arguments: queries)
    func operand(query: String) throws {
        let answer = try engine(late: false).instant(
            "\(query) + 1", atMs: 10_000, from: Self.source)
        guard case .vector(let series) = answer.value else { return #expect(Bool(false)) }
        #expect(series.times == [10_000] && series.histogramTimes.isEmpty)
    }
}
