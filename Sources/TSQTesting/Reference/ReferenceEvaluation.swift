import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

/// The evaluation of one query.
final class ReferenceEvaluation {
    static let duplicateLabels = "vector cannot contain metrics with the same labelset"

    let options: EngineOptions
    let source: any SeriesSource
    /// The query's own steps: `start()`, `end()`, `step()`, `range()`.
    let query: ReferenceFrame
    let isRange: Bool
    /// Places of selectors whose unknown reset hints are worked out while reading.
    let statistics: Set<SourceRange>
    var annotations = ReferenceAnnotations()
    /// All samples of the series that a list of matchers selects.
    var selections: [String: [(labels: LabelSet, columns: SampleColumns)]] = [:]
    /// Which series became which, per range function and frame: two that become the same are an
    /// error, even at different times.
    var renamed: [RenamedKey: [LabelSet: LabelSet]] = [:]

    /// The subqueries whose inside was evaluated at all its steps.
    var evaluatedFrames: Set<RenamedKey> = []
    /// From when on the histograms of a series are not seen, per expression and frame.
    var stuckKinds: [RenamedKey: [LabelSet: TimestampMs]] = [:]
    /// Whether a series loses its name, per expression and frame, where its values do not agree.
    var settledNames: [RenamedKey: [LabelSet: Bool]] = [:]

    struct RenamedKey: Hashable {
        var place: SourceRange
        var frame: ReferenceFrame
    }

    init(
        options: EngineOptions, source: any SeriesSource, query: ReferenceFrame, isRange: Bool,
        statistics: Set<SourceRange>
    ) {
        self.options = options
        self.source = source
        self.query = query
        self.isRange = isRange
        self.statistics = statistics
    }

    // MARK: The whole query

    func result(_ expression: Expr) throws(QueryError) -> QueryResult.Value {
        if isRange { return .matrix(try rangeResult(expression)) }
        let timeMs = query.startMs
        switch expression.type {
        case .scalar:
            return .scalar(timeMs: timeMs, try scalar(expression, timeMs, query))
        case .string:
            return .string(timeMs: timeMs, try string(expression))
        case .matrix:
            let windows = try extended(try windows(expression, timeMs, query)).map { window in
                PlainSeries(
                    labels: finalLabels(window.labels, window.dropsName),
                    points: window.points.map {
                        PlainSeries.Point(timeMs: $0.timeMs, value: Self.plain($0.value))
                    })
            }
            return .matrix(Self.columns(try merged(windows, tellsTypesApart: true)))
        case .vector, .none:
            return .vector(Self.columns(try instantResult(expression)))
        }
    }

    private func instantResult(_ expression: Expr) throws(QueryError) -> [PlainSeries] {
        var samples: [ReferenceSample] = []
        for var sample in try answer(expression, query.startMs) {
            sample.labels = finalLabels(sample.labels, sample.dropsName)
            samples.append(sample)
        }
        try checkKinds(samples)
        // Of a float and a histogram with the same labels the histogram is the answer.
        let histograms = Set(samples.filter { $0.value.float == nil }.map(\.labels))
        return samples.filter { $0.value.float == nil || !histograms.contains($0.labels) }.map {
            PlainSeries(
                labels: $0.labels,
                points: [PlainSeries.Point(timeMs: query.startMs, value: Self.plain($0.value))])
        }
    }

    private func rangeResult(_ expression: Expr) throws(QueryError) -> ResultSeries {
        var points: [PlainSeries] = []
        for timeMs in query.times {
            if expression.type == .scalar {
                let value = try scalar(expression, timeMs, query)
                points.append(
                    PlainSeries(
                        labels: LabelSet(),
                        points: [PlainSeries.Point(timeMs: timeMs, value: .float(value))]))
                continue
            }
            for sample in try answer(expression, timeMs) {
                points.append(
                    PlainSeries(
                        labels: finalLabels(sample.labels, sample.dropsName),
                        points: [
                            PlainSeries.Point(timeMs: timeMs, value: Self.plain(sample.value))
                        ]))
            }
        }
        return Self.columns(try merged(points, tellsTypesApart: true))
    }

    private func finalLabels(_ labels: LabelSet, _ dropsName: Bool) -> LabelSet {
        dropsName && options.delayedNameRemoval ? labels.withoutIdentity : labels
    }

