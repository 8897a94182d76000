import TSQBase
import TSQModel
import TSQPromQL

// The seam between operators (structure: which series, which steps, which memory) and kernels
// (numbers: what comes out of a window or a pair of rows). A kernel is called once per series and
// tile, never per sample; it does not know the store, the plan or other series.

/// What a kernel may ask and say.
package struct KernelContext: Sendable {
    /// The tile's evaluation times.
    package var steps: StepRange
    package var annotations = Annotations()
    /// What was said last of a pair at each step; nil: all that is said is told.
    package var lastRemarks: [Int: Annotation]?
    /// Where the call or operator stands in the query text, and its arguments' places.
    package var range: SourceRange
    package var argumentRanges: [SourceRange]
    /// The metric name of the series at hand, for annotations; empty where it has none.
    package var metricName: String = ""
    /// `__type__` of the series at hand with type-and-unit labels, else nil.
    package var metricType: String?
    /// The metric name that was found to be a counter's, or remarked on, last.
    package var counterChecked = ""
    /// Worked out for the series before; the same for all that share their times.
    package var spans = WindowSpansCache()
    /// Scalar arguments, in the order of the signature's scalar arguments: one value a step.
    package var parameters: [[Double]]
    package var useStartTimestamps = false

    package init(
        steps: StepRange, range: SourceRange, argumentRanges: [SourceRange] = [],
        parameters: [[Double]] = []
    ) {
        self.steps = steps
        self.range = range
        self.argumentRanges = argumentRanges
        self.parameters = parameters
    }

    /// Says something of a pair of elements.
    mutating func remark(_ text: String, isWarning: Bool, at step: Int) {
        if lastRemarks != nil {
            lastRemarks?[step] = Annotation(isWarning: isWarning, text: text, range: range)
        } else if isWarning {
            annotations.warn(text, range)
        } else {
            annotations.inform(text, range)
        }
    }

    /// Tells what was said last at each step.
    mutating func tellLastRemarks() {
        guard let remarks = lastRemarks else { return }
        for (_, remark) in remarks.sorted(by: { $0.key < $1.key }) {
            if remark.isWarning {
                annotations.warn(remark.text, remark.range)
            } else {
                annotations.inform(remark.text, remark.range)
            }
        }
        lastRemarks = [:]
    }
}

/// The windows of a range selector over one series' columns, one per step.
///
/// - Shape: window `i` covers `(endMs(i) − rangeMs, endMs(i)]`: float samples
///   `floatStarts[i]..<floatEnds[i]` of the columns and histogram samples
///   `histogramStarts[i]..<histogramEnds[i]`. Both bounds ascend with `i`. Stale markers have been
///   removed from the columns. With `anchored`/`smoothed` the columns reach further than the window
///   (`lookback` to the left, and to the right for smoothed): the bounds are still the window's.
/// - With `@` all windows are equal; the planner then evaluates one step.
package struct Windows: Sendable {
    package enum Extension: Sendable { case none, anchored, smoothed }

    /// End of window 0, offset and @ applied.
    package var firstEndMs: TimestampMs = 0
    package var stepMs: Int64 = 0
    package var rangeMs: Int64 = 0
    package var mode: Extension = .none
    /// How far anchored/smoothed may look beyond the window.
    package var lookbackMs: Int64 = 0
    package var floatStarts: [Int] = []
    package var floatEnds: [Int] = []
    package var histogramStarts: [Int] = []
    package var histogramEnds: [Int] = []

    package init() {}

    package var count: Int { floatStarts.count }

    @inlinable
    package func endMs(_ step: Int) -> TimestampMs { firstEndMs &+ Int64(step) &* stepMs }
    @inlinable
    package func startMs(_ step: Int) -> TimestampMs { endMs(step) &- rangeMs }
}

/// A function of a range vector (`rate`, `max_over_time`): fills `row` (already reset to absent) for
/// every step of the windows.
package typealias RangeKernel =
    @Sendable (
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) -> Void

/// A function of an instant vector that treats each series alone (`abs`, `clamp`, `hour`,
/// `histogram_sum`): changes `row` in place.
package typealias ElementKernel =
    @Sendable (_ context: inout KernelContext, _ row: inout StepRow) throws(QueryError) -> Void
