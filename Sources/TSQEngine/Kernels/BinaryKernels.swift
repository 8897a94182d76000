import TSQBase
import TSQModel
import TSQPromQL

/// Arithmetic and comparison between two rows, and between two scalars. Set operators are the
/// engine's.
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
    }

    /// `op` between two scalars; a comparison gives 1 or 0.
    package static func scalar(_ op: BinaryOperator, _ left: Double, _ right: Double) -> Double {
        .nan
    }
}
