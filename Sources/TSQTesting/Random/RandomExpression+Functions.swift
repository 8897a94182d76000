extension RandomExpression {
    mutating func rangeFunction(_ depth: Int) -> String {
        switch Int.random(in: 0..<11, using: &random) {
        case 0..<4:
            let name = pick(["rate", "increase", "delta"])
            return "\(name)(\(matrix(depth, extensions: ["anchored", "smoothed"])))"
        case 4:
            let name = pick(["resets", "changes"])
            return "\(name)(\(matrix(depth, extensions: ["anchored"])))"
        case 5: return "quantile_over_time(\(scalar(depth + 2)), \(matrix(depth)))"
        case 6:
            if chance(2) { return "predict_linear(\(matrix(depth)), \(scalar(depth + 2)))" }
            let factor = chance(8) ? scalar(depth + 2) : pick(["0.5", "0.1", "0.9"])
            return "double_exponential_smoothing(\(matrix(depth)), \(factor), "
                + "\(pick(["0.1", "0.9", "0.5", "0.99", "1"])))"
        default:
            let name = pick(Self.plainRangeFunctions)
            // Now and then with a modifier that it does not take.
            return
                "\(name)(\(matrix(depth, extensions: chance(12) ? ["anchored", "smoothed"] : [])))"
        }
    }

    private static let plainRangeFunctions = [
        "irate", "idelta", "deriv", "avg_over_time", "min_over_time", "max_over_time",
        "sum_over_time", "count_over_time", "last_over_time", "first_over_time",
        "present_over_time", "absent_over_time", "stddev_over_time", "stdvar_over_time",
        "mad_over_time", "ts_of_first_over_time", "ts_of_last_over_time",
        "ts_of_max_over_time", "ts_of_min_over_time",
    ]

    private static let plainFunctions = [
        "abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn", "sin", "cos",
        "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
        "deg", "rad", "minute", "hour", "day_of_week", "day_of_month", "day_of_year",
        "days_in_month", "month", "year", "timestamp", "absent", "start_timestamp",
    ]

    mutating func elementFunction(_ depth: Int) -> String {
        switch Int.random(in: 0..<16, using: &random) {
        case 0..<3: return "\(pick(Self.plainFunctions))(\(vector(depth + 1)))"
        case 3:
            return "clamp(\(vector(depth + 1)), \(scalar(depth + 2)), \(scalar(depth + 2)))"
        case 4:
            return "\(pick(["clamp_min", "clamp_max", "round"]))(\(vector(depth + 1)), "
                + "\(scalar(depth + 2)))"
        case 5: return "round(\(vector(depth + 1)))"
        case 6: return labelReplace(depth)
        case 7:
            let target = pick(["joined", "instance", "__name__", "service.name", "job"])
            let sources = pick([
                ", \"job\", \"instance\"", "", ", \"job\"", ", \"none\", \"le\", \"version\"",
            ])
            return "label_join(\(vector(depth + 1)), \"\(target)\", \"\(pick(["-", "", ", "]))\""
                + "\(sources))"
        case 8: return "vector(\(scalar(depth + 1)))"
        case 9:
            let name = pick([
                "histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev",
                "histogram_stdvar",
            ])
            return "\(name)(\(histogramVector(depth + 1)))"
        case 10: return "histogram_quantile(\(scalar(depth + 2)), \(histogramVector(depth + 1)))"
        case 11:
            let bounds = ["0", "1", "-1", "2.5", "Inf", "-Inf", "0.1", scalar(depth + 2)]
            return "histogram_fraction(\(pick(bounds)), \(pick(bounds)), "
                + "\(histogramVector(depth + 1)))"
        case 12:
            let more = chance(3) ? ", \(scalar(depth + 2))" : ""
            return "histogram_quantiles(\(histogramVector(depth + 1)), "
                + "\"\(pick(["q", "quantile", "job"]))\", 0.1, \(scalar(depth + 2))\(more))"
        case 13: return info(depth)
        case 14:
            // Without an argument: the time of the step.
            return pick(Self.plainFunctions.filter { Self.dates.contains($0) }) + "()"
        default: return "\(pick(["timestamp", "start_timestamp", "absent"]))(\(selector()))"
        }
    }

    private static let dates: Set<String> = [
        "minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month",
        "year",
    ]

    private mutating func labelReplace(_ depth: Int) -> String {
        let target = pick(["copy", "job", "__name__", "instance", "__type__", "http.status"])
        let template = pick(["x$1", "", "${1}-$2", "$$1", "always", "$n"])
        let source = pick(["instance", "job", "none", "__name__", "le"])
        let pattern = pick(["(.*)", "(a.*)|w(.*)", "", "1", "(?P<n>.)(.?)", ".+"])
        return "label_replace(\(vector(depth + 1)), \"\(target)\", \"\(template)\", "
            + "\"\(source)\", \"\(pattern)\")"
    }

    private mutating func info(_ depth: Int) -> String {
        let inner = vector(depth + 1)
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            let selector = pick([
                "{version=~\".+\"}", "{__name__=\"build_info\"}", "{os=\"linux\"}",
                "{__name__=~\".+_info\"}", "{__name__!=\"target_info\"}", "{os=~\".*\", none=\"\"}",
                "{version=~\"1.*\", __name__=~\"target_info|build_info\"}",
            ])
            return "info(\(inner), \(selector))"
        case 1: return "info(\(inner), {version!=\"\"})"
        default: return "info(\(inner))"
        }
    }

    mutating func histogramVector(_ depth: Int) -> String {
        if chance(3) { return vector(depth) }
        let selector = pick(Self.histograms + ["latency_bucket"]) + matchers()
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return selector
        case 1: return "rate(\(selector)[\(range())])"
        case 2: return "sum by (le, job) (rate(\(selector)[\(range())]))"
        case 3: return "(\(selector)) \(pick(["</", ">/", "*", "/"])) \(number())"
        case 4: return "\(selector) \(pick(["+", "-"])) \(selector)"
        default: return "\(pick(["sum", "avg"])) without (instance) (\(selector))"
        }
    }

    /// For the top of an expression: elsewhere the order cannot be seen.
    mutating func sorted(_ depth: Int) -> String {
        if chance(2) { return "\(pick(["sort", "sort_desc"]))(\(vector(depth)))" }
        let names = pick([
            "", ", \"job\"", ", \"instance\", \"job\"", ", \"version\"", ", \"__name__\"",
            ", \"le\"",
        ])
        return "\(pick(["sort_by_label", "sort_by_label_desc"]))(\(vector(depth))\(names))"
    }
}
