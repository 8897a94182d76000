import TSQBase
import TSQModel

// rate, increase and delta: the change over a window, extrapolated to its ends.
extension RangeFunctions {
    static func rate(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        change(columns, windows, &context, &row, .rate)
    }

    static func increase(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        change(columns, windows, &context, &row, .increase)
    }

    static func delta(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        change(columns, windows, &context, &row, .delta)
    }

    private static func change(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow, _ kind: ChangeKind
    ) {
        var notes: WindowNotes = []
        if windows.mode != .none {
            windows.checkBounds(columns)
            extendedChange(columns, windows, kind, &notes, &row)
        } else {
            let useStarts = context.useStartTimestamps
            if windows.hasOnlyFloats && !(useStarts && kind.isCounter) {
                alignedChange(columns, windows, kind, &context.spans, &row)
            } else {
                windows.checkBounds(columns)
                floatChange(columns, windows, kind, useStarts, &notes, &row)
            }
            if !windows.hasOnlyFloats {
                histogramChange(columns, windows, kind, useStarts, &notes, &row)
            }
        }
        notes.tell(&context)
        if kind.isCounter { noteNonCounter(&context, row) }
    }

    /// A name that does not look like a counter's, where floats came out.
    private static func noteNonCounter(_ context: inout KernelContext, _ row: borrowing StepRow) {
        let name = context.metricName
        if name.isEmpty || context.counterChecked == name && context.metricType == nil { return }
        let isCounter =
            if let type = context.metricType {
                type == "counter" || type == "histogram"
            } else {
                ["_total", "_sum", "_count", "_bucket"].contains(where: name.hasSuffix)
            }
        if !isCounter {
            guard row.tags.contains(StepRow.Tag.float) else { return }
            let text =
                context.metricType.map { PromQLTexts.possibleNonCounterType(name, type: $0) }
                ?? PromQLTexts.possibleNonCounter(name)
            context.annotations.inform(text, context.argumentRanges.first ?? context.range)
        }
        context.counterChecked = name
    }

    /// The frequent case: floats only, no start timestamps. `floatChange` is the plain form.
    ///
    /// What depends on the times alone comes from `spans`; the rest is worked out in the same order.
    static func alignedChange(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows, _ kind: ChangeKind,
        _ cache: inout WindowSpansCache, _ row: inout StepRow
    ) {
        let place = cache.find(
            columns.times.span, timesID: columns.timesID, windows, isRate: kind.isRate)
        let spans = cache.spans(place)
        if !ascendingChange(columns, windows, kind, spans, &row) {
            windows.checkBounds(columns)
            alignedChange(columns, windows, kind, spans, &row)
        }
    }

    /// Where all values are finite and none is less than the one before, which is what counters do
    /// between resets: without a branch a window. False, and nothing done, where it is otherwise.
    private static func ascendingChange(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows, _ kind: ChangeKind,
        _ spans: borrowing WindowSpans, _ row: inout StepRow
    ) -> Bool {
        let count = spans.tags.count
        let values = columns.values.span
        guard spans.bounds.samplesEnd > 0, spans.bounds.samplesEnd <= values.count,
            columns.areFinite || FiniteScan.areFinite(values),
            !CounterEvents.mayFall(values)
        else { return false }
        let (firsts, lasts, factors) = (spans.firsts, spans.lasts, spans.factors)
        precondition(
            windows.count == count && row.stepCount == count && firsts.count == count
                && lasts.count == count && factors.count == count, "BUG: spans of other windows")
        var results = row.values.mutableSpan
        for step in 0..<count {
            let first = values[unchecked: Int(firsts[unchecked: step])]
            let last = values[unchecked: Int(lasts[unchecked: step])]
            results[unchecked: step] = (last - first) * factors[unchecked: step]
        }
        copyTags(spans, &row)
        if kind.isCounter { limitToZero(values, columns.times.span, windows, kind, spans, &row) }
        return true
    }

