import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

extension ReferenceEvaluation {
    func aggregate(
        _ node: AggregateExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        if node.operation == .countValues { return try countValues(node, timeMs, frame) }
        let result = try aggregated(node, timeMs, frame)
        switch node.operation {
        case .topk, .bottomk, .limitk, .limitRatio: return result
        default: break
        }
        return try withSettledNames(result, node.range, frame, isFirstDecisive: false) {
            (otherMs) throws(QueryError) in try self.aggregated(node, otherMs, frame)
        }
    }

    private func aggregated(
        _ node: AggregateExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        let parameter = try parameter(node, timeMs, frame)
        let samples = try vector(node.operand, timeMs, frame)
        guard let parameter else { return [] }
        let groups = grouped(samples) { self.groupLabels($0, node) }
        switch node.operation {
        case .topk, .bottomk, .limitk, .limitRatio:
            let chosen = groups.flatMap { selected(node, parameter, $0.samples, samples.count) }
            // The order of choice is that of an instant query's answer, and of nothing else.
            if frame.isInstant { return chosen }
            let labels = Set(chosen.map(\.labels))
            return samples.filter { labels.contains($0.labels) }
        default:
            return groups.compactMap { group in
                guard let value = aggregated(node, parameter, group.samples) else { return nil }
                return ReferenceSample(
                    labels: group.labels, value: value,
                    dropsName: group.samples.contains { $0.dropsName })
            }
        }
    }

