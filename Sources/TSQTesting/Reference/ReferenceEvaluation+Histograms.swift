import Glibc
import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

extension ReferenceEvaluation {
    static let histogramFunctions: [String: @Sendable (Histogram) -> Double] = [
        "histogram_count": { $0.count }, "histogram_sum": { $0.sum },
        "histogram_avg": { $0.sum / $0.count },
        "histogram_stdvar": { histogramVariance($0) },
        "histogram_stddev": { histogramVariance($0).squareRoot() },
    ]

    private static func histogramVariance(_ histogram: Histogram) -> Double {
        let mean = histogram.sum / histogram.count
        var sum = ReferenceSum()
        for bucket in histogram.allBuckets where bucket.count != 0 {
            let value: Double
            if histogram.usesCustomBounds {
                value = (bucket.upper + bucket.lower) / 2
            } else if bucket.lower <= 0 && bucket.upper >= 0 {
                value = 0
            } else {
                let middle = (bucket.upper * bucket.lower).squareRoot()
                value = bucket.upper < 0 ? -middle : middle
            }
            let delta = value - mean
            sum.add(bucket.count * delta * delta)
        }
        return sum.total / histogram.count
    }

    /// `histogram_quantile(φ, v)`, `histogram_quantiles(v, label, φ…)`, `histogram_fraction(l, u, v)`.
    func histogramCall(
        _ node: CallExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        let name = node.function.name
        guard let vectorIndex = node.arguments.firstIndex(where: { $0.type == .vector }) else {
            preconditionFailure("BUG: no histograms in \(name)")
        }
        let argument = node.arguments[vectorIndex]
        var scalars: [(value: Double, range: SourceRange)] = []
        for other in node.arguments where other.type == .scalar {
            scalars.append((try scalar(other, timeMs, frame), other.unwrapped.range))
        }
        let samples = try vector(argument, timeMs, frame)
        if name != "histogram_fraction" {
            for phi in scalars where phi.value.isNaN || phi.value < 0 || phi.value > 1 {
                annotations.invalidQuantile(phi.value, phi.range)
            }
        }
        let (native, classic) = split(samples, argument.unwrapped.range)
        let firstRange = node.arguments[0].unwrapped.range
        func results(
            label: (name: String, value: String)?, _ ofNative: (Histogram, String) -> Double,
            _ ofClassic: ([ReferenceBucket], String) -> Double
        ) -> [ReferenceSample] {
            let all =
                native.map { sample, histogram in
                    nameless(
                        sample, .float(ofNative(histogram, annotationName(sample.labels))))
                }
                + classic.map { labels, buckets in
                    nameless(
                        ReferenceSample(labels: labels, value: .float(0)),
                        .float(ofClassic(buckets, annotationName(labels))))
                }
            guard let label else { return all }
            return all.map { sample in
                var result = sample
                result.labels[label.name] = label.value
                return result
            }
        }
        if name == "histogram_fraction" {
            let (lower, upper) = (scalars[0].value, scalars[1].value)
            return results(label: nil) { histogram, metric in
                self.fraction(lower, upper, histogram, metric, firstRange)
            } _: { buckets, _ in
                ReferenceBucket.fraction(lower, upper, buckets)
            }
        }
        let label = name == "histogram_quantiles" ? try string(node.arguments[1]) : nil
        let classicRange = node.arguments[1].unwrapped.range
        return scalars.flatMap { phi in
            results(label: label.map { ($0, Self.openMetricsNumber(phi.value)) }) {
                histogram, metric in
                self.quantile(phi.value, histogram, metric, firstRange)
            } _: { buckets, metric in
                let answer = ReferenceBucket.quantile(phi.value, buckets)
                if answer.isRepaired {
                    self.annotations.inform(
                        ReferenceAnnotations.named(
                            "input to histogram_quantile needed to be fixed for monotonicity (see "
                                + "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                                + "#histogram_quantile)", metric: metric), classicRange)
                }
                return answer.value
            }
        }
    }

    /// The value of a `quantile` label: OpenMetrics wants a point or an exponent.
    static func openMetricsNumber(_ value: Double) -> String {
        // −0 is 0 there.
        let text = DecimalPrint.string(value == 0 ? 0 : value, .general)
        let isPlain = text.utf8.allSatisfy { $0 == 0x2D || $0 >= 0x30 && $0 <= 0x39 }
        return isPlain ? text + ".0" : text
    }

    /// The name that annotations give; with immediate removal it is gone by then.
    private func annotationName(_ labels: LabelSet) -> String {
        options.delayedNameRemoval ? labels.metricName ?? "" : ""
    }

    /// Native histograms, and classic ones from their buckets; series that have both give nothing.
    private func split(
        _ samples: [ReferenceSample], _ range: SourceRange
    ) -> (
        native: [(ReferenceSample, Histogram)], classic: [(LabelSet, [ReferenceBucket])]
    ) {
        var order: [LabelSet] = []
        var classic: [LabelSet: [ReferenceBucket]] = [:]
        for sample in samples {
            guard let count = sample.value.float else { continue }
            let text = sample.labels[LabelName.bucketBound] ?? ""
            guard let bound = try? DecimalParse.double(text) else {
                annotations.warn(
                    ReferenceAnnotations.named(
                        "bucket label \"le\" is missing or has a malformed value of "
                            + GoQuote.quoted(text), metric: annotationName(sample.labels)), range)
                continue
            }
            let key = sample.labels.keeping { $0 != LabelName.bucketBound }
            if classic[key] == nil { order.append(key) }
            classic[key, default: []].append(ReferenceBucket(upper: bound, count: count))
        }
        var native: [(ReferenceSample, Histogram)] = []
        for sample in samples {
            guard let histogram = sample.value.histogram else { continue }
            if classic.removeValue(forKey: sample.labels) != nil {
                annotations.warn(
                    ReferenceAnnotations.named(
                        "vector contains a mix of classic and native histograms",
                        metric: annotationName(sample.labels)), range)
                continue
            }
            native.append((sample, histogram))
        }
        return (native, order.compactMap { key in classic[key].map { (key, $0) } })
    }

    // MARK: Native histograms

    private func quantile(
        _ phi: Double, _ histogram: Histogram, _ metric: String, _ range: SourceRange
    ) -> Double {
        if phi < 0 { return -.infinity }
        if phi > 1 { return .infinity }
        if histogram.count == 0 || phi.isNaN { return .nan }
        let hasNaN = histogram.sum.isNaN
        let isForward = hasNaN || phi < 0.5
        let buckets = isForward ? histogram.allBuckets : histogram.allBuckets.reversed()
        var rank = (isForward ? phi : 1 - phi) * histogram.count
        var seen = 0.0
        var found: HistogramBucket?
        for bucket in buckets {
            found = bucket
            if bucket.count == 0 { continue }
            seen += bucket.count
            if seen >= rank { break }
        }
        // Without buckets everything lies at 0.
        var bucket =
            found
            ?? HistogramBucket(
                index: 0, lower: 0, upper: 0, lowerInclusive: true, upperInclusive: true, count: 0)
        if histogram.usesCustomBounds {
            if bucket.lower == -.infinity {
                if bucket.upper <= 0 { return bucket.upper }
                bucket.lower = 0
            } else if bucket.upper == .infinity {
                return bucket.lower
            }
        } else if bucket.lower < 0 && bucket.upper > 0 {
            if histogram.negativeBuckets.isEmpty && !histogram.positiveBuckets.isEmpty {
                bucket.lower = 0
            } else if histogram.positiveBuckets.isEmpty && !histogram.negativeBuckets.isEmpty {
                bucket.upper = 0
            }
        }
        seen = min(seen, histogram.count)
        if seen < rank {
            // Only observations of NaN are in no bucket.
            if hasNaN {
                remarkOnNaN("result is NaN", metric, range)
                return .nan
            }
            return bucket.upper
        }
        if hasObservedNaN(histogram) { remarkOnNaN("result is skewed higher", metric, range) }
        rank = isForward ? rank - (seen - bucket.count) : seen - rank
        let fraction = rank / bucket.count
        if histogram.usesCustomBounds || bucket.lower <= 0 && bucket.upper >= 0 {
            return bucket.lower + (bucket.upper - bucket.lower) * fraction
        }
        let lower = Self.goLog2(bucket.lower.magnitude)
        let upper = Self.goLog2(bucket.upper.magnitude)
        return bucket.lower > 0
            ? exp2(lower + (upper - lower) * fraction)
            : -exp2(upper + (lower - upper) * (1 - fraction))
    }

    /// Observations of NaN are counted and in no bucket. (A sum is NaN after +Inf and −Inf, too.)
    private func hasObservedNaN(_ histogram: Histogram) -> Bool {
        histogram.sum.isNaN
            && histogram.allBuckets.reduce(0) { $0 + $1.count } < histogram.count
    }

    private func remarkOnNaN(_ outcome: String, _ metric: String, _ range: SourceRange) {
        annotations.inform(
            ReferenceAnnotations.named(
                "input to histogram_quantile has NaN observations, \(outcome)", metric: metric),
            range)
    }

    private func fraction(
        _ lower: Double, _ upper: Double, _ histogram: Histogram, _ metric: String,
        _ range: SourceRange
    ) -> Double {
        if histogram.count == 0 || lower.isNaN || upper.isNaN { return .nan }
        if lower >= upper { return 0 }
        if hasObservedNaN(histogram) {
            annotations.inform(
                ReferenceAnnotations.named(
                    "input to histogram_fraction has NaN observations, which are excluded from all "
                        + "fractions", metric: metric), range)
        }
        // The count has observations of NaN that no bucket has.
        let total =
            histogram.sum.isNaN
            ? histogram.allBuckets.reduce(0) { $0 + $1.count } : histogram.count
        let below =
            min(rank(upper, histogram), total) - min(rank(lower, histogram), total)
        return below / histogram.count
    }

    /// How many observations lie below `value`. Those of a bucket without end are taken to lie at
    /// that end.
    private func rank(_ value: Double, _ histogram: Histogram) -> Double {
        var rank = 0.0
        for original in histogram.allBuckets {
            var bucket = original
            let hasZero = bucket.lower <= 0 && bucket.upper >= 0
            if histogram.usesCustomBounds {
                // As in classic histograms nothing is thought to be below 0.
                if bucket.lower == -.infinity && bucket.upper > 0 { bucket.lower = 0 }
            } else if hasZero {
                if histogram.negativeBuckets.isEmpty && !histogram.positiveBuckets.isEmpty {
                    bucket.lower = 0
                } else if histogram.positiveBuckets.isEmpty && !histogram.negativeBuckets.isEmpty {
                    bucket.upper = 0
                }
            }
            if bucket.lower >= value { return rank }
            if bucket.upper > value {
                if bucket.lower.isInfinite { return rank + bucket.count }
                let share: Double
                if histogram.usesCustomBounds || hasZero {
                    return rank + bucket.count * (value - bucket.lower)
                        / (bucket.upper - bucket.lower)
                }
                let low = Self.goLog2(bucket.lower.magnitude)
                let high = Self.goLog2(bucket.upper.magnitude)
                let middle = Self.goLog2(value.magnitude)
                share =
                    value > 0
                    ? (middle - low) / (high - low) : 1 - (middle - high) / (low - high)
                return rank + bucket.count * share
            }
            rank += bucket.count
        }
        // Above all buckets.
        return .infinity
    }
}
