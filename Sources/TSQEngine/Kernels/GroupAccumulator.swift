import TSQBase
import TSQModel
import TSQPromQL

/// One group of `sum avg count min max group stddev stdvar`: takes rows in the order of the input
/// series, gives the group's row.
package struct GroupAccumulator {
    package init(_ op: AggregateOperator, stepCount: Int) {}

    /// Forgets all rows; keeps the buffers.
    package mutating func reset(stepCount: Int) {}

    package mutating func add(_ row: borrowing StepRow, _ context: inout KernelContext) {}

    /// Fills `row` (already reset) with the group's values.
    package mutating func finish(_ context: inout KernelContext, into row: inout StepRow) {}
}