    private static func copyTags(_ spans: borrowing WindowSpans, _ row: inout StepRow) {
        let tags = spans.tags
        var rowTags = row.tags.mutableSpan
        precondition(tags.count == rowTags.count, "BUG: spans of other windows")
        for step in 0..<tags.count { rowTags[unchecked: step] = tags[unchecked: step] }
    }

    /// Works the windows out anew that may not be extended as far to the left, because the counter was
    /// zero there.
    private static func limitToZero(
        _ values: borrowing Span<Double>, _ times: Span<TimestampMs>,
        _ windows: borrowing Windows, _ kind: ChangeKind, _ spans: borrowing WindowSpans,
        _ row: inout StepRow
    ) {
        let count = zeroLimitedEnd(values, spans)
        let (firsts, lasts) = (spans.firsts, spans.lasts)
        var results = row.values.mutableSpan
        precondition(
            count <= firsts.count && count <= lasts.count && count <= results.count,
            "BUG: spans of other windows")
        let share = spans.leftShareEnd
        for step in 0..<count {
            let place = (first: Int(firsts[unchecked: step]), last: Int(lasts[unchecked: step]))
            let first = values[unchecked: place.first]
            let change = values[unchecked: place.last] - first
            if !(change > 0) || first > change * share { continue }
            let factor = limitedFactor(first, change, times, place, windows, step, kind)
            if let factor { results[unchecked: step] = change * factor }
        }
    }

    /// What the change of a window is multiplied by where its counter was zero, going by its change, so
    /// short before its first sample that it is not extended as far; nil where it is.
    @inline(__always)
    private static func limitedFactor(
        _ first: Double, _ change: Double, _ times: Span<TimestampMs>,
        _ place: (first: Int, last: Int), _ windows: borrowing Windows, _ step: Int,
        _ kind: ChangeKind
    ) -> Double? {
        guard first >= 0 else { return nil }
        let extent = WindowExtent(times, place.first, place.last, windows, step)
        let toZero = extent.sampled * (first / change)
        guard toZero < extent.left else { return nil }
        let factor = extent.factor(left: toZero)
        return kind.isRate ? factor / windows.rangeSeconds : factor
    }

    /// Windows from here on cannot be limited: first values ascend and no change is larger than up to
    /// the newest value, so the counter's zero lies further back than any window is extended.
    private static func zeroLimitedEnd(
        _ values: borrowing Span<Double>, _ spans: borrowing WindowSpans
    ) -> Int {
        let (firsts, tags) = (spans.firsts, spans.tags)
        let newest = values[values.count - 1]
        let share = spans.leftShareEnd
        var (low, high) = (0, tags.count)
        while low < high {
            let middle = (low + high) / 2
            var step = middle
            while step < high && tags[unchecked: step] != StepRow.Tag.float { step += 1 }
            if step == high {
                high = middle
                continue
            }
            let first = values[unchecked: Int(firsts[unchecked: step])]
            // Not where both are zero: such a counter is limited.
            if first > (newest - first) * share { high = middle } else { low = step + 1 }
        }
        return low
    }

    private static func alignedChange(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows, _ kind: ChangeKind,
        _ spans: borrowing WindowSpans, _ row: inout StepRow
    ) {
        let (values, factors) = (columns.values.span, spans.factors)
        let (starts, ends) = (windows.floatStarts.span, windows.floatEnds.span)
        let count = windows.count
        precondition(
            factors.count == count && spans.tags.count == count && starts.count == count
                && ends.count == count && row.stepCount == count, "BUG: spans of other windows")
        var resets = CounterEvents()
        if kind.isCounter { resets.findResets(values) }
        let hasResets = !resets.positions.isEmpty
        let isCounter = kind.isCounter
        let share = spans.leftShareEnd
        var results = row.values.mutableSpan
        for step in 0..<count {
            let (start, end) = (starts[unchecked: step], ends[unchecked: step])
            if end &- start < 2 { continue }
            let first = values[unchecked: start]
            var change = values[unchecked: end &- 1] - first
            if hasResets {
                for position in resets.within(start..<end) {
                    change += values[Int(resets.positions[position]) - 1]
                }
            }
            var factor = factors[unchecked: step]
            if isCounter && change > 0 && !(first > change * share) {
                let place = (first: start, last: end &- 1)
                factor =
                    limitedFactor(first, change, columns.times.span, place, windows, step, kind)
                    ?? factor
            }
            results[unchecked: step] = change * factor
        }
        copyTags(spans, &row)
    }

