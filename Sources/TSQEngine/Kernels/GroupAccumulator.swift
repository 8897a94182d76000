import TSQBase
import TSQModel
import TSQPromQL

/// One group of `sum avg count min max group stddev stdvar`: takes rows in the order of the input
/// series, gives the group's row.
///
/// - Shape: one state a step, as columns: `tags` says what has been seen (0 nothing, 1 floats,
///   2 histograms, 3 both, `invalid` histograms that do not go together), `counts` how many,
///   `sums`/`compensations` a compensated sum (or, for variance, mean and sum of squares).
/// - Source: Prometheus promql/engine.go, aggregation, 3.14.
package struct GroupAccumulator {
    private enum Seen {
        static let invalid: UInt8 = 4
    }

    /// A tag, a count, a sum and its compensation.
    static let bytesPerStep = 25

    private let op: AggregateOperator
    private var tags: [UInt8]
    private var counts: [Double]
    private var sums: [Double]
    private var compensations: [Double]
    /// avg only, where a sum overflowed; empty while none did.
    private var means: [MeanAccumulator?] = []
    private var histograms: [HistogramState?] = []

    /// A step's histograms: for sum a compensated sum, for avg a mean.
    private struct HistogramState {
        var sum: HistogramSum?
        var mean: HistogramMean?
        var hints = HintTracker()
    }

    package init(_ op: AggregateOperator, stepCount: Int) {
        precondition(
            [.sum, .avg, .count, .min, .max, .group, .stddev, .stdvar].contains(op),
            "BUG: an aggregation that needs all series of a step")
        self.op = op
        tags = [UInt8](repeating: 0, count: stepCount)
        counts = [Double](repeating: 0, count: stepCount)
        sums = [Double](repeating: -0.0, count: stepCount)
        compensations = counts
    }

    /// Forgets all rows; keeps the buffers.
    package mutating func reset(stepCount: Int) {
        if tags.count != stepCount {
            self = GroupAccumulator(op, stepCount: stepCount)
            return
        }
        for step in 0..<stepCount {
            tags[step] = 0
            counts[step] = 0
            sums[step] = -0.0
            compensations[step] = 0
        }
        means.removeAll(keepingCapacity: true)
        histograms.removeAll(keepingCapacity: true)
    }

    package mutating func add(_ row: borrowing StepRow, _ context: inout KernelContext) {
        precondition(row.stepCount == tags.count, "BUG: rows of different tiles")
        switch op {
        case .sum: Self.addToSums(row, &tags, &sums, &compensations)
        case .avg: addToMeans(row)
        case .count: Self.addToCounts(row, &tags, &counts)
        case .group: for step in tags.indices where row.tags[step] != 0 { tags[step] = 1 }
        case .min: Self.addToExtremes(row, &tags, &sums, isMax: false)
        case .max: Self.addToExtremes(row, &tags, &sums, isMax: true)
        default: addToVariances(row)
        }
        if !row.histograms.isEmpty { addHistograms(row, &context) }
    }

    /// Fills `row` (already reset) with the group's values.
    package mutating func finish(_ context: inout KernelContext, into row: inout StepRow) {
        for step in tags.indices {
            switch tags[step] {
            case 0: continue
            case Seen.invalid...: continue
            case StepRow.Tag.histogram: finishHistogram(step, &context, &row)
            case StepRow.Tag.float: row.setFloat(step, value(step))
            default:
                context.annotations.warn(
                    PromQLTexts.mixedFloatsHistogramsInAggregation, operandRange(context))
            }
        }
    }

    private func operandRange(_ context: borrowing KernelContext) -> SourceRange {
        context.argumentRanges.first ?? context.range
    }

    private func value(_ step: Int) -> Double {
        switch op {
        case .sum: sums[step].isFinite ? sums[step] + compensations[step] : sums[step]
        case .avg:
            if let mean = means.isEmpty ? nil : means[step] {
                mean.value
            } else {
                sums[step] / counts[step] + compensations[step] / counts[step]
            }
        case .count: counts[step]
        case .group: 1
        case .min, .max: sums[step]
        case .stdvar: compensations[step] / counts[step]
        default: (compensations[step] / counts[step]).squareRoot()
        }
    }
}

// MARK: - Floats

