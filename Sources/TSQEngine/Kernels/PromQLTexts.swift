import TSQBase

/// The texts of warnings and infos, without prefix and position.
///
/// - Source: Prometheus util/annotations/annotations.go, 3.14.
package enum PromQLTexts {
    package enum HistogramOperation: String, Sendable {
        case addition, subtraction, aggregation
    }

    // MARK: Warnings

    package static func invalidQuantile(_ phi: Double) -> String {
        "quantile value should be between 0 and 1, got \(general(phi))"
    }

    package static func invalidRatio(_ ratio: Double, cappedTo: Double) -> String {
        "ratio value should be between -1 and 1, got \(general(ratio)), "
            + "capping to \(general(cappedTo))"
    }

    package static func badBucketLabel(_ label: String, metricName: String) -> String {
        withMetricName(
            "bucket label \"le\" is missing or has a malformed value of \(GoQuote.quoted(label))",
            metricName)
    }

    package static func mixedFloatsHistograms(_ metricName: String) -> String {
        "encountered a mix of histograms and floats for metric name \(GoQuote.quoted(metricName))"
    }

    package static let mixedFloatsHistogramsInAggregation =
        "encountered a mix of histograms and floats for aggregation"

    package static func mixedClassicNative(_ metricName: String) -> String {
        withMetricName("vector contains a mix of classic and native histograms", metricName)
    }

    package static func notCounter(_ metricName: String) -> String {
        "this native histogram metric is not a counter: \(GoQuote.quoted(metricName))"
    }

    package static func notGauge(_ metricName: String) -> String {
        "this native histogram metric is not a gauge: \(GoQuote.quoted(metricName))"
    }

    package static func mixedSchemas(_ metricName: String) -> String {
        "vector contains a mix of histograms with exponential and custom buckets schemas for "
            + "metric name \(GoQuote.quoted(metricName))"
    }

    package static func incompatibleBuckets(_ operation: String) -> String {
        "incompatible bucket layout encountered for binary operator \(operation)"
    }

    package static func resetCollision(_ operation: HistogramOperation) -> String {
        "conflicting counter resets during histogram \(operation.rawValue)"
    }

    package static func startTimeOverlap(_ metricName: String) -> String {
        "sample has start time that overlaps with previous sample timestamp for metric "
            + GoQuote.quoted(metricName)
    }

    package static let sortInRangeQuery =
        "sort is ineffective for range queries since results are always ordered by labels"

    // MARK: Infos

    package static func possibleNonCounter(_ metricName: String) -> String {
        "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
            + GoQuote.quoted(metricName)
    }

    package static func possibleNonCounterType(_ metricName: String, type: String) -> String {
        "metric might not be a counter, __type__ label is not set to \"counter\" or "
            + "\"histogram\", got \(GoQuote.quoted(type)): \(GoQuote.quoted(metricName))"
    }

    package static func forcedMonotonicity(_ metricName: String) -> String {
        withMetricName(
            "input to histogram_quantile needed to be fixed for monotonicity (see "
                + "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                + "#histogram_quantile)", metricName)
    }

    package static func incompatibleTypes(
        _ left: String, _ operation: String, _ right: String
    ) -> String {
        "incompatible sample types encountered for binary operator "
            + "\(GoQuote.quoted(operation)): \(left) \(operation) \(right)"
    }

    package static func histogramIgnoredInAggregation(_ aggregation: String) -> String {
        "ignored histogram in \(aggregation) aggregation"
    }

    package static func histogramsIgnoredInRange(_ metricName: String) -> String {
        "ignored histograms in a range containing both floats and histograms for metric name "
            + GoQuote.quoted(metricName)
    }

    package static func quantileOfNaNs(_ metricName: String) -> String {
        withMetricName(
            "input to histogram_quantile has NaN observations, result is NaN", metricName)
    }

    package static func quantileSkewedByNaNs(_ metricName: String) -> String {
        withMetricName(
            "input to histogram_quantile has NaN observations, result is skewed higher", metricName)
    }

    package static func fractionWithoutNaNs(_ metricName: String) -> String {
        withMetricName(
            "input to histogram_fraction has NaN observations, which are excluded from all "
                + "fractions", metricName)
    }

    package static func boundsReconciled(_ operation: HistogramOperation) -> String {
        "mismatched custom buckets were reconciled during \(operation.rawValue)"
    }

    private static func withMetricName(_ text: String, _ metricName: String) -> String {
        metricName.isEmpty ? text : text + " for metric name " + GoQuote.quoted(metricName)
    }

    private static func general(_ value: Double) -> String { DecimalPrint.string(value, .general) }
}
