import TSQBase
import TSQModel

package enum Quantiles {
    /// The φ-quantile of float values, linear between ranks; `values` is reordered. NaN sorts lowest.
    /// φ below 0 gives −Inf, above 1 +Inf, NaN or no value NaN.
    package static func quantile(_ phi: Double, _ values: inout [Double]) -> Double { .nan }
}

/// One `le` bucket of a classic histogram: cumulative.
package struct ClassicBucket: Sendable, Equatable {
    package var upperBound: Double
    package var count: Double

    package init(upperBound: Double, count: Double) {
        self.upperBound = upperBound
        self.count = count
    }
}

package enum ClassicHistogram {
    package struct QuantileAnswer: Sendable {
        package var value: Double
        /// Counts that went down were lifted; what the info text names.
        package var repair: Repair?
    }

    package struct Repair: Sendable, Equatable {
        package var lowestBound: Double
        package var highestBound: Double
        package var largestDifference: Double
    }

    /// The φ-quantile; sorts and repairs `buckets`.
    package static func quantile(
        _ phi: Double, _ buckets: inout [ClassicBucket]
    ) -> QuantileAnswer { QuantileAnswer(value: .nan, repair: nil) }

    /// The share of observations in [lower, upper].
    package static func fraction(
        _ lower: Double, _ upper: Double, _ buckets: inout [ClassicBucket]
    ) -> Double { .nan }
}

package enum NativeHistogram {
    /// The φ-quantile; infos (NaN observations) go to `context` at `range` with its metric name.
    package static func quantile(
        _ phi: Double, _ histogram: Histogram, _ context: inout KernelContext
    ) -> Double { .nan }

    package static func fraction(
        _ lower: Double, _ upper: Double, _ histogram: Histogram, _ context: inout KernelContext
    ) -> Double { .nan }
}
