import Glibc
import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

extension ReferenceEvaluation {
    /// What a function of one window may see besides.
    struct RangeContext {
        var node: CallExpr
        /// The range vector's place in the text.
        var range: SourceRange
        var timeMs: TimestampMs
        var scalars: [Double]
    }

    private static let anchoredFunctions = ["changes", "delta", "increase", "rate", "resets"]
    private static let smoothedFunctions = ["delta", "increase", "rate"]

    func rangeCall(
        _ node: CallExpr, matrixIndex: Int, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        let name = node.function.name
        let argument = node.arguments[matrixIndex]
        if case .matrixSelector(let matrix) = argument.unwrapped {
            for (isOn, modifier, allowed) in [
                (matrix.selector.isAnchored, "anchored", Self.anchoredFunctions),
                (matrix.selector.isSmoothed, "smoothed", Self.smoothedFunctions),
            ] where isOn && !allowed.contains(name) {
                throw .execution(
                    "\(modifier) modifier can only be used with: "
                        + "\(allowed.joined(separator: ", ")) - not with \(name)")
            }
        }
        var context = RangeContext(
            node: node, range: argument.unwrapped.range, timeMs: timeMs, scalars: [])
        for (index, other) in node.arguments.enumerated() where index != matrixIndex {
            context.scalars.append(try scalar(other, timeMs, frame))
        }
        let windows = try windows(argument, timeMs, frame)
        if name == "absent_over_time" {
            guard windows.allSatisfy(\.isEmpty) else { return [] }
            return [
                ReferenceSample(
                    labels: Self.absentLabels(argument), value: .float(1), dropsName: true)
            ]
        }
        let keepsName = name == "last_over_time" || name == "first_over_time"
        var result: [ReferenceSample] = []
        for window in windows {
            guard let value = try rangeValue(window, context) else { continue }
            let labels =
                keepsName || options.delayedNameRemoval
                ? window.labels : window.labels.withoutIdentity
            if !options.delayedNameRemoval { try noteRenaming(window.labels, labels, node, frame) }
            result.append(
                ReferenceSample(
                    labels: labels, value: value, dropsName: !keepsName || window.dropsName))
            if name == "rate" || name == "increase", value.float != nil {
                remarkOnCounter(window, context)
            }
        }
        return result
    }

    /// Two series of one call must not become the same, whether or not at the same time.
    private func noteRenaming(
        _ original: LabelSet, _ labels: LabelSet, _ node: CallExpr, _ frame: ReferenceFrame
    ) throws(QueryError) {
        let key = RenamedKey(place: node.range, frame: frame)
        let known = renamed[key, default: [:]][labels]
        if let known, known != original { throw .execution(Self.duplicateLabels) }
        renamed[key, default: [:]][labels] = original
    }

    private func remarkOnCounter(_ window: ReferenceWindow, _ context: RangeContext) {
        let name = window.metricName
        if name.isEmpty { return }
        if options.typeAndUnitLabels {
            let type = window.labels[LabelName.metricType] ?? ""
            if type != "counter" && type != "histogram" {
                annotations.possibleNonCounter(metric: name, type: type, context.range)
            }
        } else if !["_total", "_sum", "_count", "_bucket"].contains(where: name.hasSuffix) {
            annotations.possibleNonCounter(metric: name, context.range)
        }
    }

    private func rangeValue(
        _ window: ReferenceWindow, _ context: RangeContext
    ) throws(QueryError) -> ReferenceValue? {
        switch context.node.function.name {
        case "rate": return rate(window, context, isCounter: true, perSecond: true)
        case "increase": return rate(window, context, isCounter: true, perSecond: false)
        case "delta": return rate(window, context, isCounter: false, perSecond: false)
        case "irate": return instantRate(window, context, isCounter: true)
        case "idelta": return instantRate(window, context, isCounter: false)
        case "resets": return transitions(window) { self.isReset($0, $1) }
        case "changes": return transitions(window) { self.isChange($0, $1) }
        case "count_over_time":
            return .float(Double(window.floats.count + window.histograms.count))
        case "present_over_time": return .float(1)
        case "last_over_time": return window.points.last?.value
        case "first_over_time": return window.points.first?.value
        case "ts_of_first_over_time":
            return window.points.first.map { .float(Double($0.timeMs) / 1000) }
        case "ts_of_last_over_time":
            // Prometheus takes 0 for the kind that is not there.
            let lastMs = max(
                window.floats.last?.timeMs ?? 0, window.histograms.last?.timeMs ?? 0)
            return .float(Double(lastMs) / 1000)
        case "sum_over_time": return totalOverTime(window, context, isAverage: false)
        case "avg_over_time": return totalOverTime(window, context, isAverage: true)
        default: return try floatValue(window, context).map { .float($0) }
        }
    }

