import TSQBase

/// Type-correct PromQL texts over the series of `RandomSeries`: every function, operator, modifier
/// and aggregation, of bounded size; the same for a seed.
package struct RandomExpression {
    /// Nesting beyond this ends in a selector or a number.
    package static let depthMax = 4

    private var random: SplitMix64

    package init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// An expression of a range query: an instant vector, now and then a scalar.
    package mutating func next() -> String {
        chance(15) ? scalar(0) : vector(0)
    }

    // MARK: Chance

    private mutating func chance(_ oneIn: Int) -> Bool {
        Int.random(in: 0..<oneIn, using: &random) == 0
    }

    private mutating func pick(_ choices: [String]) -> String {
        choices[Int.random(in: 0..<choices.count, using: &random)]
    }

    private mutating func labels(_ countMax: Int) -> String {
        let count = Int.random(in: 0...countMax, using: &random)
        var names = ["job", "instance", "le", "version", "none"]
        names.shuffle(using: &random)
        return names.prefix(count).joined(separator: ", ")
    }

    // MARK: Selectors

    private static let floats = [
        "requests_total", "errors_total", "memory", "odd", "latency_bucket", "target_info",
    ]
    private static let histograms = ["delay", "size", "depth", "mixed"]

    private mutating func metric() -> String {
        chance(3) ? pick(Self.histograms) : pick(Self.floats)
    }

    private mutating func matchers() -> String {
        let all = [
            "job=\"api\"", "job!=\"api\"", "instance=~\"0|1\"", "instance!~\"2\"", "job=~\".+\"",
            "none=\"\"", "instance=\"1\"", "le=~\"1|10|[+]Inf|\"",
        ]
        if chance(2) { return "" }
        return "{" + pick(all) + (chance(3) ? ", " + pick(all) : "") + "}"
    }

    private mutating func series() -> String {
        if chance(25) { return "{__name__=~\"\(metric())|\(metric())\", job=\"api\"}" }
        return metric() + matchers()
    }

    private mutating func modifiers() -> String {
        var text = ""
        if chance(6) { text += " offset " + pick(["30s", "1m", "-45s", "3m"]) }
        if chance(8) { text += " @ " + pick(["600", "1200.5", "start()", "end()", "0"]) }
        return text
    }

    private mutating func selector() -> String {
        series() + (chance(25) ? " smoothed" : "") + modifiers()
    }

    private mutating func range() -> String {
        pick(["30s", "1m", "2m", "5m", "90s", "10m", "1m30s", "step() + 1m"])
    }

    /// - Parameter extensions: `anchored`/`smoothed` where the function takes them.
    private mutating func matrix(_ depth: Int, extensions: [String] = []) -> String {
        if depth < Self.depthMax && chance(5) {
            let inner = chance(6) ? scalar(depth + 1) : vector(depth + 1)
            let step = pick(["", "30s", "1m", "47s"])
            return "(\(inner))[\(pick(["1m", "3m", "5m"])):\(step)]" + modifiers()
        }
        let suffix = !extensions.isEmpty && chance(6) ? " " + pick(extensions) : ""
        return "\(series())[\(range())]\(suffix)" + modifiers()
    }

    // MARK: Scalars

    private mutating func scalar(_ depth: Int) -> String {
        if depth >= Self.depthMax || chance(2) { return number() }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return "scalar(\(vector(depth + 1)))"
        case 1: return pick(["time()", "pi()", "start()", "end()", "step()", "range()"])
        case 2: return "-(\(scalar(depth + 1)))"
        case 3: return "\(pick(["max_of", "min_of"]))(\(scalar(depth + 1)), \(scalar(depth + 1)))"
        default:
            let operation = pick(["+", "-", "*", "/", "%", "^", "== bool", "< bool", "atan2"])
            return "(\(scalar(depth + 1)) \(operation) \(scalar(depth + 1)))"
        }
    }

    private mutating func number() -> String {
        pick(["0", "1", "2", "-1", "0.5", "0.9", "10", "1e3", "NaN", "Inf", "-Inf", "5m", "3.7"])
    }

    // MARK: Vectors

    private mutating func vector(_ depth: Int) -> String {
        if depth >= Self.depthMax { return selector() }
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<4: return selector()
        case 4..<9: return rangeFunction(depth)
        case 9..<12: return elementFunction(depth)
        case 12..<16: return aggregation(depth)
        case 16..<19: return binary(depth)
        default: return pick(["-", "+", ""]) + "(\(vector(depth + 1)))"
        }
    }

    private mutating func rangeFunction(_ depth: Int) -> String {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4:
            let name = pick(["rate", "increase", "delta"])
            return "\(name)(\(matrix(depth, extensions: ["anchored", "smoothed"])))"
        case 4:
            let name = pick(["resets", "changes"])
            return "\(name)(\(matrix(depth, extensions: ["anchored"])))"
        case 5: return "quantile_over_time(\(scalar(depth + 2)), \(matrix(depth)))"
        case 6:
            return chance(2)
                ? "predict_linear(\(matrix(depth)), \(scalar(depth + 2)))"
                : "double_exponential_smoothing(\(matrix(depth)), 0.5, \(pick(["0.1", "0.9"])))"
        default:
            let name = pick([
                "irate", "idelta", "deriv", "avg_over_time", "min_over_time", "max_over_time",
                "sum_over_time", "count_over_time", "last_over_time", "first_over_time",
                "present_over_time", "absent_over_time", "stddev_over_time", "stdvar_over_time",
                "mad_over_time", "ts_of_first_over_time", "ts_of_last_over_time",
                "ts_of_max_over_time", "ts_of_min_over_time",
            ])
            return "\(name)(\(matrix(depth)))"
        }
    }

    private mutating func elementFunction(_ depth: Int) -> String {
        let inner = vector(depth + 1)
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<3:
            let name = pick([
                "abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn", "sin", "cos",
                "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
                "deg", "rad", "minute", "hour", "day_of_week", "day_of_month", "day_of_year",
                "days_in_month", "month", "year", "timestamp", "absent",
            ])
            return "\(name)(\(inner))"
        case 3: return "clamp(\(inner), \(scalar(depth + 2)), \(scalar(depth + 2)))"
        case 4:
            return "\(pick(["clamp_min", "clamp_max", "round"]))(\(inner), \(scalar(depth + 2)))"
        case 5:
            return "label_replace(\(inner), \"\(pick(["copy", "job", "__name__"]))\", \"x$1\", "
                + "\"\(pick(["instance", "job", "none"]))\", \"(.*)\")"
        case 6:
            let target = pick(["joined", "instance"])
            return "label_join(\(inner), \"\(target)\", \"-\", \"job\", \"instance\")"
        case 7: return "vector(\(scalar(depth + 1)))"
        case 8:
            let name = pick([
                "histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev",
                "histogram_stdvar",
            ])
            return "\(name)(\(histogramVector(depth + 1)))"
        case 9: return "histogram_quantile(\(scalar(depth + 2)), \(histogramVector(depth + 1)))"
        case 10:
            return "histogram_fraction(\(pick(["-Inf", "0", "1", "-1"])), "
                + "\(pick(["Inf", "1", "2.5", "0"])), \(histogramVector(depth + 1)))"
        default:
            return chance(2)
                ? "info(\(inner))"
                : "histogram_quantiles(\(histogramVector(depth + 1)), \"q\", 0.1, "
                    + "\(scalar(depth + 2)))"
        }
    }

    private mutating func histogramVector(_ depth: Int) -> String {
        if chance(3) { return vector(depth) }
        let selector = pick(Self.histograms + ["latency_bucket"]) + matchers()
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return selector
        case 1: return "rate(\(selector)[\(range())])"
        case 2: return "sum by (le, job) (rate(\(selector)[\(range())]))"
        default: return "\(pick(["sum", "avg"])) without (instance) (\(selector))"
        }
    }

    private mutating func aggregation(_ depth: Int) -> String {
        let operation = pick([
            "sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk",
            "quantile", "limitk", "limit_ratio", "count_values",
        ])
        let grouping =
            chance(4) ? "" : " \(pick(["by", "without"])) (\(labels(3))) "
        var parameter = ""
        switch operation {
        case "topk", "bottomk", "limitk":
            parameter = pick(["1", "2", "3", "5", scalar(depth + 2)]) + ", "
        case "limit_ratio": parameter = pick(["0.5", "-0.5", "0.1", "1"]) + ", "
        case "quantile": parameter = pick(["0.5", "0.9", "0", "1", scalar(depth + 2)]) + ", "
        case "count_values": parameter = "\"value\", "
        default: break
        }
        // Which elements are taken depends on the order of the input, and that of another choice of
        // elements is nobody's promise.
        let isChoice = ["topk", "bottomk", "limitk"].contains(operation)
        // The last digit of a sum depends on the order of the series, and count_values shows it.
        let operand =
            operation == "count_values"
            ? "round(\(vector(depth + 1)), 0.1)"
            : !isChoice ? vector(depth + 1) : chance(2) ? selector() : rangeFunction(Self.depthMax)
        return "\(operation)\(grouping)(\(parameter)\(operand))"
    }

    private mutating func binary(_ depth: Int) -> String {
        let arithmetic = ["+", "-", "*", "/", "%", "^", "atan2", "</", ">/"]
        let comparisons = ["==", "!=", "<", "<=", ">", ">="]
        let left = vector(depth + 1)
        if chance(4) {
            let operation = pick(["and", "or", "unless"])
            let matching = chance(2) ? "" : " \(pick(["on", "ignoring"])) (\(labels(2)))"
            return "(\(left)) \(operation)\(matching) (\(vector(depth + 1)))"
        }
        let isComparison = chance(3)
        let operation =
            (isComparison ? pick(comparisons) : pick(arithmetic))
            + (isComparison && chance(3) ? " bool" : "")
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1: return "(\(left)) \(operation) \(scalar(depth + 1))"
        case 2: return "\(scalar(depth + 1)) \(operation) (\(left))"
        default:
            var matching = ""
            if chance(2) { matching = " \(pick(["on", "ignoring"])) (\(labels(3)))" }
            if !matching.isEmpty && chance(3) {
                matching += " \(pick(["group_left", "group_right"]))(\(labels(1)))"
            }
            if chance(8) {
                matching +=
                    " \(pick(["fill", "fill_left", "fill_right"]))(\(pick(["0", "1", "NaN"])))"
            }
            let right = chance(3) ? left : vector(depth + 1)
            return "(\(left)) \(operation)\(matching) (\(right))"
        }
    }
}