extension GroupAccumulator {
    /// Compensated, in the order of the rows. Sums begin at −0, to which every number adds itself,
    /// and absent entries add −0, which changes nothing: no branch is left in the loop. What is lost
    /// is worked out with Knuth's two-sum; where the sum is not finite it means nothing.
    private static func addToSums(
        _ row: borrowing StepRow, _ tags: inout [UInt8], _ sums: inout [Double],
        _ compensations: inout [Double]
    ) {
        let (values, present) = (row.values.span, row.tags.span)
        let count = tags.count
        precondition(
            values.count == count && present.count == count && sums.count == count
                && compensations.count == count, "BUG: rows of different tiles")
        var sumsOut = sums.mutableSpan
        var compensationsOut = compensations.mutableSpan
        if row.histograms.isEmpty && row.floatCount == count {
            // Nothing is absent: the usual case.
            for step in 0..<count {
                let (total, lost) = twoSum(sumsOut[unchecked: step], values[unchecked: step])
                compensationsOut[unchecked: step] += lost
                sumsOut[unchecked: step] = total
            }
            var tagsOut = tags.mutableSpan
            for step in 0..<count { tagsOut[unchecked: step] |= StepRow.Tag.float }
            return
        }
        for step in 0..<count {
            let isFloat = present[unchecked: step] == StepRow.Tag.float
            let value = isFloat ? values[unchecked: step] : -0.0
            let (total, lost) = twoSum(sumsOut[unchecked: step], value)
            compensationsOut[unchecked: step] += lost
            sumsOut[unchecked: step] = total
        }
        var tagsOut = tags.mutableSpan
        for step in 0..<count {
            tagsOut[unchecked: step] |= present[unchecked: step] & StepRow.Tag.float
        }
    }

    /// Knuth's two-sum: what adding `value` gives, and what it loses.
    @inline(__always)
    private static func twoSum(_ sum: Double, _ value: Double) -> (total: Double, lost: Double) {
        let total = sum + value
        let back = total - sum
        return (total, (sum - (total - back)) + (value - back))
    }

    private mutating func addToMeans(_ row: borrowing StepRow) {
        if means.isEmpty && !Self.overflows(row, sums) {
            Self.addToSums(row, &tags, &sums, &compensations)
            let present = row.tags.span
            var countsOut = counts.mutableSpan
            for step in 0..<countsOut.count {
                countsOut[unchecked: step] +=
                    present[unchecked: step] == StepRow.Tag.float ? 1 : 0
            }
            return
        }
        for step in tags.indices where row.tags[step] == StepRow.Tag.float {
            let value = row.values[step]
            tags[step] |= StepRow.Tag.float
            counts[step] += 1
            if !means.isEmpty, means[step] != nil {
                means[step]?.add(value)
            } else if counts[step] == 1 {
                sums[step] = value
            } else {
                var next = KahanSum(sums[step], compensations[step])
                next.add(value)
                if next.sum.isInfinite {
                    goIncremental(step, value)
                } else {
                    sums[step] = next.sum
                    compensations[step] = next.compensation
                }
            }
        }
    }

    /// Whether a sum of the row would not be finite any more.
    private static func overflows(_ row: borrowing StepRow, _ sums: [Double]) -> Bool {
        let (values, present, known) = (row.values.span, row.tags.span, sums.span)
        precondition(
            values.count == known.count && present.count == known.count,
            "BUG: rows of different tiles")
        var finite = FiniteScan()
        for step in 0..<known.count {
            let isFloat = present[unchecked: step] == StepRow.Tag.float
            finite.add(known[unchecked: step] + (isFloat ? values[unchecked: step] : 0))
        }
        return !finite.isFinite
    }

    /// From here on the mean is kept instead of the sum, which would overflow.
    private mutating func goIncremental(_ step: Int, _ value: Double) {
        if means.isEmpty { means = [MeanAccumulator?](repeating: nil, count: tags.count) }
        var mean = MeanAccumulator(
            sum: KahanSum(sums[step], compensations[step]), count: counts[step] - 1)
        mean.add(value)
        means[step] = mean
    }

