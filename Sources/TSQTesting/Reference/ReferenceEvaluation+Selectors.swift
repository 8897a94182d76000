import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

extension ReferenceEvaluation {
    /// One series at one time.
    struct Selected {
        var labels: LabelSet
        var timeMs: TimestampMs
        var value: ReferenceValue
        /// 0: unknown.
        var startTimeMs: TimestampMs
    }

    // MARK: Times

    func milliseconds(
        _ duration: DurationExpr?, allowsNegative: Bool
    ) throws(QueryError) -> Int64 {
        guard let duration else { return 0 }
        let context = DurationContext(
            stepMs: isRange ? query.stepMs : 0, rangeMs: query.endMs - query.startMs)
        do {
            return try duration.evaluateMs(in: context, allowsNegative: allowsNegative)
        } catch {
            throw .badData(error.message)
        }
    }

    /// The time that a selector looks at when `timeMs` is evaluated.
    func referenceTime(
        _ timeMs: TimestampMs, at modifier: AtModifier?, offset: DurationExpr?
    ) throws(QueryError) -> TimestampMs {
        let offsetMs = try milliseconds(offset, allowsNegative: true)
        switch modifier {
        case nil: return timeMs - offsetMs
        case .timestampMs(let fixedMs)?: return fixedMs - offsetMs
        case .start?: return query.startMs - offsetMs
        case .end?: return query.endMs - offsetMs
        }
    }

    // MARK: Data

    /// All samples of the selected series, in label order.
    private func selection(
        _ selector: VectorSelector
    ) throws(QueryError) -> [(labels: LabelSet, columns: SampleColumns)] {
        try selection(matchers: selector.matchers)
    }

    func selection(
        matchers: [LabelMatcher]
    ) throws(QueryError) -> [(labels: LabelSet, columns: SampleColumns)] {
        let key = matchers.map(\.description).joined(separator: ",")
        if let known = selections[key] { return known }
        let symbols = SymbolTable()
        var result: [(labels: LabelSet, columns: SampleColumns)] = []
        do {
            let request = SelectRequest(matchers: matchers, fromMs: .min, toMs: .max)
            let selected = try source.select(request, symbols: symbols)
            for index in 0..<selected.count {
                var columns = SampleColumns()
                try selected.read(index, fromMs: .min, toMs: .max, into: &columns)
                result.append((selected.labels.labelSet(index, symbols), columns))
            }
        } catch {
            throw .storage(error.message)
        }
        selections[key] = result
        return result
    }

    /// The samples of one series in (fromMs, toMs], stale markers left out.
    private func window(
        _ columns: SampleColumns, labels: LabelSet, fromMs: TimestampMs, toMs: TimestampMs
    ) -> ReferenceWindow {
        var window = ReferenceWindow(labels: labels)
        func isInside(_ timeMs: TimestampMs) -> Bool { timeMs > fromMs && timeMs <= toMs }
        for (index, timeMs) in columns.times.enumerated()
        where isInside(timeMs) && !StaleMarker.isStale(columns.values[index]) {
            window.floats.append(
                ReferenceWindow.FloatPoint(
                    timeMs: timeMs, value: columns.values[index],
                    startTimeMs: columns.startTimes.isEmpty ? 0 : columns.startTimes[index]))
        }
        let histograms = columns.histograms
        for (index, timeMs) in histograms.times.enumerated()
        where isInside(timeMs) && !StaleMarker.isStale(histograms.sums[index]) {
            window.histograms.append(
                ReferenceWindow.HistogramPoint(
                    timeMs: timeMs, value: histograms.histogram(index),
                    startTimeMs: histograms.startTimes.isEmpty ? 0 : histograms.startTimes[index]))
        }
        return window
    }

    // MARK: Instant vectors

    func select(
        _ selector: VectorSelector, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        if selector.isSmoothed { return try selectSmoothed(selector, timeMs) }
        return try selectNewest(selector, timeMs, frame).map {
            ReferenceSample(labels: $0.labels, value: $0.value)
        }
    }

    /// The newest sample of each series in (t − look-back, t]; a stale marker hides the series.
    func selectNewest(
        _ selector: VectorSelector, _ timeMs: TimestampMs, _ frame: ReferenceFrame,
        limits: ClosedRange<TimestampMs> = .min ... .max
    ) throws(QueryError) -> [Selected] {
        let atMs = try referenceTime(timeMs, at: selector.at, offset: selector.offset)
        let firstMs = try referenceTime(frame.startMs, at: selector.at, offset: selector.offset)
        let isStatistics = statistics.contains(selector.range)
        return try selection(selector).compactMap { series in
            newest(
                series.labels, series.columns, atMs: atMs, limits: limits,
                detectingFromMs: isStatistics ? firstMs - options.lookbackMs : nil)
        }
    }