    static func floatChange(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows, _ kind: ChangeKind,
        _ useStarts: Bool, _ notes: inout WindowNotes, _ row: inout StepRow
    ) {
        let (times, values) = (columns.times.span, columns.values.span)
        let hasStarts = useStarts && kind.isCounter && !columns.startTimes.isEmpty
        var resets = CounterEvents()
        var overlaps = CounterEvents()
        if kind.isCounter {
            resets.findResets(values)
            if hasStarts {
                resets = CounterEvents()
                resets.findResets(values, times, columns.startTimes.span)
                overlaps.findOverlaps(times, columns.startTimes.span)
            }
        }
        let rangeSeconds = windows.rangeSeconds
        for step in 0..<windows.count {
            let window = windows.floatRange(step)
            if window.isEmpty { continue }
            if !windows.histogramRange(step).isEmpty {
                notes.insert(.mixed)
                continue
            }
            let (first, last) = (
                values[unchecked: window.lowerBound],
                values[unchecked: window.upperBound - 1]
            )
            var result = last - first
            if kind.isCounter {
                for position in resets.within(window) {
                    result += values[Int(resets.positions[position]) - 1]
                }
                if hasStarts && !overlaps.within(window).isEmpty { notes.insert(.startOverlap) }
            }
            let span = SampledSpan(
                firstMs: times[unchecked: window.lowerBound],
                lastMs: times[unchecked: window.upperBound - 1], count: window.count,
                startMs: hasStarts ? columns.startTimes[window.lowerBound] : 0,
                windowStartMs: windows.startMs(step), windowEndMs: windows.endMs(step))
            if span.beginsInWindow { result += first } else if window.count < 2 { continue }
            var factor = span.factor(isCounter: kind.isCounter, first: first, change: result)
            if kind.isRate { factor /= rangeSeconds }
            row.setFloat(step, result * factor)
        }
    }
}

/// What of the family is asked for.
enum ChangeKind {
    case rate, increase, delta

    var isCounter: Bool { self != .delta }
    var isRate: Bool { self == .rate }
}

/// Where the samples of a window lie in it; extrapolation follows from that.
///
/// - Source: Prometheus promql/functions.go, extrapolatedRate.
struct SampledSpan {
    private let toStart: Double
    private let toEnd: Double
    private let sampled: Double
    private let gap: Double
    /// The first sample's start time lies in the window: the counter was 0 there, and nothing is
    /// extrapolated to the left.
    let beginsInWindow: Bool

    init(
        firstMs: TimestampMs, lastMs: TimestampMs, count: Int, startMs: TimestampMs,
        windowStartMs: TimestampMs, windowEndMs: TimestampMs
    ) {
        beginsInWindow = startMs != 0 && startMs > windowStartMs && startMs < firstMs
        toEnd = Double(windowEndMs &- lastMs) / 1000
        let interval = Double(lastMs &- firstMs) / 1000
        gap = count > 1 ? interval / Double(count - 1) : 0
        sampled = beginsInWindow ? Double(lastMs &- startMs) / 1000 : interval
        toStart = beginsInWindow ? 0 : Double(firstMs &- windowStartMs) / 1000
    }

