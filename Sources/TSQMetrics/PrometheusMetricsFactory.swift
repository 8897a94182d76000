import Metrics
import Synchronization

/// A swift-metrics backend that keeps its series in memory and prints them for a `/metrics` page.
///
/// ```swift
/// let metrics = PrometheusMetricsFactory()
/// metrics.register(
///     help: "Response time", buckets: [0.001, 0.01, 0.1], for: "http_response_time_seconds")
/// MetricsSystem.bootstrap(metrics)
/// Counter(label: "http_requests_total", dimensions: [("method", "GET")]).increment()
/// let page: [UInt8] = metrics.exposition()
/// ```
///
/// Counters become counters, meters and non-aggregating recorders gauges, timers (in seconds) and
/// aggregating recorders histograms. Dimensions become labels. A name belongs to the kind that used it
/// first: handlers of another kind work, but are not printed.
public final class PrometheusMetricsFactory: MetricsFactory, Sendable {
    /// Bounds of histograms that were not registered with others: 5 ms to 10 s.
    public static let defaultBuckets: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    struct State {
        var families: [String: MetricFamily] = [:]
        var descriptions: [String: MetricDescription] = [:]
        var collectors: [@Sendable () -> Void] = []
    }

    let state = Mutex(State())
    /// Whether the page has `process_*` metrics.
    let includesProcessMetrics: Bool

    public init(includesProcessMetrics: Bool = true) {
        self.includesProcessMetrics = includesProcessMetrics
    }

    /// Says what a metric means, and where the bounds of a histogram are. Bounds count for series
    /// that are made afterwards.
    ///
    /// - Parameter buckets: upper bounds without +Inf, in any order.
    public func register(help: String? = nil, buckets: [Double]? = nil, for label: String) {
        state.withLock {
            var description = $0.descriptions[MetricText.metricName(label)] ?? MetricDescription()
            if let help { description.help = help }
            if let buckets {
                description.buckets = Array(Set(buckets.filter { $0.isFinite })).sorted()
            }
            $0.descriptions[MetricText.metricName(label)] = description
        }
    }

    /// Runs `body` before each exposition: a place to set gauges from state that is elsewhere.
    public func onExposition(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.collectors.append(body) }
    }

    // MARK: MetricsFactory

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions)
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        counter(label, dimensions)
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        aggregate ? histogram(label, dimensions) : gauge(label, dimensions)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions)
    }

    // A series that was once on the page stays there: counters that vanish and come back would look
    // like resets, so destroying handlers drops nothing.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    // MARK: Series

    func counter(_ label: String, _ dimensions: [(String, String)]) -> CounterSeries {
        series(label, dimensions, .counter, CounterSeries(), { .counter($0) }) {
            if case .counter(let series) = $0 { series } else { nil }
        }
    }

    func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeSeries {
        series(label, dimensions, .gauge, GaugeSeries(), { .gauge($0) }) {
            if case .gauge(let series) = $0 { series } else { nil }
        }
    }

    func histogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramSeries {
        let bounds = state.withLock {
            $0.descriptions[MetricText.metricName(label)]?.buckets ?? Self.defaultBuckets
        }
        return series(
            label, dimensions, .histogram, HistogramSeries(bounds: bounds), { .histogram($0) }
        ) { if case .histogram(let series) = $0 { series } else { nil } }
    }

    private func series<Handler: Sendable>(
        _ label: String, _ dimensions: [(String, String)], _ kind: MetricFamily.Kind,
        _ fresh: Handler, _ wrap: (Handler) -> MetricFamily.Series,
        _ unwrap: (MetricFamily.Series) -> Handler?
    ) -> Handler {
        let name = MetricText.metricName(label)
        let labels = MetricText.labels(dimensions)
        return state.withLock {
            if let family = $0.families[name], family.kind != kind { return fresh }
            if let existing = $0.families[name]?.series[labels].flatMap(unwrap) { return existing }
            $0.families[name, default: MetricFamily(kind: kind)].series[labels] = wrap(fresh)
            return fresh
        }
    }
}
