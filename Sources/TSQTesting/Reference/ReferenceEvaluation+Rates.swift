import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

extension ReferenceEvaluation {
    /// `rate`, `increase`, `delta`: the difference over the window, extrapolated to its ends.
    func rate(
        _ window: ReferenceWindow, _ context: RangeContext, isCounter: Bool, perSecond: Bool
    ) -> ReferenceValue? {
        if window.isAnchored || window.isSmoothed {
            return extendedRate(window, context, isCounter: isCounter, perSecond: perSecond)
        }
        if !window.floats.isEmpty && !window.histograms.isEmpty {
            annotations.mixedTypes(metric: window.metricName, context.range)
            return nil
        }
        let points = window.points
        guard let first = points.first, let last = points.last else { return nil }
        // A start time within the window is a sample of zero.
        let hasStart =
            isCounter && options.useStartTimestamps && first.startTimeMs != 0
            && first.startTimeMs > window.startMs && first.startTimeMs < first.timeMs
        guard points.count > 1 || hasStart else { return nil }
        if isCounter { remarkOnStartTimes(points, window, context) }

        var difference: ReferenceValue
        if window.floats.isEmpty {
            guard
                let histogram = histogramDifference(
                    window, context, isCounter: isCounter, fromZero: hasStart)
            else { return nil }
            difference = .histogram(histogram)
        } else {
            difference = .float(
                floatDifference(window.floats, isCounter: isCounter, fromZero: hasStart))
        }
        let firstMs = hasStart ? first.startTimeMs : first.timeMs
        let sampled = Double(last.timeMs - firstMs) / 1000
        let gap =
            points.count > 1
            ? Double(last.timeMs - first.timeMs) / 1000 / Double(points.count - 1) : 0
        let threshold = gap * 1.1
        var toStart = hasStart ? 0 : Double(firstMs - window.startMs) / 1000
        if toStart >= threshold { toStart = gap / 2 }
        if isCounter && !hasStart {
            let toZero: Double? =
                switch (difference, first.value) {
                case (.float(let rise), .float(let start)) where rise > 0 && start >= 0:
                    sampled * (start / rise)
                case (.histogram(let rise), .histogram(let start))
                where rise.count > 0 && start.count >= 0:
                    sampled * (start.count / rise.count)
                default: nil
                }
            if let toZero, toZero < toStart { toStart = toZero }
        }
        var toEnd = Double(window.endMs - last.timeMs) / 1000
        if toEnd >= threshold { toEnd = gap / 2 }
        var factor = (sampled + toStart + toEnd) / sampled
        if perSecond { factor /= window.rangeSeconds }
        switch difference {
        case .float(let value): difference = .float(value * factor)
        case .histogram(var histogram):
            histogram.multiply(by: factor)
            difference = .histogram(histogram)
        }
        return difference
    }

    private func remarkOnStartTimes(
        _ points: [Point], _ window: ReferenceWindow, _ context: RangeContext
    ) {
        guard options.useStartTimestamps else { return }
        let overlaps = zip(points, points.dropFirst()).contains { previous, point in
            point.startTimeMs != 0 && point.startTimeMs < previous.timeMs
                && point.startTimeMs != previous.startTimeMs
        }
        if overlaps {
            annotations.overlappingStartTime(metric: window.metricName, context.range)
        }
    }

    private func floatDifference(
        _ points: [ReferenceWindow.FloatPoint], isCounter: Bool, fromZero: Bool
    ) -> Double {
        var result = points[points.count - 1].value - (fromZero ? 0 : points[0].value)
        guard isCounter else { return result }
        for (previous, point) in zip(points, points.dropFirst()) {
            let isReset =
                point.value < previous.value
                || startsAnew(
                    previous.startTimeMs, previous.timeMs, point.startTimeMs, point.timeMs)
            if isReset { result += previous.value }
        }
        return result
    }

    private func isReset(
        _ previous: ReferenceWindow.HistogramPoint, _ point: ReferenceWindow.HistogramPoint
    ) -> Bool {
        point.value.detectsReset(since: previous.value)
            || startsAnew(
                previous.startTimeMs, previous.timeMs, point.startTimeMs, point.timeMs)
    }

