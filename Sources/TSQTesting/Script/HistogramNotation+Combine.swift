import TSQBase
import TSQModel

extension HistogramNotation {
    /// `base + step` or `base - step`, bucket by bucket, in the resolution of `base`.
    ///
    /// This is a plain form for scripts; queries add with the arithmetic of `Histogram`.
    static func combined(
        _ base: Histogram, _ step: Histogram, sign: Double
    ) throws(ScriptSyntaxError) -> Histogram {
        guard base.usesCustomBounds == step.usesCustomBounds else {
            throw ScriptSyntaxError("cannot combine exponential and custom buckets")
        }
        guard base.customBounds == step.customBounds else {
            throw ScriptSyntaxError("cannot combine different custom buckets")
        }
        var result = base
        result.count += sign * step.count
        result.sum += sign * step.sum
        result.zeroCount += sign * step.zeroCount
        result.zeroThreshold = max(base.zeroThreshold, step.zeroThreshold)
        let shift = base.usesCustomBounds ? 0 : step.schema - base.schema
        (result.positiveSpans, result.positiveBuckets) = sum(
            (base.positiveSpans, base.positiveBuckets), (step.positiveSpans, step.positiveBuckets),
            shift: shift, sign: sign)
        (result.negativeSpans, result.negativeBuckets) = sum(
            (base.negativeSpans, base.negativeBuckets), (step.negativeSpans, step.negativeBuckets),
            shift: shift, sign: sign)
        return result
    }

    private typealias Side = (spans: [HistogramSpan], buckets: [Double])

    /// - Parameter shift: how many resolutions finer the second side is.
    private static func sum(_ a: Side, _ b: Side, shift: Int32, sign: Double) -> Side {
        var counts: [Int32: Double] = [:]
        add(a, shift: 0, sign: 1, to: &counts)
        add(b, shift: shift, sign: sign, to: &counts)
        var result: Side = ([], [])
        var next: Int32 = 0
        for (index, count) in counts.sorted(by: { $0.key < $1.key }) {
            if let last = result.spans.indices.last, index == next {
                result.spans[last].length += 1
            } else {
                result.spans.append(HistogramSpan(offset: index - next, length: 1))
            }
            result.buckets.append(count)
            next = index + 1
        }
        return result
    }

    private static func add(
        _ side: Side, shift: Int32, sign: Double, to counts: inout [Int32: Double]
    ) {
        var index: Int32 = 0
        var position = 0
        for span in side.spans {
            index += span.offset
            for _ in 0..<span.length {
                // Bucket i has the upper bound base^i: two neighbours become ceil(i / 2).
                let coarse = shift == 0 ? index : ((index - 1) >> shift) + 1
                counts[coarse, default: 0] += sign * side.buckets[position]
                position += 1
                index += 1
            }
        }
    }
}
