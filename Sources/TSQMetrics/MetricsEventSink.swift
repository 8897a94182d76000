import Synchronization
import TSQBase

/// Counts what the lower layers report as counters of a factory, and hands log lines on.
package struct MetricsEventSink: EventSink {
    private let metrics: PrometheusMetricsFactory
    private let known = KnownCounters()
    private let logger: @Sendable (EventLevel, String, [(key: String, value: String)]) -> Void

    /// - Parameter log: called on the reporting thread; must not block.
    package init(
        metrics: PrometheusMetricsFactory,
        log: @escaping @Sendable (EventLevel, String, [(key: String, value: String)]) -> Void
    ) {
        self.metrics = metrics
        logger = log
    }

    package func log(
        _ level: EventLevel, _ message: String, _ fields: [(key: String, value: String)]
    ) {
        logger(level, message, fields)
    }

    package func count(
        _ name: StaticString, by amount: UInt64, labels: [(name: String, value: String)]
    ) {
        known.counter(name, labels) {
            metrics.counter("\(name)", labels.map { ($0.name, $0.value) })
        }.increment(by: Int64(clamping: amount))
    }

    /// Counters by how they are asked for: putting the labels into text takes longer than counting.
    private final class KnownCounters: Sendable {
        private struct Key: Hashable {
            /// Where the name, which is in the program, begins.
            var name: UInt
            var labels: [String]
        }

        /// More are found the long way.
        private static let countMax = 256

        private let counters = Mutex<[Key: CounterSeries]>([:])

        func counter(
            _ name: StaticString, _ labels: [(name: String, value: String)],
            _ make: () -> CounterSeries
        ) -> CounterSeries {
            guard name.hasPointerRepresentation else { return make() }
            let key = Key(
                name: UInt(bitPattern: name.utf8Start),
                labels: labels.flatMap { [$0.name, $0.value] })
            if let known = counters.withLock({ $0[key] }) { return known }
            let made = make()
            counters.withLock { if $0.count < Self.countMax { $0[key] = made } }
            return made
        }
    }
}
