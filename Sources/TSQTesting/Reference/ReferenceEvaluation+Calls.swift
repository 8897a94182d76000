import Glibc
import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

extension ReferenceEvaluation {
    func scalarCall(
        _ node: CallExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> Double {
        switch node.function.name {
        case "time": return Double(timeMs) / 1000
        case "pi": return .pi
        case "start": return Double(query.startMs) / 1000
        case "end": return Double(query.endMs) / 1000
        case "step": return isRange ? Double(query.stepMs) / 1000 : 0
        case "range": return Double(query.endMs - query.startMs) / 1000
        case "max_of":
            return Self.goMax(
                try scalar(node.arguments[0], timeMs, frame),
                try scalar(node.arguments[1], timeMs, frame))
        case "min_of":
            return Self.goMin(
                try scalar(node.arguments[0], timeMs, frame),
                try scalar(node.arguments[1], timeMs, frame))
        case "scalar":
            let floats = try vector(node.arguments[0], timeMs, frame).compactMap(\.value.float)
            return floats.count == 1 ? floats[0] : .nan
        default: preconditionFailure("BUG: unknown scalar function \(node.function.name)")
        }
    }

    /// Go's `math.Max`: NaN wins, then +0 over −0.
    static func goMax(_ a: Double, _ b: Double) -> Double {
        if a == .infinity || b == .infinity { return .infinity }
        if a.isNaN || b.isNaN { return .nan }
        if a == 0 && b == 0 { return a.sign == .minus ? b : a }
        return a > b ? a : b
    }

    /// Go's `math.Log2`: exact for powers of two, the rest by way of the natural logarithm.
    static func goLog2(_ value: Double) -> Double {
        if !(value > 0) || value.isInfinite { return log2(value) }
        var exponent: Int32 = 0
        let fraction = frexp(value, &exponent)
        if fraction == 0.5 { return Double(exponent - 1) }
        return log(fraction) * (1 / M_LN2) + Double(exponent)
    }

    static func goMin(_ a: Double, _ b: Double) -> Double {
        if a == -.infinity || b == -.infinity { return -.infinity }
        if a.isNaN || b.isNaN { return .nan }
        if a == 0 && b == 0 { return a.sign == .minus ? a : b }
        return a < b ? a : b
    }

    func call(
        _ node: CallExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        let name = node.function.name
        if let index = node.arguments.firstIndex(where: { $0.type == .matrix }) {
            return try rangeCall(node, matrixIndex: index, timeMs, frame)
        }
        let arguments = node.arguments
        let result: [ReferenceSample]
        switch name {
        case "vector":
            let value = try scalar(arguments[0], timeMs, frame)
            result = [ReferenceSample(labels: LabelSet(), value: .float(value))]
        case "absent":
            result =
                try vector(arguments[0], timeMs, frame).isEmpty
                ? [ReferenceSample(labels: Self.absentLabels(arguments[0]), value: .float(1))] : []
        case "timestamp", "start_timestamp":
            result = try timestamps(
                arguments[0], isStart: name == "start_timestamp", timeMs, frame)
        case "sort", "sort_desc", "sort_by_label", "sort_by_label_desc":
            result = try sorted(node, timeMs, frame)
        case "label_replace", "label_join":
            let relabelled = try relabelled(node, timeMs, frame)
            result = try ofOneKind(relabelled, node.range, timeMs, frame) {
                (atMs) throws(QueryError) in
                try self.relabelled(node, atMs, frame)
            }
        case "info": result = try info(node, timeMs, frame)
        case "histogram_quantile", "histogram_quantiles", "histogram_fraction":
            result = try histogramCall(node, timeMs, frame)
        default:
            if let date = Self.dateFunctions[name] {
                result = try dates(arguments, date, timeMs, frame)
            } else {
                result = try elements(node, timeMs, frame)
            }
        }
        return try checked(result, frame)
    }

    // MARK: Element by element

    private func elements(
        _ node: CallExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        let samples = try vector(node.arguments[0], timeMs, frame)
        var scalars: [Double] = []
        for argument in node.arguments.dropFirst() {
            scalars.append(try scalar(argument, timeMs, frame))
        }
        let name = node.function.name
        if let function = Self.histogramFunctions[name] {
            return samples.compactMap { sample in
                sample.value.histogram.map { histogram in
                    var result = nameless(sample, .float(function(histogram)))
                    // Type and unit stay where names go at once.
                    if !options.delayedNameRemoval {
                        result.labels = sample.labels.keeping { $0 != LabelName.metricName }
                    }
                    return result
                }
            }
        }
        let bounds: (low: Double, high: Double)? =
            switch name {
            case "clamp": (scalars[0], scalars[1])
            case "clamp_min": (scalars[0], .infinity)
            case "clamp_max": (-.infinity, scalars[0])
            default: nil
            }
        if let bounds, bounds.high < bounds.low { return [] }
        return samples.compactMap { sample in
            guard let value = sample.value.float else { return nil }
            let result: Double
            if let bounds {
                result = Self.goMax(bounds.low, Self.goMin(bounds.high, value))
            } else if name == "round" {
                let inverse = 1 / (scalars.first ?? 1)
                result = (value * inverse + 0.5).rounded(.down) / inverse
            } else if let function = Self.mathFunctions[name] {
                result = function(value)
            } else {
                preconditionFailure("BUG: unknown function \(name)")
            }
            return nameless(sample, .float(result))
        }
    }

    static let mathFunctions: [String: @Sendable (Double) -> Double] = [
        "abs": { $0.magnitude }, "ceil": { $0.rounded(.up) }, "floor": { $0.rounded(.down) },
        "exp": { exp($0) }, "sqrt": { $0.squareRoot() }, "ln": { log($0) },
        "log2": { goLog2($0) }, "log10": { goLog2($0) * (M_LN2 / M_LN10) }, "sin": { sin($0) },
        "cos": { cos($0) },
        "tan": { tan($0) }, "asin": { asin($0) }, "acos": { acos($0) }, "atan": { atan($0) },
        "sinh": { sinh($0) }, "cosh": { cosh($0) }, "tanh": { tanh($0) }, "asinh": { asinh($0) },
        "acosh": { acosh($0) }, "atanh": { atanh($0) }, "rad": { $0 * .pi / 180 },
        "deg": { $0 * 180 / .pi }, "sgn": { $0 < 0 ? -1 : $0 > 0 ? 1 : $0 },
    ]

    private func timestamps(
        _ argument: Expr, isStart: Bool, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        if case .vectorSelector(let selector) = argument.unwrapped {
            return try selectNewest(selector, timeMs, frame).map { selected in
                let ms = isStart ? selected.startTimeMs : selected.timeMs
                return nameless(
                    ReferenceSample(labels: selected.labels, value: selected.value),
                    .float(Double(ms) / 1000))
            }
        }
        let samples = try vector(argument, timeMs, frame)
        if isStart { return [] }
        return samples.map { nameless($0, .float(Double(timeMs) / 1000)) }
    }

    /// The labels that `=` matchers which occur once promise.
    static func absentLabels(_ expression: Expr) -> LabelSet {
        let matchers: [LabelMatcher]
        switch expression.unwrapped {
        case .vectorSelector(let node): matchers = node.matchers
        case .matrixSelector(let node): matchers = node.selector.matchers
        default: return LabelSet()
        }
        var labels = LabelSet()
        var seen: Set<String> = []
        for matcher in matchers where matcher.name != LabelName.metricName {
            let isFirstEqual = matcher.operation == .equal && !seen.contains(matcher.name)
            labels[matcher.name] = isFirstEqual ? matcher.value : nil
            if isFirstEqual { seen.insert(matcher.name) }
        }
        return labels
    }

    // MARK: Order

    private func sorted(
        _ node: CallExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        let samples = try vector(node.arguments[0], timeMs, frame)
        if !frame.isInstant {
            annotations.warn(
                "sort is ineffective for range queries since results are always ordered by labels",
                node.range)
        }
        let isDescending = node.function.name.hasSuffix("_desc")
        if node.function.name.hasPrefix("sort_by_label") {
            var names: [String] = []
            for argument in node.arguments.dropFirst() { names.append(try string(argument)) }
            // A label that is missing is before none and behind none: the order is then that of the
            // algorithm.
            var result = samples
            GoSort.sort(&result) {
                Self.isBefore($0.labels, $1.labels, names, isDescending: isDescending)
            }
            return result
        }
        var result: [(value: Double, sample: ReferenceSample)] = []
        for sample in samples {
            if let value = sample.value.float { result.append((value, sample)) }
        }
        // NaN goes to the end either way.
        GoSort.sort(&result) { a, b in
            b.value.isNaN || (isDescending ? a.value > b.value : a.value < b.value)
        }
        return result.map(\.sample)
    }

    private static func isBefore(
        _ a: LabelSet, _ b: LabelSet, _ names: [String], isDescending: Bool
    ) -> Bool {
        for name in names {
            let (x, y) = (a[name] ?? "", b[name] ?? "")
            if x != y { return isNaturallyLess(x, y) != isDescending }
        }
        return isDescending ? LabelSet.isOrderedBefore(b, a) : LabelSet.isOrderedBefore(a, b)
    }

    /// Runs of digits compare as numbers.
    static func isNaturallyLess(_ a: String, _ b: String) -> Bool {
        let (x, y) = (chunks(a), chunks(b))
        for (index, chunk) in x.enumerated() {
            guard index < y.count else { return false }
            let other = y[index]
            if let m = Int(chunk), let n = Int(other), m != n { return m < n }
            if Int(chunk) == nil || Int(other) == nil, chunk != other {
                return isBytewiseLess(chunk, other)
            }
            if index == x.count - 1 { return true }
        }
        return false
    }

    private static func chunks(_ text: String) -> [String] {
        func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
        var result: [[UInt8]] = []
        for byte in text.utf8 {
            if let last = result.last?.last, isDigit(last) == isDigit(byte) {
                result[result.count - 1].append(byte)
            } else {
                result.append([byte])
            }
        }
        return result.map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Labels

    /// `label_replace`, `label_join`: a float and a histogram may have the same labels.
    func relabelled(
        _ node: CallExpr, _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        node.function.name == "label_join"
            ? try labelJoin(node.arguments, timeMs, frame)
            : try labelReplace(node.arguments, timeMs, frame)
    }

    private func labelReplace(
        _ arguments: [Expr], _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        let target = try string(arguments[1])
        let template = try string(arguments[2])
        let sourceName = try string(arguments[3])
        let pattern = try string(arguments[4])
        let regex: GoRegex
        do {
            regex = try GoRegex(pattern)
        } catch {
            throw .execution("invalid regular expression in label_replace(): \(pattern)")
        }
        // A text that was no UTF-8 has replacement characters.
        if target.isEmpty || target.unicodeScalars.contains("\u{FFFD}") {
            throw .execution("invalid destination label name in label_replace(): \(target)")
        }
        return try vector(arguments[0], timeMs, frame).map { sample in
            let text = sample.labels[sourceName] ?? ""
            guard let value = regex.expand(template: template, matching: text) else {
                return sample
            }
            return relabelled(sample, target, value)
        }
    }

    private func labelJoin(
        _ arguments: [Expr], _ timeMs: TimestampMs, _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        let target = try string(arguments[1])
        let separator = try string(arguments[2])
        var names: [String] = []
        for argument in arguments.dropFirst(3) { names.append(try string(argument)) }
        if names.contains("") {
            throw .execution("invalid source label name in label_join(): ")
        }
        if target.isEmpty {
            throw .execution("invalid destination label name in label_join(): \(target)")
        }
        return try vector(arguments[0], timeMs, frame).map { sample in
            let values = names.map { sample.labels[$0] ?? "" }
            return relabelled(sample, target, values.joined(separator: separator))
        }
    }

    private func relabelled(
        _ sample: ReferenceSample, _ name: String, _ value: String
    ) -> ReferenceSample {
        var result = sample
        result.labels[name] = value
        if name == LabelName.metricName { result.dropsName = false }
        return result
    }

    // MARK: Dates

    private func dates(
        _ arguments: [Expr], _ function: (ReferenceDate) -> Int64, _ timeMs: TimestampMs,
        _ frame: ReferenceFrame
    ) throws(QueryError) -> [ReferenceSample] {
        guard let argument = arguments.first else {
            let date = ReferenceDate(seconds: timeMs / 1000)
            return [ReferenceSample(labels: LabelSet(), value: .float(Double(function(date))))]
        }
        return try vector(argument, timeMs, frame).compactMap { sample in
            guard let value = sample.value.float else { return nil }
            let date = ReferenceDate(seconds: GoNumber.int64(value))
            return nameless(sample, .float(Double(function(date))))
        }
    }

    static let dateFunctions: [String: @Sendable (ReferenceDate) -> Int64] = [
        "minute": { $0.minute }, "hour": { $0.hour }, "day_of_week": { $0.dayOfWeek },
        "day_of_month": { $0.day }, "day_of_year": { $0.dayOfYear },
        "days_in_month": { $0.daysInMonth }, "month": { $0.month }, "year": { $0.year },
    ]
}
