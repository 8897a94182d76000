import TSQBase

/// Type-correct PromQL texts over the series of `RandomSeries`: every function, operator, modifier
/// and aggregation, of bounded size; the same for a seed.
package struct RandomExpression {
    /// Nesting beyond this ends in a selector or a number.
    package static let depthMax = 4

    var random: SplitMix64
    /// Subqueries around what is being made.
    private var subqueries = 0

    package init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// An expression of a range query: an instant vector, now and then a scalar.
    package mutating func next() -> String {
        if chance(15) { return scalar(0) }
        return chance(12) ? sorted(1) : vector(0)
    }

    /// An expression of an instant query: any type.
    package mutating func nextInstant() -> String {
        if chance(12) { return matrix(1, extensions: ["anchored", "smoothed"]) }
        return chance(60) ? "\"a \\\"text\\\"\"" : next()
    }

    // MARK: Chance

    mutating func chance(_ oneIn: Int) -> Bool {
        Int.random(in: 0..<oneIn, using: &random) == 0
    }

    mutating func pick(_ choices: [String]) -> String {
        choices[Int.random(in: 0..<choices.count, using: &random)]
    }

    mutating func labels(_ countMax: Int) -> String {
        let count = Int.random(in: 0...countMax, using: &random)
        var names = ["job", "instance", "le", "version", "none", "\"service.name\""]
        if chance(3) { names += ["__name__", "__type__", "\"__unit__\""] }
        names.shuffle(using: &random)
        return names.prefix(count).joined(separator: ", ") + (count > 0 && chance(9) ? "," : "")
    }

    // MARK: Selectors

    static let floats = [
        "requests_total", "errors_total", "memory", "odd", "latency_bucket", "target_info",
        "build_info", "started_total",
    ]
    static let histograms = ["delay", "size", "depth", "mixed", "extreme"]

    mutating func metric() -> String {
        chance(3) ? pick(Self.histograms) : pick(Self.floats)
    }

    private static let someMatchers = [
        "job=\"api\"", "job!=\"api\"", "instance=~\"0|1\"", "instance!~\"2\"", "job=~\".+\"",
        "none=\"\"", "instance=\"1\"", "le=~\"1|10|[+]Inf|\"", "\"service.name\"=~\"a.*\"",
        "job=~\"(?i:API)\"", "__type__!=\"gauge\"",
    ]

    mutating func matchers() -> String {
        if chance(2) { return "" }
        return "{" + pick(Self.someMatchers)
            + (chance(3) ? ", " + pick(Self.someMatchers) : "") + "}"
    }

    mutating func series() -> String {
        switch Int.random(in: 0..<40, using: &random) {
        case 0: return "{__name__=~\"\(metric())|\(metric())\", job=\"api\"}"
        case 1: return "{\"http.requests\"}"
        case 2: return "{\"http.requests\", \(pick(Self.someMatchers))}"
        case 3: return "{job=\"web\", instance=\"0\", __name__!~\"latency_bucket|http.*\"}"
        case 4: return "absent_metric" + matchers()
        default: return metric() + matchers()
        }
    }

    mutating func modifiers() -> String {
        let offset =
            chance(6)
            ? " offset "
                + pick([
                    "30s", "1m", "-45s", "3m", "0s", "(step() * 2)", "-(1m^1)", "15", "10y", "-10y",
                    "max_of(step(), 20s)",
                ]) : ""
        let at =
            chance(8)
            ? " @ " + pick(["600", "1200.5", "start()", "end()", "0", "-60", "1e9", "+900"]) : ""
        return chance(2) ? offset + at : at + offset
    }

    mutating func selector() -> String {
        series() + (chance(25) ? pick([" smoothed", " anchored"]) : "") + modifiers()
    }

    mutating func range() -> String {
        pick([
            "30s", "1m", "2m", "5m", "90s", "10m", "1m30s", "step() + 1m", "1m * 2", "15s", "1ms",
            "100", "range() + 1s", "min_of(5m, 3m) - 10s", "10y", "2^6 * 1s", "7m % 4m",
        ])
    }

    /// - Parameter extensions: `anchored`/`smoothed` where the function takes them.
    mutating func matrix(_ depth: Int, extensions: [String] = []) -> String {
        if depth < Self.depthMax && subqueries < 2 && chance(5) {
            // The reference evaluator works out the inner one at every step of the outer one.
            let isInner = subqueries > 0
            subqueries += 1
            let inner = chance(6) ? scalar(depth + 1) : vector(depth + 1)
            subqueries -= 1
            let step = pick(["", "30s", "1m", "47s", "step() + 10s"] + (isInner ? [] : ["7.5s"]))
            let length = pick(
                ["1m", "3m", "45s", "1m + step()", "1s"] + (isInner ? [] : ["10m", "5m"]))
            return "(\(inner))[\(length):\(step)]" + modifiers()
        }
        let series = series()
        // What is said of such histograms on the way depends on the order of work.
        let isExtended = !extensions.isEmpty && chance(6) && !series.contains("extreme")
        return "\(series)[\(range())]\(isExtended ? " " + pick(extensions) : "")" + modifiers()
    }

    // MARK: Scalars

    mutating func scalar(_ depth: Int) -> String {
        if depth >= Self.depthMax || chance(2) { return number() }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return "scalar(\(vector(depth + 1)))"
        case 1: return pick(["time()", "pi()", "start()", "end()", "step()", "range()"])
        case 2: return "\(pick(["-", "+", "--"]))(\(scalar(depth + 1)))"
        case 3: return "\(pick(["max_of", "min_of"]))(\(scalar(depth + 1)), \(scalar(depth + 1)))"
        default:
            let operation = pick([
                "+", "-", "*", "/", "%", "^", "== bool", "< bool", "atan2", "!= bool", ">= bool",
                "<= bool", "> bool",
            ])
            // An error always.
            if chance(99) { return "\(number()) \(pick(["</", ">/"])) \(number())" }
            if chance(4) { return "\(number()) \(operation) \(number())" }
            return "(\(scalar(depth + 1)) \(operation) \(scalar(depth + 1)))"
        }
    }

    mutating func number() -> String {
        pick([
            "0", "1", "2", "-1", "0.5", "0.9", "10", "1e3", "NaN", "Inf", "-Inf", "5m", "3.7", "-0",
            "1e308", "-1e308", "9223372036854775808", "4.9e-324", "0x1F", "1_000", ".5", "1e-9",
            "-9.3e18", "1h30m",
        ])
    }

    // MARK: Vectors

    mutating func vector(_ depth: Int) -> String {
        if depth >= Self.depthMax { return selector() }
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<4: return selector()
        case 4..<9: return rangeFunction(depth)
        case 9..<12: return elementFunction(depth)
        case 12..<16: return aggregation(depth)
        case 16..<19: return binary(depth)
        default: return pick(["-", "+", "", "--"]) + "(\(vector(depth + 1)))"
        }
    }
}
