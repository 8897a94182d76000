import TSQBase
import TSQModel

// Minimum and maximum by a monotonic deque: every sample enters and leaves once, however much the
// windows overlap.
extension RangeFunctions {
    static func minOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        extremes(columns, windows, &context, &row, isMax: false, givesTime: false)
    }

    static func maxOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        extremes(columns, windows, &context, &row, isMax: true, givesTime: false)
    }

    static func tsOfMinOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        extremes(columns, windows, &context, &row, isMax: false, givesTime: true)
    }

    static func tsOfMaxOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        extremes(columns, windows, &context, &row, isMax: true, givesTime: true)
    }

    /// Of equal values the first one counts, for times the last one. NaN counts only where there is
    /// nothing else; then it is the window's last.
    @inline(__always)
    private static func extremes(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow, isMax: Bool, givesTime: Bool
    ) {
        windows.checkBounds(columns)
        if !givesTime && windows.hasOnlyFloats {
            let values = columns.values.span
            let isFilled =
                isMax
                ? BlockExtremes<Highest>.fill(values, windows, &row)
                : BlockExtremes<Lowest>.fill(values, windows, &row)
            if isFilled { return }
        }
        var notes: WindowNotes = []
        let values = columns.values.span
        // Candidates, best first, of the samples from the window's start to `next`.
        var deque = [Int](repeating: 0, count: values.count)
        var candidates = deque.mutableSpan
        var (head, tail, next) = (0, 0, 0)
        for step in 0..<windows.count {
            let window = windows.floatRange(step)
            if window.isEmpty { continue }
            if !windows.histogramRange(step).isEmpty { notes.insert(.histogramsIgnored) }
            while head < tail && candidates[unchecked: head] < window.lowerBound { head += 1 }
            next = max(next, window.lowerBound)
            while next < window.upperBound {
                let value = values[unchecked: next]
                if !value.isNaN {
                    while head < tail {
                        let other = values[unchecked: candidates[unchecked: tail - 1]]
                        let isWorse =
                            givesTime
                            ? (isMax ? other <= value : other >= value)
                            : (isMax ? other < value : other > value)
                        if !isWorse { break }
                        tail -= 1
                    }
                    candidates[unchecked: tail] = next
                    tail += 1
                }
                next += 1
            }
            let best = head < tail ? candidates[unchecked: head] : window.upperBound - 1
            row.setFloat(
                step, givesTime ? Double(columns.times[best]) / 1000 : values[unchecked: best])
        }
        notes.tell(&context)
    }
}