    /// - Parameter detectingFromMs: work out unknown reset hints, reading from this time on.
    private func newest(
        _ labels: LabelSet, _ columns: SampleColumns, atMs: TimestampMs,
        limits: ClosedRange<TimestampMs>, detectingFromMs: TimestampMs?
    ) -> Selected? {
        let fromMs = atMs - options.lookbackMs
        func isSeen(_ timeMs: TimestampMs) -> Bool {
            timeMs <= atMs && timeMs > fromMs && limits.contains(timeMs)
        }
        let float = columns.times.lastIndex(where: isSeen)
        let histogram = columns.histograms.times.lastIndex(where: isSeen)
        let floatMs = float.map { columns.times[$0] } ?? .min
        if let index = histogram, columns.histograms.times[index] > floatMs {
            let stored = columns.histograms
            if StaleMarker.isStale(stored.sums[index]) { return nil }
            let value =
                detectingFromMs.map { statisticsHistogram(stored, index, fromMs: $0) }
                ?? stored.histogram(index)
            return Selected(
                labels: labels, timeMs: stored.times[index], value: .histogram(value),
                startTimeMs: stored.startTimes.isEmpty ? 0 : stored.startTimes[index])
        }
        guard let index = float, !StaleMarker.isStale(columns.values[index]) else { return nil }
        return Selected(
            labels: labels, timeMs: floatMs, value: .float(columns.values[index]),
            startTimeMs: columns.startTimes.isEmpty ? 0 : columns.startTimes[index])
    }

    /// Schema, count and sum alone; an unknown hint is worked out from the histogram that was read
    /// before.
    ///
    /// - Source: Prometheus promql/histogram_stats_iterator.go.
    private func statisticsHistogram(
        _ columns: HistogramColumns, _ index: Int, fromMs: TimestampMs
    ) -> Histogram {
        let full = columns.histogram(index)
        var result = Histogram()
        result.schema = full.schema
        result.count = full.count
        result.sum = full.sum
        result.hint = full.hint
        let previous = columns.times[..<index].indices.last {
            columns.times[$0] > fromMs && !StaleMarker.isStale(columns.sums[$0])
        }
        if full.hint == .unknown, let previous, !full.isStaleMarker {
            result.hint =
                full.detectsReset(since: columns.histogram(previous)) ? .reset : .notReset
        }
        return result
    }

    /// `metric smoothed`: between the neighbours in (t − look-back, t + look-back].
    private func selectSmoothed(
        _ selector: VectorSelector, _ timeMs: TimestampMs
    ) throws(QueryError) -> [ReferenceSample] {
        let atMs = try referenceTime(timeMs, at: selector.at, offset: selector.offset)
        var samples: [ReferenceSample] = []
        for series in try selection(selector) {
            let window = window(
                series.columns, labels: series.labels, fromMs: atMs - options.lookbackMs,
                toMs: atMs + options.lookbackMs)
            if !window.floats.isEmpty && !window.histograms.isEmpty {
                annotations.mixedTypes(metric: window.metricName, selector.range)
                continue
            }
            if let value = smoothed(window, atMs: atMs, selector.range) {
                samples.append(ReferenceSample(labels: series.labels, value: value))
            }
        }
        return samples
    }

    private func smoothed(
        _ window: ReferenceWindow, atMs: TimestampMs, _ range: SourceRange
    ) -> ReferenceValue? {
        if let before = window.floats.last(where: { $0.timeMs <= atMs }) {
            guard before.timeMs < atMs, let after = window.floats.first(where: { $0.timeMs > atMs })
            else { return .float(before.value) }
            return .float(Self.interpolated(before, after, atMs: atMs, isCounter: false))
        }
        guard let before = window.histograms.last(where: { $0.timeMs <= atMs }) else { return nil }
        guard before.timeMs < atMs, let after = window.histograms.first(where: { $0.timeMs > atMs })
        else { return .histogram(before.value) }
        guard before.value.usesCustomBounds == after.value.usesCustomBounds,
            let value = interpolated(
                before, after, atMs: atMs,
                isCounter: before.value.hint != .gauge && after.value.hint != .gauge, range)
        else {
            annotations.mixedSchemas(metric: window.metricName, range)
            return nil
        }
        return .histogram(value)
    }

    // MARK: Range vectors

    func windows(
        _ expression: Expr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceWindow] {
        switch expression {
        case .paren(let node): return try windows(node.inner, timeMs, frame)
        case .matrixSelector(let node): return try matrixWindows(node, timeMs, frame)
        case .subquery(let node): return try subqueryWindows(node, timeMs, frame)
        default: preconditionFailure("BUG: not a range vector expression")
        }
    }