    /// What the change is multiplied by.
    ///
    /// - Parameter first: the first value (a histogram's count): a counter is not extrapolated
    ///   below zero.
    func factor(isCounter: Bool, first: Double, change: Double) -> Double {
        let threshold = gap * 1.1
        var (left, right) = (toStart, toEnd)
        if !beginsInWindow {
            if left >= threshold { left = gap / 2 }
            if isCounter && change > 0 && first >= 0 {
                let toZero = sampled * (first / change)
                if toZero < left { left = toZero }
            }
        }
        if right >= threshold { right = gap / 2 }
        return sampled == 0 ? 1 : (sampled + left + right) / sampled
    }
}

/// Positions of samples that follow a reset (or overlap), found once for all windows.
struct CounterEvents {
    private(set) var positions: [Int32] = []
    private var low = 0

    mutating func findResets(_ values: borrowing Span<Double>) {
        guard values.count > 1 else { return }
        if FiniteScan.areFinite(values) && !Self.mayFall(values) { return }
        for index in 1..<values.count where values[unchecked: index] < values[unchecked: index - 1]
        {
            positions.append(Int32(truncatingIfNeeded: index))
        }
    }

    mutating func findResets(
        _ values: borrowing Span<Double>, _ times: borrowing Span<TimestampMs>,
        _ starts: borrowing Span<TimestampMs>
    ) {
        guard values.count > 1 else { return }
        for index in 1..<values.count {
            let isReset =
                values[index] < values[index - 1]
                || StartTimes.isReset(
                    previousStart: starts[index - 1], previous: times[index - 1],
                    start: starts[index], time: times[index])
            if isReset { positions.append(Int32(truncatingIfNeeded: index)) }
        }
    }

    /// Whether one of the values, which are finite, may be less than the one before. Without a branch
    /// for each, so that it vectorises: what is negative sets the sign.
    static func mayFall(_ values: borrowing Span<Double>) -> Bool {
        var signs: UInt64 = 0
        for index in 1..<max(1, values.count) {
            signs |= (values[unchecked: index] - values[unchecked: index &- 1]).bitPattern
        }
        return signs >> 63 != 0
    }

    mutating func append(_ index: Int) { positions.append(Int32(truncatingIfNeeded: index)) }

    mutating func findOverlaps(
        _ times: borrowing Span<TimestampMs>, _ starts: borrowing Span<TimestampMs>
    ) {
        guard times.count > 1 else { return }
        for index in 1..<times.count
        where StartTimes.overlaps(
            previousStart: starts[index - 1], previous: times[index - 1], start: starts[index])
        {
            positions.append(Int32(truncatingIfNeeded: index))
        }
    }

    /// Indexes into `positions` of the events between two samples of `window`. Windows must come in
    /// ascending order.
    @inline(__always)
    mutating func within(_ window: Range<Int>) -> Range<Int> {
        while low < positions.count && positions[low] <= window.lowerBound { low += 1 }
        var high = low
        while high < positions.count && positions[high] < window.upperBound { high += 1 }
        return low..<high
    }
}

/// Start timestamps of counters.
///
/// - Source: Prometheus promql/functions.go, isStartTimestampReset and checkStartTimeOverlap.
enum StartTimes {
    /// Whether the start time of a sample says that the counter began anew after the one before.
    static func isReset(
        previousStart: TimestampMs, previous: TimestampMs, start: TimestampMs, time: TimestampMs
    ) -> Bool {
        // Unknown, or OTel's "unknown" (start = time), or invalid.
        if start == 0 || start >= time || start < previous { return false }
        if start > previous { return true }
        // Equal to the sample before: a delta series, unless that one's start is unknown.
        if previousStart > previous { return false }
        return previousStart != 0 && previousStart != previous
    }

    static func overlaps(
        previousStart: TimestampMs, previous: TimestampMs, start: TimestampMs
    ) -> Bool {
        start != 0 && start < previous && start != previousStart
    }
}
