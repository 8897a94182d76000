import Glibc
import TSQBase
import TSQModel

/// Functions of an instant vector that treat each series alone, by name.
package enum ElementFunctions {
    /// The kernel of `name`, nil where there is none.
    ///
    /// Scalar arguments are `context.parameters`, in the order of the signature (`clamp`: 0 = min,
    /// 1 = max; `round`: 0 = to nearest, or none).
    package static func kernel(named name: String) -> ElementKernel? {
        math(name) ?? date(name) ?? histogram(name) ?? bounded(name)
    }

    private static func math(_ name: String) -> ElementKernel? {
        switch name {
        case "abs": { mapFloats(&$1) { $0.magnitude } }
        case "ceil": { mapFloats(&$1) { $0.rounded(.up) } }
        case "floor": { mapFloats(&$1) { $0.rounded(.down) } }
        case "exp": { mapFloats(&$1) { Glibc.exp($0) } }
        case "ln": { mapFloats(&$1) { Glibc.log($0) } }
        case "log2": { mapFloats(&$1) { GoMath.log2($0) } }
        case "log10": { mapFloats(&$1) { GoMath.log10($0) } }
        case "sqrt": { mapFloats(&$1) { $0.squareRoot() } }
        case "sgn": { mapFloats(&$1) { $0 < 0 ? -1 : $0 > 0 ? 1 : $0 } }
        case "deg": { mapFloats(&$1) { $0 * 180 / Double.pi } }
        case "rad": { mapFloats(&$1) { $0 * Double.pi / 180 } }
        default: trigonometry(name)
        }
    }

    private static func trigonometry(_ name: String) -> ElementKernel? {
        switch name {
        case "sin": { mapFloats(&$1) { Glibc.sin($0) } }
        case "cos": { mapFloats(&$1) { Glibc.cos($0) } }
        case "tan": { mapFloats(&$1) { Glibc.tan($0) } }
        case "asin": { mapFloats(&$1) { Glibc.asin($0) } }
        case "acos": { mapFloats(&$1) { Glibc.acos($0) } }
        case "atan": { mapFloats(&$1) { Glibc.atan($0) } }
        case "sinh": { mapFloats(&$1) { Glibc.sinh($0) } }
        case "cosh": { mapFloats(&$1) { Glibc.cosh($0) } }
        case "tanh": { mapFloats(&$1) { Glibc.tanh($0) } }
        case "asinh": { mapFloats(&$1) { Glibc.asinh($0) } }
        case "acosh": { mapFloats(&$1) { Glibc.acosh($0) } }
        case "atanh": { mapFloats(&$1) { Glibc.atanh($0) } }
        default: nil
        }
    }

    private static func date(_ name: String) -> ElementKernel? {
        switch name {
        case "minute": { mapDates(&$1) { Double($0.minute) } }
        case "hour": { mapDates(&$1) { Double($0.hour) } }
        case "day_of_week": { mapDates(&$1) { Double($0.weekday) } }
        case "day_of_month": { mapDates(&$1) { Double($0.day) } }
        case "day_of_year": { mapDates(&$1) { Double($0.dayOfYear) } }
        case "days_in_month": { mapDates(&$1) { Double($0.daysInMonth) } }
        case "month": { mapDates(&$1) { Double($0.month) } }
        case "year": { mapDates(&$1) { Double($0.year) } }
        default: nil
        }
    }

    private static func histogram(_ name: String) -> ElementKernel? {
        switch name {
        case "histogram_count": { mapHistograms(&$1) { $0.count } }
        case "histogram_sum": { mapHistograms(&$1) { $0.sum } }
        case "histogram_avg": { mapHistograms(&$1) { $0.sum / $0.count } }
        case "histogram_stdvar": { mapHistograms(&$1) { NativeHistogram.variance($0) } }
        case "histogram_stddev":
            { mapHistograms(&$1) { NativeHistogram.variance($0).squareRoot() } }
        default: nil
        }
    }

    private static func bounded(_ name: String) -> ElementKernel? {
        switch name {
        case "clamp": { clamp(&$1, $0.parameters[0], $0.parameters[1]) }
        case "clamp_min": { clamp(&$1, $0.parameters[0], nil) }
        case "clamp_max": { clamp(&$1, nil, $0.parameters[0]) }
        case "round": { round(&$1, $0.parameters.first) }
        default: nil
        }
    }

    /// Floats are mapped, histograms go.
    @inline(__always)
    private static func mapFloats(_ row: inout StepRow, _ body: (Double) -> Double) {
        dropHistograms(&row)
        var values = row.values.mutableSpan
        for step in values.indices { values[unchecked: step] = body(values[unchecked: step]) }
    }

    @inline(__always)
    private static func mapDates(_ row: inout StepRow, _ body: (GregorianDate) -> Double) {
        mapFloats(&row) { body(GregorianDate(unixSeconds: GoNumber.int64($0))) }
    }

    /// Histograms are mapped to floats, floats go.
    private static func mapHistograms(_ row: inout StepRow, _ body: (Histogram) -> Double) {
        for step in 0..<row.stepCount {
            if row.tags[step] == StepRow.Tag.histogram, let histogram = row.histograms[step] {
                row.setFloat(step, body(histogram))
            } else {
                row.setAbsent(step)
            }
        }
        row.histograms.removeAll(keepingCapacity: true)
    }

    static func dropHistograms(_ row: inout StepRow) {
        if row.histograms.isEmpty { return }
        for step in 0..<row.stepCount where row.tags[step] == StepRow.Tag.histogram {
            row.setAbsent(step)
        }
        row.histograms.removeAll(keepingCapacity: true)
    }

    private static func clamp(_ row: inout StepRow, _ lower: [Double]?, _ upper: [Double]?) {
        dropHistograms(&row)
        for step in 0..<row.stepCount where row.tags[step] == StepRow.Tag.float {
            let low = lower?[step] ?? -.infinity
            let high = upper?[step] ?? .infinity
            if high < low {
                row.setAbsent(step)
            } else {
                row.values[step] = GoMath.max(low, GoMath.min(high, row.values[step]))
            }
        }
    }

    private static func round(_ row: inout StepRow, _ nearest: [Double]?) {
        dropHistograms(&row)
        for step in 0..<row.stepCount where row.tags[step] == StepRow.Tag.float {
            // The inverse, as Prometheus does: fewer surprises of accuracy.
            let inverse = 1 / (nearest?[step] ?? 1)
            row.values[step] = (row.values[step] * inverse + 0.5).rounded(.down) / inverse
        }
    }
}
