import Foundation
import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import TSQTesting
import Testing

/// A query that nobody waits for any more ends soon, wherever it is.
@Suite("Cancellation", .serialized) struct CancellationTests {
    /// One series of `sampleCount` one-second samples in no order of value.
    private static func dense(_ sampleCount: Int) -> MemorySource {
        var columns = SampleColumns()
        for index in 0..<sampleCount {
            columns.appendFloat(
                Double(index &* 2_654_435_761 % 1_000_003), timeMs: Int64(index) * 1000)
        }
        return MemorySource([(LabelSet(["__name__": "dense"]), columns)])
    }

    /// How long after its cancellation a query ended, in ms; nil: it ended by itself.
    private func lateMs(
        _ text: String, _ source: MemorySource, stepCount: Int64, afterMs: Int
    ) -> Double? {
        var options = EngineOptions()
        options.parse = .all
        let cancellation = QueryCancellation()
        var query = QueryOptions()
        query.cancellation = cancellation
        let clock = SystemClock()
        // A thread of its own: tasks may wait for the query that they are to cancel.
        let cancelledNs = Gate<UInt64>(0)
        #expect(
            HelperPool(threadCount: 1).tryRun {
                let atNs = clock.monotonicNs() + UInt64(afterMs) * 1_000_000
                while clock.monotonicNs() < atNs { usleep(1000) }
                cancelledNs.withLock { $0 = clock.monotonicNs() }
                cancellation.cancel()
            })
        let engine = QueryEngine(options: options)
        let endedBy: QueryError?
        do throws(QueryError) {
            _ = try engine.range(
                text, startMs: 1_000_000, endMs: 1_000_000 + stepCount * 1000, stepMs: 1000,
                from: source, options: query)
            endedBy = nil
        } catch {
            endedBy = error
        }
        let endNs = clock.monotonicNs()
        guard case .canceled = endedBy else { return nil }
        return Double(endNs - cancelledNs.withLock { $0 }) / 1e6
    }

    @Test(
        "within kernels over huge windows, within sorts, joins and subqueries",
        arguments: [
            "quantile_over_time(0.5, dense[100000s])", "stddev_over_time(dense[100000s])",
            "max_over_time(quantile_over_time(0.1, dense[10000s])[10000s:1s])",
        ])
    func huge(_ text: String) {
        let late = lateMs(text, Self.dense(120_000), stepCount: 100_000, afterMs: 100)
        // A debug build on a busy machine; without slices these take minutes.
        #expect((late ?? .infinity) < 5000)
    }
}
