import TSQBase
import TSQPromQL

/// Where a selector looks for step `i`: `@` and `offset` applied.
struct SelectorTimes {
    /// Reference time of step 0.
    let firstMs: TimestampMs
    /// 0 with `@`: every step looks at the same time.
    let stepMs: Int64
    let count: Int

    init(steps: StepRange, atMs: TimestampMs?, offsetMs: Int64) {
        firstMs = (atMs ?? steps.firstMs) &- offsetMs
        stepMs = atMs == nil ? steps.stepMs : 0
        count = steps.count
    }

    func timeMs(_ step: Int) -> TimestampMs { firstMs &+ Int64(step) &* stepMs }

    var lastMs: TimestampMs { timeMs(max(0, count - 1)) }
}

extension TimestampMs {
    /// Bounds of what is read stay within Int64 instead of wrapping to the other end of time.
    func subtractingClamped(_ lengthMs: Int64) -> TimestampMs {
        let (result, overflow) = subtractingReportingOverflow(lengthMs)
        return overflow ? (lengthMs > 0 ? .min : .max) : result
    }

    func addingClamped(_ lengthMs: Int64) -> TimestampMs {
        let (result, overflow) = addingReportingOverflow(lengthMs)
        return overflow ? (lengthMs > 0 ? .max : .min) : result
    }
}