    private static func plain(_ value: ReferenceValue) -> PlainSeries.Value {
        switch value {
        case .float(let number): .float(number)
        case .histogram(let histogram): .histogram(histogram)
        }
    }

    /// One series for each label set, sorted by labels, points in the order of time.
    ///
    /// - Parameter tellsTypesApart: a float and a histogram may have the same time.
    private func merged(
        _ rows: [PlainSeries], tellsTypesApart: Bool = false
    ) throws(QueryError) -> [PlainSeries] {
        var byLabels: [LabelSet: [PlainSeries.Point]] = [:]
        for row in rows { byLabels[row.labels, default: []] += row.points }
        var result: [PlainSeries] = []
        for (labels, points) in byLabels {
            let kinds =
                tellsTypesApart
                ? [points.filter { $0.value.isFloat }, points.filter { !$0.value.isFloat }]
                : [points]
            if kinds.contains(where: { Set($0.map(\.timeMs)).count < $0.count }) {
                throw .execution(Self.duplicateLabels)
            }
            result.append(
                PlainSeries(labels: labels, points: points.sorted { $0.timeMs < $1.timeMs }))
        }
        return result.sorted { LabelSet.isOrderedBefore($0.labels, $1.labels) }
    }

    private static func columns(_ rows: [PlainSeries]) -> ResultSeries {
        let symbols = SymbolTable()
        var series = ResultSeries(symbols: symbols)
        for row in rows {
            for point in row.points {
                switch point.value {
                case .float(let value):
                    series.times.append(point.timeMs)
                    series.values.append(value)
                case .histogram(let histogram):
                    series.histogramTimes.append(point.timeMs)
                    series.histograms.append(histogram)
                }
            }
            series.closeSeries(
                row.labels.labels.map {
                    LabelPair(name: symbols.intern($0.name), value: symbols.intern($0.value))
                })
        }
        return series
    }

    // MARK: By type