    // MARK: Functions of floats alone

    private func floatValue(
        _ window: ReferenceWindow, _ context: RangeContext
    ) throws(QueryError) -> Double? {
        let values = window.floats.map(\.value)
        let name = context.node.function.name
        let needsTwo = ["deriv", "predict_linear", "double_exponential_smoothing"].contains(name)
        if name == "double_exponential_smoothing" {
            try checkSmoothingFactors(context.scalars)
        }
        guard !values.isEmpty else { return nil }
        if name == "quantile_over_time" {
            let phi = context.scalars[0]
            if phi.isNaN || phi < 0 || phi > 1 {
                annotations.invalidQuantile(phi, context.node.arguments[0].unwrapped.range)
            }
        }
        if !window.histograms.isEmpty {
            let range =
                name == "quantile_over_time"
                ? context.node.arguments[0].unwrapped.range : context.range
            annotations.histogramsIgnoredInRange(metric: window.metricName, range)
        }
        if needsTwo && values.count < 2 { return nil }
        switch name {
        case "min_over_time":
            return values.reduce(values[0]) { $1 < $0 || $0.isNaN ? $1 : $0 }
        case "max_over_time":
            return values.reduce(values[0]) { $1 > $0 || $0.isNaN ? $1 : $0 }
        case "ts_of_min_over_time":
            return Self.seconds(window, where: { $0 <= $1 || $1.isNaN })
        case "ts_of_max_over_time":
            return Self.seconds(window, where: { $0 >= $1 || $1.isNaN })
        case "quantile_over_time": return Self.quantile(context.scalars[0], values)
        case "mad_over_time":
            if values.contains(where: \.isNaN) { return .nan }
            let median = Self.quantile(0.5, values)
            return Self.quantile(0.5, values.map { ($0 - median).magnitude })
        case "stddev_over_time": return Self.compensatedVariance(values).squareRoot()
        case "stdvar_over_time": return Self.compensatedVariance(values)
        case "deriv": return Self.regression(window, centerMs: window.floats[0].timeMs).slope
        case "predict_linear":
            let line = Self.regression(window, centerMs: context.timeMs)
            return line.slope * context.scalars[0] + line.intercept
        case "double_exponential_smoothing":
            return Self.smoothed(values, factor: context.scalars[0], trend: context.scalars[1])
        default: preconditionFailure("BUG: unknown range function \(name)")
        }
    }

    private func checkSmoothingFactors(_ scalars: [Double]) throws(QueryError) {
        for (value, name, short) in [
            (scalars[0], "smoothing", "sf"), (scalars[1], "trend", "tf"),
        ] where value <= 0 || value >= 1 {
            throw .execution(
                "invalid \(name) factor. Expected: 0 < \(short) < 1, got: \(Self.sixDecimals(value))"
            )
        }
    }