    /// The parameter at `timeMs`, 0 where there is none; nil: the answer is empty for this parameter.
    private func parameter(
        _ node: AggregateExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> Double? {
        guard let expression = node.parameter else { return 0 }
        let place = expression.unwrapped.range
        var all: [Double] = []
        if case .number(let literal) = expression.unwrapped {
            all = [literal.value]
        } else {
            for otherMs in frame.times { all.append(try scalar(expression, otherMs, frame)) }
        }
        let value = try scalar(expression, timeMs, frame)
        let hasNaN = all.contains { $0.isNaN }
        let largest = all.reduce(-.greatestFiniteMagnitude) { Self.goMax($0, $1) }
        let smallest = all.reduce(.greatestFiniteMagnitude) { Self.goMin($0, $1) }
        switch node.operation {
        case .topk, .bottomk, .limitk:
            if !hasNaN && largest < 1 { return nil }
            if hasNaN { throw .execution("Parameter value is NaN") }
            if smallest <= -0x1p63 {
                throw .execution(
                    "Scalar value \(ReferenceAnnotations.number(smallest)) underflows int64")
            }
            // The largest double that Prometheus lets pass as an int64.
            if largest >= 9_223_372_036_854_774_784 {
                throw .execution(
                    "Scalar value \(ReferenceAnnotations.number(largest)) overflows int64")
            }
            return value < 1 ? nil : value
        case .limitRatio:
            if largest == 0 && smallest == 0 { return nil }
            if hasNaN { throw .execution("Ratio value is NaN") }
            if largest > 1 { annotations.invalidRatio(largest, cappedTo: 1, place) }
            if smallest < -1 { annotations.invalidRatio(smallest, cappedTo: -1, place) }
            return value == 0 ? nil : min(1, max(-1, value))
        case .quantile:
            if hasNaN { annotations.invalidQuantile(.nan, place) }
            if largest > 1 { annotations.invalidQuantile(largest, place) }
            if smallest < 0 { annotations.invalidQuantile(smallest, place) }
            return value
        default: return value
        }
    }

    private func groupLabels(_ labels: LabelSet, _ node: AggregateExpr) -> LabelSet {
        labels.keeping {
            node.isWithout
                ? $0 != LabelName.metricName && !node.grouping.contains($0)
                : node.grouping.contains($0)
        }
    }

    /// Groups in the order in which they appear.
    private func grouped(
        _ samples: [ReferenceSample], by key: (LabelSet) -> LabelSet
    ) -> [(labels: LabelSet, samples: [ReferenceSample])] {
        var order: [LabelSet] = []
        var members: [LabelSet: [ReferenceSample]] = [:]
        for sample in samples {
            let labels = key(sample.labels)
            if members[labels] == nil { order.append(labels) }
            members[labels, default: []].append(sample)
        }
        return order.map { ($0, members[$0] ?? []) }
    }

    // MARK: One value a group

    private func aggregated(
        _ node: AggregateExpr, _ parameter: Double, _ samples: [ReferenceSample]
    ) -> ReferenceValue? {
        let range = node.operand.unwrapped.range
        switch node.operation {
        case .count: return .float(Double(samples.count))
        case .group: return .float(1)
        case .sum, .avg: return sumOrAverage(node, samples)
        default: break
        }
        let floats = samples.compactMap(\.value.float)
        if floats.count < samples.count {
            annotations.histogramIgnored(in: node.operation.rawValue, range)
        }
        guard let first = floats.first else { return nil }
        switch node.operation {
        case .min:
            return .float(floats.dropFirst().reduce(first) { $0 > $1 || $0.isNaN ? $1 : $0 })
        case .max:
            return .float(floats.dropFirst().reduce(first) { $0 < $1 || $0.isNaN ? $1 : $0 })
        case .stddev: return .float(Self.variance(floats).squareRoot())
        case .stdvar: return .float(Self.variance(floats))
        case .quantile: return .float(Self.quantile(parameter, floats))
        default: preconditionFailure("BUG: not an aggregation to one value")
        }
    }

    /// Welford's method, as the aggregation does it (without compensation).
    static func variance(_ values: [Double]) -> Double {
        var mean = values[0]
        var sum = mean.isFinite ? 0 : Double.nan
        for (index, value) in values.enumerated().dropFirst() {
            let delta = value - mean
            mean += delta / Double(index + 1)
            sum += delta * (value - mean)
        }
        return sum / Double(values.count)
    }

    /// Linear between ranks; NaN is the lowest value.
    static func quantile(_ phi: Double, _ values: [Double]) -> Double {
        if values.isEmpty || phi.isNaN { return .nan }
        if phi < 0 { return -.infinity }
        if phi > 1 { return .infinity }
        let sorted = values.sorted { $0 < $1 || $0.isNaN && !$1.isNaN }
        let rank = phi * Double(values.count - 1)
        let lower = max(0, GoNumber.int(rank.rounded(.down)))
        let upper = min(values.count - 1, lower + 1)
        let weight = rank - rank.rounded(.down)
        return sorted[lower] * (1 - weight) + sorted[upper] * weight
    }

    private func sumOrAverage(
        _ node: AggregateExpr, _ samples: [ReferenceSample]
    ) -> ReferenceValue? {
        let range = node.operand.unwrapped.range
        var floats = samples.compactMap(\.value.float)
        let histograms = samples.compactMap { sample in
            sample.value.histogram.map { (sample.labels.metricName ?? "", $0) }
        }
        if histograms.isEmpty {
            return .float(
                node.operation == .sum
                    ? Self.sum(floats, startingWithFirst: true)
                    : Self.average(floats))
        }
        var result: Histogram?
        // Histograms are added up unless a float came first; nothing after a failure is looked at.
        if samples[0].value.float == nil {
            switch combine(histograms.map(\.1), isAverage: node.operation == .avg, range) {
            case .success(let histogram): result = histogram
            case .failure(let failure):
                annotations.mixedSchemas(metric: histograms[failure.index].0, range)
                let seen = samples.prefix { sample in
                    sample.value.histogram == nil
                        || sample.labels != failedLabels(samples, failure.index)
                }
                floats = seen.compactMap(\.value.float)
            }
        }
        if !floats.isEmpty {
            annotations.mixedTypesInAggregation(range)
            return nil
        }
        if result != nil { remarkOnResets(histograms.map(\.1), range) }
        return result.map { .histogram($0) }
    }

    /// The labels of histogram number `index`.
    private func failedLabels(_ samples: [ReferenceSample], _ index: Int) -> LabelSet {
        samples.filter { $0.value.histogram != nil }[index].labels
    }

    func remarkOnResets(_ histograms: some Sequence<Histogram>, _ range: SourceRange) {
        let hints = Set(histograms.map(\.hint))
        if hints.contains(.reset) && hints.contains(.notReset) {
            annotations.resetCollision(.aggregation, range)
        }
    }

    static func sum(_ values: [Double], startingWithFirst: Bool) -> Double {
        var sum = startingWithFirst ? ReferenceSum(values[0]) : ReferenceSum()
        for value in values.dropFirst(startingWithFirst ? 1 : 0) { sum.add(value) }
        return !startingWithFirst && sum.sum.isInfinite ? sum.sum : sum.total
    }

    /// The mean of the sum, or the incremental mean from where the sum would overflow.
    static func average(_ values: [Double]) -> Double {
        var sum = ReferenceSum(values[0])
        var mean: ReferenceSum?
        for (index, value) in values.enumerated().dropFirst() {
            let count = Double(index + 1)
            if mean == nil {
                var next = sum
                next.add(value)
                if !next.sum.isInfinite {
                    sum = next
                    continue
                }
                mean = ReferenceSum(sum.sum / (count - 1), sum.compensation / (count - 1))
            }
            let share = (count - 1) / count
            var next = ReferenceSum(
                share * (mean?.sum ?? 0), share * (mean?.compensation ?? 0))
            next.add(value / count)
            mean = next
        }
        if let mean { return mean.total }
        let count = Double(values.count)
        return sum.sum / count + sum.compensation / count
    }

    struct IncompatibleSchemas: Error {
        /// Of the histogram that did not fit.
        var index: Int
    }

    /// Sum or average of histograms, with the remarks on the way.
    func combine(
        _ histograms: [Histogram], isAverage: Bool, _ range: SourceRange
    ) -> Result<Histogram, IncompatibleSchemas> {
        var sum = HistogramSum(histograms[0])
        var mean: HistogramSum?
        for (index, histogram) in histograms.enumerated().dropFirst() {
            let count = Double(index + 1)
            do {
                var next = sum
                if mean == nil {
                    if try next.add(histogram).boundsReconciled {
                        annotations.boundsReconciled(.aggregation, range)
                    }
                    if !isAverage || !next.hasOverflow {
                        sum = next
                        continue
                    }
                    mean = sum
                    mean?.divide(by: count - 1)
                }
                mean?.multiply(by: (count - 1) / count)
                var share = histogram
                share.divide(by: count)
                if try mean?.add(share).boundsReconciled ?? false {
                    annotations.boundsReconciled(.aggregation, range)
                }
            } catch {
                return .failure(IncompatibleSchemas(index: index))
            }
        }
        if let mean { return .success(mean.total.compacted()) }
        if isAverage { sum.divide(by: Double(histograms.count)) }
        return .success(sum.total.compacted())
    }

    // MARK: Some of the elements

    private func selected(
        _ node: AggregateExpr, _ parameter: Double, _ samples: [ReferenceSample], _ total: Int
    ) -> [ReferenceSample] {
        switch node.operation {
        case .limitk: return Array(samples.prefix(GoNumber.int(min(parameter, Double(total)))))
        case .limitRatio:
            return samples.filter { Self.isInRatio($0.labels, parameter) }
        default: break
        }
        let floats = samples.filter { $0.value.float != nil }
        if floats.count < samples.count {
            annotations.histogramIgnored(in: node.operation.rawValue, node.range)
        }
        let count = GoNumber.int(min(parameter, Double(total)))
        return ReferenceHeap.best(floats, count: count, isLargest: node.operation == .topk)
    }

    /// Where a series lies between 0 and 1 decides whether a ratio keeps it.
    private static func isInRatio(_ labels: LabelSet, _ ratio: Double) -> Bool {
        var bytes: [UInt8] = []
        for text in labels.labels.flatMap({ [$0.name, $0.value] }) {
            let count = text.utf8.count
            if count < 255 {
                bytes.append(UInt8(count))
            } else {
                bytes += [
                    255, UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8),
                    UInt8(truncatingIfNeeded: count >> 16),
                ]
            }
            bytes += text.utf8
        }
        let position = Double(XXHash64.hash(bytes)) / 0x1p64
        return ratio >= 0 ? position < ratio : position >= 1 + ratio
    }

    private func countValues(
        _ node: AggregateExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        guard let parameter = node.parameter else { preconditionFailure("BUG: no parameter") }
        let name = try string(parameter)
        if name.isEmpty || name.unicodeScalars.contains("\u{FFFD}") {
            throw .execution("invalid label name \(parameter.quotedString)")
        }
        var samples = try vector(node.operand, timeMs, frame)
        for index in samples.indices {
            switch samples[index].value {
            case .float(let value):
                samples[index].labels[name] = DecimalPrint.string(value, .fixed)
            case .histogram(let histogram): samples[index].labels[name] = histogram.description
            }
        }
        var wider = node
        if !node.isWithout { wider.grouping.append(name) }
        return grouped(samples) { self.groupLabels($0, wider) }.map {
            ReferenceSample(labels: $0.labels, value: .float(Double($0.samples.count)))
        }
    }
}
