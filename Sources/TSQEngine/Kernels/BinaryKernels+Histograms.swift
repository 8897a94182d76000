import TSQBase
import TSQModel
import TSQPromQL

extension BinaryKernels {
    /// What one pair of elements gives.
    private enum Outcome {
        case float(Double)
        case histogram(Histogram)
        /// A comparison's answer.
        case holds(Bool)
        /// Types that do not go together: the info says which.
        case incompatible
        /// Schemas that do not go together.
        case incompatibleSchemas
        /// Nothing; what is to be said was said.
        case nothing
    }

    /// Step by step, for rows that hold histograms.
    static func applyMixed(
        _ op: BinaryOperator, _ left: borrowing StepRow, _ right: borrowing StepRow,
        returnsBool: Bool, swapped: Bool, _ context: inout KernelContext,
        into row: inout StepRow
    ) {
        for step in 0..<row.stepCount {
            guard
                left.tags[step] != StepRow.Tag.absent, right.tags[step] != StepRow.Tag.absent
            else { continue }
            let a = left.tags[step] == StepRow.Tag.histogram ? left.histograms[step] : nil
            let b = right.tags[step] == StepRow.Tag.histogram ? right.histograms[step] : nil
            switch outcome(op, left.values[step], right.values[step], a, b, step, &context) {
            case .float(let value): row.setFloat(step, value)
            case .histogram(let histogram): row.setHistogram(step, histogram)
            case .holds(let holds):
                if returnsBool {
                    row.setFloat(step, holds ? 1 : 0)
                } else if holds, let kept = swapped ? b : a {
                    row.setHistogram(step, kept)
                } else if holds {
                    row.setFloat(step, swapped ? right.values[step] : left.values[step])
                }
            case .incompatible:
                context.remark(
                    PromQLTexts.incompatibleTypes(
                        a == nil ? "float" : "histogram", op.rawValue,
                        b == nil ? "float" : "histogram"), isWarning: false, at: step)
            case .incompatibleSchemas:
                context.remark(
                    PromQLTexts.incompatibleBuckets(op.rawValue), isWarning: true, at: step)
            case .nothing: break
            }
        }
    }

    private static func outcome(
        _ op: BinaryOperator, _ left: Double, _ right: Double, _ a: Histogram?, _ b: Histogram?,
        _ step: Int, _ context: inout KernelContext
    ) -> Outcome {
        switch (a, b) {
        case (nil, nil):
            if op == .trimUpper || op == .trimLower { return .incompatible }
            let value = scalar(op, left, right)
            return op.isComparison ? .holds(value == 1) : .float(value)
        case (nil, let histogram?):
            guard op == .multiply else { return .incompatible }
            return scaled(histogram) { $0.multiply(by: left) }
        case (let histogram?, nil):
            switch op {
            case .multiply: return scaled(histogram) { $0.multiply(by: right) }
            case .divide: return scaled(histogram) { $0.divide(by: right) }
            case .trimUpper: return .histogram(histogram.trimmed(at: right, keepsBelow: true))
            case .trimLower: return .histogram(histogram.trimmed(at: right, keepsBelow: false))
            default: return .incompatible
            }
        case (let a?, let b?):
            switch op {
            case .add, .subtract: return combined(op, a, b, step, &context)
            case .equal: return .holds(a.hasSameData(as: b))
            case .notEqual: return .holds(!a.hasSameData(as: b))
            default: return .incompatible
            }
        }
    }

    private static func scaled(
        _ histogram: Histogram, _ body: (inout Histogram) -> Void
    ) -> Outcome {
        var result = histogram
        body(&result)
        result.compact()
        return .histogram(result)
    }

    private static func combined(
        _ op: BinaryOperator, _ a: Histogram, _ b: Histogram, _ step: Int,
        _ context: inout KernelContext
    ) -> Outcome {
        var result = a
        let report: HistogramMergeReport
        do {
            report = op == .add ? try result.add(b) : try result.subtract(b)
        } catch {
            return .incompatibleSchemas
        }
        if op == .subtract { result.hint = .gauge }
        let operation: PromQLTexts.HistogramOperation = op == .add ? .addition : .subtraction
        // Prometheus's VectorBinop takes the warning for an error of the pair.
        if report.resetCollision {
            context.remark(PromQLTexts.resetCollision(operation), isWarning: true, at: step)
            return .nothing
        }
        if report.boundsReconciled {
            context.remark(PromQLTexts.boundsReconciled(operation), isWarning: false, at: step)
        }
        result.compact()
        return .histogram(result)
    }
}
