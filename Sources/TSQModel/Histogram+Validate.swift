import TSQBase

extension Histogram {
    /// Why a histogram from outside cannot be taken, in Prometheus's words; nil where it is sound.
    ///
    /// - Source: Prometheus model/histogram, Validate.
    package var invalidReason: String? {
        if usesCustomBounds {
            if let reason = invalidCustomReason { return reason }
        } else if Self.exponentialSchemas.contains(schema) {
            if let reason = Self.spanReason(positiveSpans, positiveBuckets.count) {
                return "positive side: \(reason)"
            }
            if let reason = Self.spanReason(negativeSpans, negativeBuckets.count) {
                return "negative side: \(reason)"
            }
            if let reason = Self.countReason(negativeBuckets) { return "negative side: \(reason)" }
            if zeroCount < 0 {
                let text = DecimalPrint.string(zeroCount, .general)
                return "zero bucket has observation count of \(text): "
                    + "histogram has a bucket whose observation count is negative"
            }
            if !customBounds.isEmpty {
                return "histogram with exponential schema must not have custom bounds"
            }
        } else {
            return "histogram has an invalid schema, which must be between -4 and 8 for "
                + "exponential buckets, or -53 for custom buckets, got schema \(schema)"
        }
        if count < 0 {
            let text = DecimalPrint.string(count, .general)
            return "observation count is  \(text): histogram's observation count is negative"
        }
        return Self.countReason(positiveBuckets).map { "positive side: \($0)" }
    }

    private var invalidCustomReason: String? {
        for (index, bound) in customBounds.enumerated() {
            if index > 0 && !(bound > customBounds[index - 1]) {
                let previous = DecimalPrint.string(customBounds[index - 1], .general)
                let text = DecimalPrint.string(bound, .general)
                return "custom buckets: previous bound is \(previous) and current is \(text): "
                    + "histogram custom bounds must be in strictly increasing order"
            }
            if bound.isInfinite || bound.isNaN {
                return "custom buckets: histogram custom bounds must be finite"
            }
        }
        var total = 0
        for span in positiveSpans { total += max(0, Int(span.offset)) + Int(span.length) }
        if let reason = Self.spanReason(positiveSpans, positiveBuckets.count) {
            return "custom buckets: \(reason)"
        }
        if customBounds.count + 1 < total {
            return "custom buckets: only \(customBounds.count) custom bounds defined which is "
                + "insufficient to cover total span length of \(total): "
                + "histogram custom bounds are too few"
        }
        if zeroCount != 0 { return "custom buckets: must have zero count of 0" }
        if zeroThreshold != 0 { return "custom buckets: must have zero threshold of 0" }
        if !negativeSpans.isEmpty { return "custom buckets: must not have negative spans" }
        if !negativeBuckets.isEmpty { return "custom buckets: must not have negative buckets" }
        return nil
    }

    private static func spanReason(_ spans: [HistogramSpan], _ bucketCount: Int) -> String? {
        var total = 0
        for (index, span) in spans.enumerated() {
            if index > 0 && span.offset < 0 {
                return "span number \(index + 1) with offset \(span.offset): "
                    + "histogram has a span whose offset is negative"
            }
            total += Int(span.length)
        }
        if total != bucketCount {
            return "spans need \(total) buckets, have \(bucketCount) buckets: "
                + "histogram spans specify different number of buckets than provided"
        }
        return nil
    }

    private static func countReason(_ buckets: [Double]) -> String? {
        for (index, count) in buckets.enumerated() where count < 0 {
            let text = DecimalPrint.string(count, .general)
            return "bucket number \(index + 1) has observation count of \(text): "
                + "histogram has a bucket whose observation count is negative"
        }
        return nil
    }
}