    /// nil: the histograms cannot be compared (a warning says so).
    private func histogramDifference(
        _ window: ReferenceWindow, _ context: RangeContext, isCounter: Bool, fromZero: Bool
    ) -> Histogram? {
        let points = window.histograms
        let last = points[points.count - 1].value
        let metric = window.metricName
        var first = points[0].value
        let hasGaugeEnd = first.hint == .gauge || last.hint == .gauge
        let hasGauge = points.contains { $0.value.hint == .gauge }
        let isGauge = first.hint == .gauge && last.hint == .gauge
        // Before a reset, or before the start, there was nothing, whatever its layout.
        let isFirstReset = isCounter && points.count > 1 && isReset(points[0], points[1])
        if isFirstReset || fromZero {
            let model = isFirstReset ? points[1].value : first
            first = Histogram()
            first.schema = model.schema
            first.customBounds = model.customBounds
        }
        let relevant = isCounter ? points.dropFirst().map(\.value) : [last]
        let schemas = ([first] + relevant).map(\.schema)
        let isMixed = ([first] + relevant).contains {
            $0.usesCustomBounds != last.usesCustomBounds
        }
        guard !isMixed, let coarsest = schemas.min() else {
            // What fits at both ends and not between is told alone.
            if isCounter && hasGaugeEnd && first.usesCustomBounds != last.usesCustomBounds {
                annotations.notCounter(metric: metric, context.range)
            }
            annotations.mixedSchemas(metric: metric, context.range)
            return nil
        }
        var result = last.usesCustomBounds ? last : last.reduced(toSchema: coarsest)
        do {
            if try result.subtract(first).boundsReconciled {
                annotations.boundsReconciled(.subtraction, context.range)
            }
            if isFirstReset && points[1].value.detectsReset(since: first) {
                // Nothing is added, but bounds may be reconciled with it.
                if try result.add(first).boundsReconciled {
                    annotations.boundsReconciled(.addition, context.range)
                }
            }
            if isCounter {
                for (index, (previous, point)) in zip(points, points.dropFirst()).enumerated()
                where isReset(previous, point) && (index > 0 || fromZero) {
                    if try result.add(previous.value).boundsReconciled {
                        annotations.boundsReconciled(.addition, context.range)
                    }
                }
            }
        } catch {
            annotations.mixedSchemas(metric: metric, context.range)
            return nil
        }
        if isCounter && hasGauge { annotations.notCounter(metric: metric, context.range) }
        if !isCounter && !isGauge { annotations.notGauge(metric: metric, context.range) }
        result.hint = .gauge
        return result.compacted()
    }

    // MARK: irate, idelta

    func instantRate(
        _ window: ReferenceWindow, _ context: RangeContext, isCounter: Bool
    ) -> ReferenceValue? {
        let points = window.points
        guard points.count > 1 else { return nil }
        let (previous, last) = (points[points.count - 2], points[points.count - 1])
        let seconds = Double(last.timeMs - previous.timeMs) / 1000
        if seconds == 0 { return nil }
        let isRestart = startsAnew(
            previous.startTimeMs, previous.timeMs, last.startTimeMs, last.timeMs)
        switch (previous.value, last.value) {
        case (.float(let a), .float(let b)):
            let difference = isCounter && (b < a || isRestart) ? b : b - a
            return .float(isCounter ? difference / seconds : difference)
        case (.histogram(let a), .histogram(let b)):
            let hasGauge = a.hint == .gauge || b.hint == .gauge
            let isGauge = a.hint == .gauge && b.hint == .gauge
            if isCounter && hasGauge {
                annotations.notCounter(metric: window.metricName, context.range)
            } else if !isCounter && !isGauge {
                annotations.notGauge(metric: window.metricName, context.range)
            }
            var result = b
            if !isCounter || !(isRestart || b.detectsReset(since: a)) {
                do {
                    if try result.subtract(a).boundsReconciled {
                        annotations.boundsReconciled(.subtraction, context.range)
                    }
                } catch {
                    annotations.mixedSchemas(metric: window.metricName, context.range)
                    return nil
                }
            }
            result.hint = .gauge
            result.compact()
            if isCounter { result.divide(by: seconds) }
            return .histogram(result)
        default:
            annotations.mixedTypes(metric: window.metricName, context.range)
            return nil
        }
    }
}
