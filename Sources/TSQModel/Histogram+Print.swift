import TSQBase

extension HistogramBucket: CustomStringConvertible {
    /// `(0.5,1]:3`
    package var description: String {
        let (lowerText, upperText) = (
            DecimalPrint.string(lower, .general), DecimalPrint.string(upper, .general)
        )
        return (lowerInclusive ? "[" : "(") + lowerText + "," + upperText
            + (upperInclusive ? "]:" : "):") + DecimalPrint.string(count, .general)
    }
}

extension Histogram: CustomStringConvertible {
    /// `{count:3, sum:5, [-0.001,0.001]:1, (0.5,1]:2}`, as Prometheus prints it (also as the value of
    /// count_values' label).
    package var description: String {
        var parts = [
            "count:" + DecimalPrint.string(count, .general),
            "sum:" + DecimalPrint.string(sum, .general),
        ]
        for bucket in negativeBucketList.reversed() where bucket.count != 0 {
            parts.append(bucket.description)
        }
        if zeroCount != 0 { parts.append(zeroBucket.description) }
        for bucket in positiveBucketList where bucket.count != 0 {
            parts.append(bucket.description)
        }
        return "{" + parts.joined(separator: ", ") + "}"
    }

    /// Gaps of more empty buckets than these are not written out: a script has one list a side.
    private static let printedGapMax = 10_000

    /// `{{schema:1 count:3 sum:5 buckets:[1 2]}}`, as test scripts write it.
    package var scriptText: String {
        let compact = compacted(maxEmptyBuckets: Self.printedGapMax)
        func number(_ value: Double) -> String { DecimalPrint.string(value, .general) }
        func list(_ values: [Double]) -> String { values.map(number).joined(separator: " ") }
        var parts: [String] = []
        if schema != 0 { parts.append("schema:\(schema)") }
        if count != 0 { parts.append("count:" + number(count)) }
        if sum != 0 { parts.append("sum:" + number(sum)) }
        if zeroCount != 0 { parts.append("z_bucket:" + number(zeroCount)) }
        if zeroThreshold != 0 { parts.append("z_bucket_w:" + number(zeroThreshold)) }
        if usesCustomBounds { parts.append("custom_values:[" + list(customBounds) + "]") }
        switch hint {
        case .unknown: break
        case .reset: parts.append("counter_reset_hint:reset")
        case .notReset: parts.append("counter_reset_hint:not_reset")
        case .gauge: parts.append("counter_reset_hint:gauge")
        }
        if let first = compact.positiveSpans.first {
            if first.offset != 0 { parts.append("offset:\(first.offset)") }
            parts.append("buckets:[" + list(compact.positiveBuckets) + "]")
        }
        if let first = compact.negativeSpans.first {
            if first.offset != 0 { parts.append("n_offset:\(first.offset)") }
            parts.append("n_buckets:[" + list(compact.negativeBuckets) + "]")
        }
        return "{{" + parts.joined(separator: " ") + "}}"
    }
}
