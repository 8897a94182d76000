import TSQBase
import TSQModel

/// Functions of a range vector, by name.
package enum RangeFunctions {
    /// The kernel of `name`, nil where no such function of a range vector exists.
    /// `absent_over_time` is the engine's: it looks at all series together.
    ///
    /// - Source: Prometheus promql/functions.go, 3.14; every sum is taken in its order.
    package static func kernel(named name: String) -> RangeKernel? {
        switch name {
        case "rate": rate
        case "increase": increase
        case "delta": delta
        case "irate": irate
        case "idelta": idelta
        case "resets": resets
        case "changes": changes
        case "deriv": deriv
        case "predict_linear": predictLinear
        case "double_exponential_smoothing": doubleExponentialSmoothing
        case "sum_over_time": sumOverTime
        case "avg_over_time": avgOverTime
        case "min_over_time": minOverTime
        case "max_over_time": maxOverTime
        case "ts_of_min_over_time": tsOfMinOverTime
        case "ts_of_max_over_time": tsOfMaxOverTime
        case "count_over_time": countOverTime
        case "present_over_time": presentOverTime
        case "first_over_time": firstOverTime
        case "last_over_time": lastOverTime
        case "ts_of_first_over_time": tsOfFirstOverTime
        case "ts_of_last_over_time": tsOfLastOverTime
        case "stddev_over_time": stddevOverTime
        case "stdvar_over_time": stdvarOverTime
        case "quantile_over_time": quantileOverTime
        case "mad_over_time": madOverTime
        default: nil
        }
    }
}
