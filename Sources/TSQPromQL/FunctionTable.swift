/// All PromQL functions of Prometheus 3.14.
///
/// - Source: Prometheus promql/parser/functions.go.
package enum FunctionTable {
    /// Sorted by name.
    package static let all: [Function] =
        (elementwise + dates + overTime + histograms + others + experimental)
        .sorted { $0.name < $1.name }

    private static let byName: [String: Function] = Dictionary(
        uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The function called `name` (function names are case-sensitive).
    package static func find(_ name: String) -> Function? { byName[name] }

    private static var elementwise: [Function] {
        [
            "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "deg",
            "exp", "floor", "ln", "log10", "log2", "rad", "sgn", "sin", "sinh", "sqrt", "tan",
            "tanh",
        ].map { Function($0, [.vector]) } + [
            Function("clamp", [.vector, .scalar, .scalar]),
            Function("clamp_max", [.vector, .scalar]),
            Function("clamp_min", [.vector, .scalar]),
            Function("round", [.vector, .scalar], variadic: 1),
        ]
    }

    private static var dates: [Function] {
        [
            "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute",
            "month", "year",
        ].map { Function($0, [.vector], variadic: 1) }
    }

    private static var overTime: [Function] {
        [
            "absent_over_time", "avg_over_time", "changes", "count_over_time", "delta", "deriv",
            "first_over_time", "idelta", "increase", "irate", "last_over_time", "max_over_time",
            "min_over_time", "present_over_time", "rate", "resets", "stddev_over_time",
            "stdvar_over_time", "sum_over_time",
        ].map { Function($0, [.matrix]) } + [
            Function("predict_linear", [.matrix, .scalar]),
            Function("quantile_over_time", [.scalar, .matrix]),
        ]
    }

    private static var histograms: [Function] {
        [
            "histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar",
            "histogram_sum",
        ].map { Function($0, [.vector]) } + [
            Function("histogram_fraction", [.scalar, .scalar, .vector]),
            Function("histogram_quantile", [.scalar, .vector]),
        ]
    }

    private static var others: [Function] {
        [
            Function("absent", [.vector]),
            Function("label_join", [.vector, .string, .string, .string], variadic: -1),
            Function("label_replace", [.vector, .string, .string, .string, .string]),
            Function("pi", [], returns: .scalar),
            Function("scalar", [.vector], returns: .scalar),
            Function("sort", [.vector]),
            Function("sort_desc", [.vector]),
            Function("time", [], returns: .scalar),
            Function("timestamp", [.vector]),
            Function("vector", [.scalar]),
        ]
    }

    private static var experimental: [Function] {
        ["mad", "ts_of_first", "ts_of_last", "ts_of_max", "ts_of_min"].map {
            Function($0 + "_over_time", [.matrix], experimental: true)
        }
            + ["end", "range", "start", "step"].map {
                Function($0, [], returns: .scalar, experimental: true)
            }
            + ["max_of", "min_of"].map {
                Function($0, [.scalar, .scalar], returns: .scalar, experimental: true)
            }
            + ["sort_by_label", "sort_by_label_desc"].map {
                Function($0, [.vector, .string], variadic: -1, experimental: true)
            } + [
                Function(
                    "double_exponential_smoothing", [.matrix, .scalar, .scalar], experimental: true),
                Function(
                    "histogram_quantiles", [.vector, .string, .scalar, .scalar], variadic: 9,
                    experimental: true),
                Function("info", [.vector, .vector], variadic: 1, experimental: true),
                Function("start_timestamp", [.vector], experimental: true),
            ]
    }
}