    func scalar(
        _ expression: Expr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> Double {
        if !frame.isInstant && expression.isStepInvariant {
            return try scalar(expression, frame.startMs, frame.first)
        }
        switch expression {
        case .number(let node): return node.value
        case .paren(let node): return try scalar(node.inner, timeMs, frame)
        case .unary(let node):
            let value = try scalar(node.operand, timeMs, frame)
            return node.isNegation ? -value : value
        case .binary(let node):
            let left = try scalar(node.left, timeMs, frame)
            let right = try scalar(node.right, timeMs, frame)
            if node.operation == .trimUpper || node.operation == .trimLower {
                throw .execution(
                    "operator \(GoQuote.quoted(node.operation.rawValue)) not allowed for Scalar "
                        + "operations")
            }
            return Self.scalarOperation(node.operation, left, right)
        case .call(let node): return try scalarCall(node, timeMs, frame)
        default: preconditionFailure("BUG: not a scalar expression")
        }
    }

    func string(_ expression: Expr) throws(QueryError) -> String {
        switch expression {
        case .string(let node): return node.value
        case .paren(let node): return try string(node.inner)
        default: preconditionFailure("BUG: not a string expression")
        }
    }

    func vector(
        _ expression: Expr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        // Prometheus works out once what does not change from step to step.
        if !frame.isInstant && expression.isStepInvariant {
            return try vector(expression, frame.startMs, frame.first)
        }
        switch expression {
        case .paren(let node): return try vector(node.inner, timeMs, frame)
        case .unary(let node):
            let samples = try vector(node.operand, timeMs, frame)
            if !node.isNegation { return samples }
            if options.delayedNameRemoval { return negated(samples) }
            return try ofOneKind(negated(samples), node.range, timeMs, frame) {
                (atMs) throws(QueryError) in
                self.negated(try self.vector(node.operand, atMs, frame))
            }
        case .binary(let node): return try binary(node, timeMs, frame)
        case .aggregate(let node): return try aggregate(node, timeMs, frame)
        case .call(let node): return try call(node, timeMs, frame)
        case .vectorSelector(let node): return try select(node, timeMs, frame)
        default: preconditionFailure("BUG: not an instant vector expression")
        }
    }

    private func negated(_ samples: [ReferenceSample]) -> [ReferenceSample] {
        samples.map { sample in
            var value = sample.value
            switch value {
            case .float(let number): value = .float(-number)
            case .histogram(var histogram):
                histogram.multiply(by: -1)
                value = .histogram(histogram)
            }
            return nameless(sample, value)
        }
    }

    /// The elements of the whole expression. Behind a sign and functions of labels a float and a
    /// histogram may have the same labels.
    private func answer(
        _ expression: Expr, _ timeMs: TimestampMs
    ) throws(QueryError) -> [ReferenceSample] {
        if query.isInstant || !expression.isStepInvariant {
            switch expression.unwrapped {
            case .unary(let node) where node.isNegation:
                return negated(try vector(node.operand, timeMs, query))
            case .call(let node) where ["label_replace", "label_join"].contains(node.function.name):
                let samples = try relabelled(node, timeMs, query)
                try checkKinds(samples)
                return samples
            default: break
            }
        }
        return try vector(expression, timeMs, query)
    }

    // MARK: Names and duplicates

    /// `sample` with another value and without its name, now or at the end.
    func nameless(_ sample: ReferenceSample, _ value: ReferenceValue) -> ReferenceSample {
        ReferenceSample(
            labels: options.delayedNameRemoval ? sample.labels : sample.labels.withoutIdentity,
            value: value, dropsName: true)
    }

    /// `samples` with the flags that their series have at all steps: those of the first step of the
    /// frame at which the series is there, or of the last.
    func withSettledNames(
        _ samples: [ReferenceSample], _ place: SourceRange, _ frame: ReferenceFrame,
        isFirstDecisive: Bool,
        at values: (TimestampMs) throws(QueryError) -> [ReferenceSample]
    ) throws(QueryError) -> [ReferenceSample] {
        if !options.delayedNameRemoval || frame.isInstant { return samples }
        let key = RenamedKey(place: place, frame: frame)
        if settledNames[key] == nil {
            var flags: [LabelSet: Bool] = [:]
            for timeMs in frame.times {
                for sample in try values(timeMs)
                where !isFirstDecisive || flags[sample.labels] == nil {
                    flags[sample.labels] = sample.dropsName
                }
            }
            settledNames[key] = flags
        }
        return samples.map { sample in
            var result = sample
            result.dropsName = settledNames[key]?[sample.labels] ?? sample.dropsName
            return result
        }
    }

    /// Two floats, or two histograms, with the same labels are an error.
    private func checkKinds(_ samples: [ReferenceSample]) throws(QueryError) {
        try checkUnique(samples.filter { $0.value.float != nil })
        try checkUnique(samples.filter { $0.value.float == nil })
    }

    /// What an operation sees of series that may have a float and a histogram at one step: the float,
    /// and from the next step on no histogram: the one that was not taken is in the way.
    ///
    /// - Parameter values: all elements at a step.
    func ofOneKind(
        _ samples: [ReferenceSample], _ place: SourceRange, _ timeMs: TimestampMs,
        _ frame: ReferenceFrame, at values: (TimestampMs) throws(QueryError) -> [ReferenceSample]
    ) throws(QueryError) -> [ReferenceSample] {
        try checkKinds(samples)
        if samples.allSatisfy({ $0.value.float != nil }) { return samples }
        let key = RenamedKey(place: place, frame: frame)
        if stuckKinds[key] == nil {
            var first: [LabelSet: TimestampMs] = [:]
            for atMs in frame.times {
                let all = try values(atMs)
                let floats = Set(all.filter { $0.value.float != nil }.map(\.labels))
                for sample in all where sample.value.float == nil && floats.contains(sample.labels)
                {
                    if first[sample.labels] == nil { first[sample.labels] = atMs }
                }
            }
            stuckKinds[key] = first
        }
        return samples.filter {
            $0.value.float != nil || timeMs < stuckKinds[key]?[$0.labels] ?? .max
        }
    }

    func checkUnique(_ samples: [ReferenceSample]) throws(QueryError) {
        if Set(samples.map(\.labels)).count < samples.count {
            throw .execution(Self.duplicateLabels)
        }
    }

    /// What Prometheus checks after an operation: with delayed name removal an instant query waits
    /// for the end.
    func checked(
        _ samples: [ReferenceSample], _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        if !options.delayedNameRemoval || !frame.isInstant { try checkUnique(samples) }
        return samples
    }
}

extension Expr {
    /// Without the parentheses around it.
    var unwrapped: Expr {
        if case .paren(let node) = self { node.inner.unwrapped } else { self }
    }
}
