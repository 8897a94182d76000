import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

/// `anchored` (from the last sample before the window to the last in it) and `smoothed` (both ends of
/// the window interpolated).
extension ReferenceEvaluation {
    func extendedRate(
        _ window: ReferenceWindow, _ context: RangeContext, isCounter: Bool, perSecond: Bool
    ) -> ReferenceValue? {
        if !window.floats.isEmpty && !window.histograms.isEmpty {
            annotations.mixedTypes(metric: window.metricName, context.range)
            return nil
        }
        let times =
            window.floats.isEmpty
            ? window.histograms.map(\.timeMs) : window.floats.map(\.timeMs)
        guard let bounds = extendedBounds(times, window) else { return nil }
        if window.floats.isEmpty {
            return extendedHistogramRate(
                window, bounds, context, isCounter: isCounter, perSecond: perSecond
            ).map { .histogram($0) }
        }
        let points = window.floats
        let isLeftBetween = window.isSmoothed && times[bounds.first] < window.startMs
        let isRightBetween =
            window.isSmoothed && bounds.last > 0 && times[bounds.last] > window.endMs
        let left =
            isLeftBetween
            ? Self.interpolated(
                points[bounds.first], points[bounds.first + 1], atMs: window.startMs,
                isCounter: isCounter) : points[bounds.first].value
        let right =
            isRightBetween
            ? Self.interpolated(
                points[bounds.last - 1], points[bounds.last], atMs: window.endMs,
                isCounter: isCounter) : points[bounds.last].value
        var result = right - left
        if isCounter {
            var lost = 0.0
            var previous = left
            for index in inner(times, bounds, window) {
                if points[index].value < previous { lost += previous }
                previous = points[index].value
            }
            if right < previous { lost += previous }
            result += lost
        }
        return .float(perSecond ? result / window.rangeSeconds : result)
    }

    /// `anchored` and `smoothed` range vectors as they are shown: a value at either end of the window,
    /// and the samples between.
    func extended(_ windows: [ReferenceWindow]) throws(QueryError) -> [ReferenceWindow] {
        var result: [ReferenceWindow] = []
        for window in windows {
            if !window.isAnchored && !window.isSmoothed {
                result.append(window)
                continue
            }
            if !window.histograms.isEmpty {
                throw .execution("anchored modifier is not supported with histograms")
            }
            let before = window.floats.last { $0.timeMs <= window.startMs }
            let inside = window.floats.filter {
                $0.timeMs > window.startMs && $0.timeMs < window.endMs
            }
            guard let last = window.floats.last, last.timeMs > window.startMs else { continue }
            let first = before ?? window.floats[0]
            var shown = window
            shown.floats = [
                .init(timeMs: window.startMs, value: value(window, window.startMs) ?? first.value)
            ]
            shown.floats += inside
            shown.floats.append(
                .init(timeMs: window.endMs, value: value(window, window.endMs) ?? first.value))
            result.append(shown)
        }
        return result
    }

    /// The value at one end of a window, nil before the first sample.
    private func value(_ window: ReferenceWindow, _ timeMs: TimestampMs) -> Double? {
        guard let before = window.floats.last(where: { $0.timeMs <= timeMs }) else { return nil }
        guard window.isSmoothed, before.timeMs < timeMs,
            let after = window.floats.first(where: { $0.timeMs > timeMs })
        else { return before.value }
        return Self.interpolated(before, after, atMs: timeMs, isCounter: false)
    }

    /// The samples that the ends are taken from; nil where the window has none.
    private func extendedBounds(
        _ times: [TimestampMs], _ window: ReferenceWindow
    ) -> (first: Int, last: Int)? {
        guard !times.isEmpty else { return nil }
        let end = times.count - 1
        let pastStart = times[..<end].firstIndex { $0 > window.startMs } ?? end
        let first = max(0, pastStart - 1)
        let last =
            window.isSmoothed
            ? times[..<end].firstIndex { $0 >= window.endMs } ?? end : end
        let isOutside =
            times[last] <= window.startMs || window.isSmoothed && times[first] > window.endMs
        return isOutside ? nil : (first, last)
    }