    /// Go's `%f`.
    static func sixDecimals(_ value: Double) -> String {
        if !value.isFinite { return DecimalPrint.string(value, .fixed) }
        var text = [CChar](repeating: 0, count: 400)
        _ = withVaList([value]) { vsnprintf(&text, text.count, "%f", $0) }
        return String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func seconds(
        _ window: ReferenceWindow, where isBetter: (Double, Double) -> Bool
    ) -> Double {
        var best = window.floats[0]
        for point in window.floats where isBetter(point.value, best.value) { best = point }
        return Double(best.timeMs) / 1000
    }

    static func compensatedVariance(_ values: [Double]) -> Double {
        var mean = ReferenceSum()
        var squares = ReferenceSum()
        for (index, value) in values.enumerated() {
            let delta = value - mean.total
            mean.add(delta / Double(index + 1))
            squares.add(delta * (value - mean.total))
        }
        return squares.total / Double(values.count)
    }

    /// Least squares; the intercept is at `centerMs`.
    static func regression(
        _ window: ReferenceWindow, centerMs: TimestampMs
    ) -> (slope: Double, intercept: Double) {
        let points = window.floats
        if points.dropFirst().allSatisfy({ $0.value == points[0].value }) {
            let value = points[0].value
            return value.isInfinite ? (.nan, .nan) : (0, value)
        }
        var (x, y) = (ReferenceSum(), ReferenceSum())
        var (xy, xx) = (ReferenceSum(), ReferenceSum())
        for point in points {
            let seconds = Double(point.timeMs - centerMs) / 1000
            x.add(seconds)
            y.add(point.value)
            xy.add(seconds * point.value)
            xx.add(seconds * seconds)
        }
        let count = Double(points.count)
        let covariance = xy.total - x.total * y.total / count
        let variance = xx.total - x.total * x.total / count
        let slope = covariance / variance
        return (slope, y.total / count - slope * x.total / count)
    }

    /// Holt's linear trend method.
    private static func smoothed(_ values: [Double], factor: Double, trend: Double) -> Double {
        var level = values[0]
        var before = 0.0
        var slope = values[1] - values[0]
        for (index, value) in values.enumerated().dropFirst() {
            if index > 1 { slope = trend * (level - before) + (1 - trend) * slope }
            let next = factor * value + (1 - factor) * (level + slope)
            (before, level) = (level, next)
        }
        return level
    }

    // MARK: Sums

    private func totalOverTime(
        _ window: ReferenceWindow, _ context: RangeContext, isAverage: Bool
    ) -> ReferenceValue? {
        if !window.floats.isEmpty && !window.histograms.isEmpty {
            annotations.mixedTypes(metric: window.metricName, context.range)
            return nil
        }
        let values = window.floats.map(\.value)
        if !values.isEmpty {
            return .float(
                isAverage ? Self.average(values) : Self.sum(values, startingWithFirst: false))
        }
        let histograms = window.histograms.map(\.value)
        switch combine(histograms, isAverage: isAverage, context.range) {
        case .success(let histogram):
            remarkOnResets(histograms, context.range)
            return .histogram(histogram)
        case .failure(let failure):
            remarkOnResets(histograms[...failure.index], context.range)
            annotations.mixedSchemas(metric: window.metricName, context.range)
            return nil
        }
    }

    // MARK: From sample to sample

    typealias Point = (
        timeMs: TimestampMs, value: ReferenceValue, startTimeMs: TimestampMs
    )

    /// How often `counts` holds between neighbours; with `anchored` from the last sample at or before
    /// the window's start.
    private func transitions(
        _ window: ReferenceWindow,
        where counts: (Point, Point) -> Bool
    ) -> ReferenceValue? {
        var points = window.points
        if window.isAnchored {
            guard let last = points.last, last.timeMs > window.startMs else { return nil }
            let first = points.lastIndex { $0.timeMs <= window.startMs } ?? 0
            points = Array(points[first...])
        }
        if points.isEmpty { return nil }
        let count = zip(points, points.dropFirst()).count { counts($0.0, $0.1) }
        return .float(Double(count))
    }

    private func isReset(_ a: Point, _ b: Point) -> Bool {
        let isRestart = startsAnew(a.startTimeMs, a.timeMs, b.startTimeMs, b.timeMs)
        switch (a.value, b.value) {
        case (.float(let x), .float(let y)): return y < x || isRestart
        case (.histogram(let x), .histogram(let y)):
            return y.detectsReset(since: x) || isRestart
        default: return true
        }
    }

    private func isChange(_ a: Point, _ b: Point) -> Bool {
        switch (a.value, b.value) {
        case (.float(let x), .float(let y)): return x != y && !(x.isNaN && y.isNaN)
        case (.histogram(let x), .histogram(let y)): return !y.hasSameData(as: x)
        default: return true
        }
    }

    /// Whether the start times say that the counter began again between two samples.
    func startsAnew(
        _ previousStartMs: TimestampMs, _ previousMs: TimestampMs, _ startMs: TimestampMs,
        _ timeMs: TimestampMs
    ) -> Bool {
        guard options.useStartTimestamps, startMs != 0, startMs < timeMs else { return false }
        if startMs != previousMs { return startMs > previousMs }
        // A delta, unless the first start time was only made up from the first sample.
        return previousStartMs != 0 && previousStartMs < previousMs
    }
}