    private static func addToCounts(
        _ row: borrowing StepRow, _ tags: inout [UInt8], _ counts: inout [Double]
    ) {
        let present = row.tags.span
        precondition(present.count == counts.count, "BUG: rows of different tiles")
        var tagsOut = tags.mutableSpan
        var countsOut = counts.mutableSpan
        for step in 0..<countsOut.count {
            let isThere = present[unchecked: step] != 0
            countsOut[unchecked: step] += isThere ? 1 : 0
            tagsOut[unchecked: step] |= isThere ? StepRow.Tag.float : 0
        }
    }

    private static func addToExtremes(
        _ row: borrowing StepRow, _ tags: inout [UInt8], _ sums: inout [Double], isMax: Bool
    ) {
        let (values, present) = (row.values.span, row.tags.span)
        precondition(
            values.count == sums.count && present.count == sums.count,
            "BUG: rows of different tiles")
        var tagsOut = tags.mutableSpan
        var best = sums.mutableSpan
        for step in 0..<best.count where present[unchecked: step] == StepRow.Tag.float {
            let (value, known) = (values[unchecked: step], best[unchecked: step])
            let isBetter = isMax ? known < value : known > value
            if tagsOut[unchecked: step] == 0 || isBetter || known.isNaN {
                best[unchecked: step] = value
            }
            tagsOut[unchecked: step] = StepRow.Tag.float
        }
    }

    /// Welford: `sums` holds the mean, `compensations` the sum of squares.
    private mutating func addToVariances(_ row: borrowing StepRow) {
        for step in tags.indices where row.tags[step] == StepRow.Tag.float {
            let value = row.values[step]
            counts[step] += 1
            if tags[step] == 0 {
                tags[step] = StepRow.Tag.float
                sums[step] = value
                compensations[step] = value.isFinite ? 0 : .nan
                continue
            }
            let delta = value - sums[step]
            sums[step] += delta / counts[step]
            compensations[step] += delta * (value - sums[step])
        }
    }
}

// MARK: - Histograms

extension GroupAccumulator {
    private mutating func addHistograms(
        _ row: borrowing StepRow, _ context: inout KernelContext
    ) {
        switch op {
        case .count, .group: return
        case .sum, .avg: break
        default:
            if row.tags.contains(StepRow.Tag.histogram) {
                context.annotations.inform(
                    PromQLTexts.histogramIgnoredInAggregation(op.rawValue),
                    operandRange(context))
            }
            return
        }
        for step in tags.indices where row.tags[step] == StepRow.Tag.histogram {
            guard let histogram = row.histograms[step] else { continue }
            let isFirst = tags[step] == 0
            if tags[step] >= Seen.invalid { continue }
            tags[step] |= StepRow.Tag.histogram
            // With a float before it the step gives nothing anyway.
            if !isFirst && (histograms.isEmpty || histograms[step] == nil) { continue }
            add(histogram, step, &context)
        }
    }

    private mutating func add(
        _ histogram: Histogram, _ step: Int, _ context: inout KernelContext
    ) {
        if histograms.isEmpty {
            histograms = [HistogramState?](repeating: nil, count: tags.count)
        }
        guard var state = histograms[step] else {
            var state = HistogramState()
            if op == .sum {
                state.sum = HistogramSum(histogram)
            } else {
                state.mean = HistogramMean(histogram)
            }
            state.hints.note(histogram.hint)
            histograms[step] = state
            return
        }
        histograms[step] = nil
        state.hints.note(histogram.hint)
        do {
            let report =
                op == .sum
                ? try state.sum?.add(histogram) : try state.mean?.add(histogram)
            if report?.boundsReconciled == true {
                context.annotations.inform(
                    PromQLTexts.boundsReconciled(.aggregation), operandRange(context))
            }
        } catch {
            context.annotations.warn(
                PromQLTexts.mixedSchemas(context.metricName), operandRange(context))
            // With a float before it the step is a mix; what comes after is not looked at.
            if tags[step] == StepRow.Tag.histogram { tags[step] = Seen.invalid }
            return
        }
        histograms[step] = state
    }

    private func finishHistogram(
        _ step: Int, _ context: inout KernelContext, _ row: inout StepRow
    ) {
        guard let state = histograms[step] else { return }
        if state.hints.collide {
            context.annotations.warn(
                PromQLTexts.resetCollision(.aggregation), operandRange(context))
        }
        guard var result = state.sum?.total ?? state.mean?.value else { return }
        result.compact()
        row.setHistogram(step, result)
    }
}