    /// The samples strictly between the ends.
    private func inner(
        _ times: [TimestampMs], _ bounds: (first: Int, last: Int), _ window: ReferenceWindow
    ) -> Range<Int> {
        let first = times[bounds.first] <= window.startMs ? bounds.first + 1 : bounds.first
        let last = times[bounds.last] >= window.endMs ? bounds.last - 1 : bounds.last
        return first..<max(first, last + 1)
    }

    /// On the line between two samples; a counter that was reset between them starts from 0.
    static func interpolated(
        _ a: ReferenceWindow.FloatPoint, _ b: ReferenceWindow.FloatPoint, atMs: TimestampMs,
        isCounter: Bool
    ) -> Double {
        let start = isCounter && b.value < a.value ? 0 : a.value
        return start
            + (b.value - start) * Double(atMs - a.timeMs) / Double(b.timeMs - a.timeMs)
    }

    // MARK: Histograms

    func interpolated(
        _ a: ReferenceWindow.HistogramPoint, _ b: ReferenceWindow.HistogramPoint,
        atMs: TimestampMs, isCounter: Bool, _ range: SourceRange
    ) -> Histogram? {
        let fraction = Double(atMs - a.timeMs) / Double(b.timeMs - a.timeMs)
        var result = b.value
        if isCounter && b.value.detectsReset(since: a.value) {
            result.multiply(by: fraction)
            return result
        }
        do {
            if try result.subtract(a.value).boundsReconciled {
                annotations.boundsReconciled(.subtraction, range)
            }
            result.multiply(by: fraction)
            if try result.add(a.value).boundsReconciled {
                annotations.boundsReconciled(.addition, range)
            }
        } catch {
            return nil
        }
        return result
    }

    private func extendedHistogramRate(
        _ window: ReferenceWindow, _ bounds: (first: Int, last: Int), _ context: RangeContext,
        isCounter: Bool, perSecond: Bool
    ) -> Histogram? {
        let points = window.histograms
        let times = points.map(\.timeMs)
        let used = points[bounds.first...bounds.last].map(\.value)
        let metric = window.metricName
        for histogram in used {
            if histogram.usesCustomBounds != used[0].usesCustomBounds {
                annotations.mixedSchemas(metric: metric, context.range)
                return nil
            }
            if isCounter && histogram.hint == .gauge {
                annotations.notCounter(metric: metric, context.range)
            }
        }
        let isLeftBetween = window.isSmoothed && times[bounds.first] < window.startMs
        let isRightBetween =
            window.isSmoothed && bounds.last > 0 && times[bounds.last] > window.endMs
        let left =
            isLeftBetween
            ? interpolated(
                points[bounds.first], points[bounds.first + 1], atMs: window.startMs,
                isCounter: isCounter, context.range) : points[bounds.first].value
        let right =
            isRightBetween
            ? interpolated(
                points[bounds.last - 1], points[bounds.last], atMs: window.endMs,
                isCounter: isCounter, context.range) : points[bounds.last].value
        guard let left, var result = right else { return nil }
        // Asked of the ends as they are worked out: between a gauge and another there is a gauge.
        if !isCounter, left.hint != .gauge || result.hint != .gauge {
            annotations.notGauge(metric: metric, context.range)
        }
        do {
            if try result.subtract(left).boundsReconciled {
                annotations.boundsReconciled(.subtraction, context.range)
            }
            if isCounter {
                // An interpolated left end has taken its interval's reset into account.
                let start = isLeftBetween ? bounds.first + 1 : bounds.first
                if start < bounds.last {
                    for index in start..<bounds.last
                    where points[index + 1].value.detectsReset(since: points[index].value) {
                        if try result.add(points[index].value).boundsReconciled {
                            annotations.boundsReconciled(.addition, context.range)
                        }
                    }
                }
            }
        } catch {
            annotations.mixedSchemas(metric: metric, context.range)
            return nil
        }
        result.hint = .gauge
        if perSecond { result.divide(by: window.rangeSeconds) }
        return result.compacted()
    }
}
