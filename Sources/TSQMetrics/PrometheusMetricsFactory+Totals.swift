/// For figures that are counted elsewhere and only shown here, from `onExposition`.
extension PrometheusMetricsFactory {
    package func setGauge(
        _ name: String, _ value: Double, _ labels: [(String, String)] = []
    ) {
        gauge(name, labels).set(value)
    }

    /// Brings a counter up to a total that somebody else counts.
    package func setCounter(
        _ name: String, _ total: UInt64, _ labels: [(String, String)] = []
    ) {
        counter(name, labels).raise(to: Int64(clamping: total))
    }
}
