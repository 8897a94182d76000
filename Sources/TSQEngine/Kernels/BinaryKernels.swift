import Glibc
import TSQBase
import TSQModel
import TSQPromQL

/// Arithmetic and comparison between two rows, and between two scalars. Set operators are the
/// engine's.
///
/// - Source: Prometheus promql/engine.go, vectorElemBinop and scalarBinop, 3.14.
package enum BinaryKernels {
    /// Applies `op` at every step that both rows have; `row` was reset by the caller.
    ///
    /// A filter comparison (`returnsBool` false) keeps the left side's value, or the right side's
    /// where `swapped`: the vector of `scalar op vector`.
    package static func apply(
        _ op: BinaryOperator, _ left: borrowing StepRow, _ right: borrowing StepRow,
        returnsBool: Bool, swapped: Bool, _ context: inout KernelContext,
        into row: inout StepRow
    ) {
        precondition(
            left.stepCount == row.stepCount && right.stepCount == row.stepCount,
            "BUG: rows of different tiles")
        guard left.histograms.isEmpty && right.histograms.isEmpty else {
            applyMixed(
                op, left, right, returnsBool: returnsBool, swapped: swapped, &context, into: &row)
            return
        }
        switch op {
        case .add: arithmetic(left, right, &row) { $0 + $1 }
        case .subtract: arithmetic(left, right, &row) { $0 - $1 }
        case .multiply: arithmetic(left, right, &row) { $0 * $1 }
        case .divide: arithmetic(left, right, &row) { $0 / $1 }
        case .modulo: arithmetic(left, right, &row) { GoMath.mod($0, $1) }
        case .power: arithmetic(left, right, &row) { pow($0, $1) }
        case .atan2: arithmetic(left, right, &row) { Glibc.atan2($0, $1) }
        case .equal: compare(left, right, returnsBool, swapped, &row) { $0 == $1 }
        case .notEqual: compare(left, right, returnsBool, swapped, &row) { $0 != $1 }
        case .less: compare(left, right, returnsBool, swapped, &row) { $0 < $1 }
        case .lessOrEqual: compare(left, right, returnsBool, swapped, &row) { $0 <= $1 }
        case .greater: compare(left, right, returnsBool, swapped, &row) { $0 > $1 }
        case .greaterOrEqual: compare(left, right, returnsBool, swapped, &row) { $0 >= $1 }
        case .trimUpper, .trimLower:
            for step in 0..<row.stepCount where left.tags[step] & right.tags[step] != 0 {
                context.remark(
                    PromQLTexts.incompatibleTypes("float", op.rawValue, "float"),
                    isWarning: false, at: step)
            }
        case .and, .unless, .or: preconditionFailure("BUG: set operators have no kernel")
        }
    }

    /// `op` between two scalars; a comparison gives 1 or 0.
    package static func scalar(_ op: BinaryOperator, _ left: Double, _ right: Double) -> Double {
        switch op {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        case .modulo: GoMath.mod(left, right)
        case .power: pow(left, right)
        case .atan2: Glibc.atan2(left, right)
        case .equal: left == right ? 1 : 0
        case .notEqual: left != right ? 1 : 0
        case .less: left < right ? 1 : 0
        case .lessOrEqual: left <= right ? 1 : 0
        case .greater: left > right ? 1 : 0
        case .greaterOrEqual: left >= right ? 1 : 0
        case .trimUpper, .trimLower, .and, .unless, .or:
            preconditionFailure("BUG: an operator that scalars do not have")
        }
    }

    /// Computes over all steps and combines the tags: absent entries cost nothing extra.
    @inline(__always)
    private static func arithmetic(
        _ left: borrowing StepRow, _ right: borrowing StepRow, _ row: inout StepRow,
        _ body: (Double, Double) -> Double
    ) {
        let count = row.stepCount
        let (a, b) = (left.values.span, right.values.span)
        let (aTags, bTags) = (left.tags.span, right.tags.span)
        precondition(
            a.count == count && b.count == count && aTags.count == count && bTags.count == count,
            "BUG: rows of different tiles")
        var values = row.values.mutableSpan
        for step in 0..<count {
            values[unchecked: step] = body(a[unchecked: step], b[unchecked: step])
        }
        var tags = row.tags.mutableSpan
        for step in 0..<count {
            tags[unchecked: step] = aTags[unchecked: step] & bTags[unchecked: step]
        }
    }

    @inline(__always)
    private static func compare(
        _ left: borrowing StepRow, _ right: borrowing StepRow, _ returnsBool: Bool,
        _ swapped: Bool, _ row: inout StepRow, _ body: (Double, Double) -> Bool
    ) {
        let count = row.stepCount
        let (a, b) = (left.values.span, right.values.span)
        let (aTags, bTags) = (left.tags.span, right.tags.span)
        precondition(
            a.count == count && b.count == count && aTags.count == count && bTags.count == count,
            "BUG: rows of different tiles")
        var tags = row.tags.mutableSpan
        if returnsBool {
            for step in 0..<count {
                tags[unchecked: step] = aTags[unchecked: step] & bTags[unchecked: step]
            }
        } else {
            for step in 0..<count {
                // A mask instead of a branch: which way it goes cannot be foretold.
                let mask: UInt8 = body(a[unchecked: step], b[unchecked: step]) ? 255 : 0
                tags[unchecked: step] = aTags[unchecked: step] & bTags[unchecked: step] & mask
            }
        }
        var values = row.values.mutableSpan
        if returnsBool {
            for step in 0..<count {
                values[unchecked: step] = body(a[unchecked: step], b[unchecked: step]) ? 1 : 0
            }
        } else {
            for step in 0..<count {
                values[unchecked: step] = swapped ? b[unchecked: step] : a[unchecked: step]
            }
        }
    }
}