    private func matrixWindows(
        _ node: MatrixSelector, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceWindow] {
        let selector = node.selector
        let lengthMs = try milliseconds(node.length, allowsNegative: false)
        let endMs = try referenceTime(timeMs, at: selector.at, offset: selector.offset)
        let firstMs = try referenceTime(frame.startMs, at: selector.at, offset: selector.offset)
        let startMs = endMs - lengthMs
        let isExtended = selector.isAnchored || selector.isSmoothed
        let isStatistics = statistics.contains(selector.range)
        return try selection(selector).compactMap { series in
            var columns = series.columns
            if isStatistics {
                columns.histograms = HistogramColumns()
                let stored = series.columns.histograms
                for index in stored.times.indices {
                    columns.histograms.append(
                        statisticsHistogram(stored, index, fromMs: firstMs - lengthMs),
                        timeMs: stored.times[index],
                        startTimeMs: stored.startTimes.isEmpty ? 0 : stored.startTimes[index])
                }
            }
            var window = window(
                columns, labels: series.labels,
                fromMs: startMs - (isExtended ? options.lookbackMs : 0),
                toMs: endMs + (selector.isSmoothed ? options.lookbackMs : 0))
            window.startMs = startMs
            window.endMs = endMs
            window.isAnchored = selector.isAnchored
            window.isSmoothed = selector.isSmoothed
            return window.isEmpty ? nil : window
        }
    }

    private func resolutionMs(_ node: SubqueryExpr) throws(QueryError) -> Int64 {
        if node.step == nil { return options.subqueryStepMs }
        return try milliseconds(node.step, allowsNegative: false)
    }

    private static func multiple(of stepMs: Int64, after boundMs: Int64) -> Int64 {
        let isBelow = boundMs % stepMs < 0
        return (boundMs / stepMs + (isBelow ? 0 : 1)) * stepMs
    }

    /// All times at which a subquery's inside is evaluated.
    func innerFrame(
        _ node: SubqueryExpr, _ frame: ReferenceFrame
    ) throws(QueryError) -> ReferenceFrame {
        let lengthMs = try milliseconds(node.length, allowsNegative: false)
        let stepMs = try resolutionMs(node)
        let firstMs = try referenceTime(frame.startMs, at: node.at, offset: node.offset)
        let lastMs = try referenceTime(frame.lastMs, at: node.at, offset: node.offset)
        return ReferenceFrame(
            startMs: Self.multiple(of: stepMs, after: firstMs - lengthMs), endMs: lastMs,
            stepMs: stepMs)
    }

    /// All steps of the inside are evaluated, those in no window, too: for their errors and remarks.
    private func evaluateOnce(
        _ node: SubqueryExpr, _ inner: ReferenceFrame
    ) throws(QueryError) {
        let key = RenamedKey(place: node.range, frame: inner)
        if !evaluatedFrames.insert(key).inserted { return }
        for timeMs in inner.times {
            if node.inner.type == .scalar {
                _ = try scalar(node.inner, timeMs, inner)
            } else {
                _ = try vector(node.inner, timeMs, inner)
            }
        }
    }

    /// The inner expression at absolute multiples of the step in (end − length, end].
    private func subqueryWindows(
        _ node: SubqueryExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceWindow] {
        let lengthMs = try milliseconds(node.length, allowsNegative: false)
        let stepMs = try resolutionMs(node)
        let endMs = try referenceTime(timeMs, at: node.at, offset: node.offset)
        let inner = try innerFrame(node, frame)
        try evaluateOnce(node, inner)
        // Names that go late leave equal series of a single step apart.
        struct Key: Hashable {
            var labels: LabelSet
            var twin: Int
        }
        var windows: [Key: ReferenceWindow] = [:]
        var order: [Key] = []
        for atMs in stride(
            from: Self.multiple(of: stepMs, after: endMs - lengthMs), through: endMs,
            by: Int(stepMs))
        {
            let samples: [ReferenceSample]
            if node.inner.type == .scalar {
                samples = [
                    ReferenceSample(
                        labels: LabelSet(), value: .float(try scalar(node.inner, atMs, inner)))
                ]
            } else {
                samples = try vector(node.inner, atMs, inner)
            }
            var twins: [LabelSet: Int] = [:]
            for sample in samples {
                let key = Key(labels: sample.labels, twin: twins[sample.labels, default: 0])
                twins[sample.labels] = key.twin + 1
                if windows[key] == nil { order.append(key) }
                var window =
                    windows[key]
                    ?? ReferenceWindow(labels: sample.labels, dropsName: sample.dropsName)
                switch sample.value {
                case .float(let value):
                    window.floats.append(.init(timeMs: atMs, value: value))
                case .histogram(var histogram):
                    // What happened between the steps is not known.
                    if histogram.hint != .gauge { histogram.hint = .unknown }
                    window.histograms.append(.init(timeMs: atMs, value: histogram))
                }
                window.startMs = endMs - lengthMs
                window.endMs = endMs
                windows[key] = window
            }
        }
        return order.compactMap { windows[$0] }
    }
}
