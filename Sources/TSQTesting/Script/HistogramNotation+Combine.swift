import TSQBase
import TSQModel

extension HistogramNotation {
    /// `base + step` or `base - step`, as Prometheus's parser does it: with the arithmetic of
    /// histograms, which settles bounds, zero buckets and reset hints.
    static func combined(
        _ base: Histogram, _ step: Histogram, sign: Double
    ) throws(ScriptSyntaxError) -> Histogram {
        guard base.schema <= step.schema else {
            throw ScriptSyntaxError(
                "error combining histograms: cannot merge from schema \(step.schema) to "
                    + "\(base.schema)")
        }
        var result = base
        do {
            _ = sign < 0 ? try result.subtract(step) : try result.add(step)
        } catch {
            throw ScriptSyntaxError("cannot combine exponential and custom buckets")
        }
        return result
    }
}
