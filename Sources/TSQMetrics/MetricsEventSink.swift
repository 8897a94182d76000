import TSQBase

/// Counts what the lower layers report as counters of a factory, and hands log lines on.
package struct MetricsEventSink: EventSink {
    private let metrics: PrometheusMetricsFactory
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
        metrics.counter("\(name)", labels.map { ($0.name, $0.value) })
            .increment(by: Int64(clamping: amount))
    }
}
