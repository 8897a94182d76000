import TSQBase
import TSQModel

// How far values lie apart: variance, quantiles, median deviation. Histograms are ignored.
extension RangeFunctions {
    static func stdvarOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        windows.checkBounds(columns)
        Variances.all(columns.values.span, windows) { step, variance in
            row.setFloat(step, variance)
        }
        noteIgnoredHistograms(windows, &context)
    }

    static func stddevOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        windows.checkBounds(columns)
        Variances.all(columns.values.span, windows) { step, variance in
            row.setFloat(step, variance.squareRoot())
        }
        noteIgnoredHistograms(windows, &context)
    }

    static func quantileOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        windows.checkBounds(columns)
        let values = columns.values.span
        var scratch: [Double] = []
        for step in 0..<windows.count {
            let window = windows.floatRange(step)
            if window.isEmpty { continue }
            let phi = context.parameters[0][step]
            if !(phi >= 0 && phi <= 1) {
                context.annotations.warn(
                    PromQLTexts.invalidQuantile(phi),
                    context.argumentRanges.first ?? context.range)
            }
            copy(values, window, into: &scratch)
            row.setFloat(step, Quantiles.quantile(phi, &scratch))
        }
        noteIgnoredHistograms(windows, &context)
    }

    static func madOverTime(
        _ columns: borrowing SampleColumns, _ windows: borrowing Windows,
        _ context: inout KernelContext, _ row: inout StepRow
    ) throws(QueryError) {
        windows.checkBounds(columns)
        let values = columns.values.span
        var scratch: [Double] = []
        for step in 0..<windows.count {
            let window = windows.floatRange(step)
            if window.isEmpty { continue }
            copy(values, window, into: &scratch)
            if scratch.contains(where: { $0.isNaN }) {
                row.setFloat(step, .nan)
                continue
            }
            let median = Quantiles.quantile(0.5, &scratch)
            for index in scratch.indices { scratch[index] = (scratch[index] - median).magnitude }
            row.setFloat(step, Quantiles.quantile(0.5, &scratch))
        }
        noteIgnoredHistograms(windows, &context)
    }

    private static func copy(
        _ values: borrowing Span<Double>, _ window: Range<Int>, into scratch: inout [Double]
    ) {
        scratch.removeAll(keepingCapacity: true)
        scratch.reserveCapacity(window.count)
        for index in window { scratch.append(values[unchecked: index]) }
    }

    private static func noteIgnoredHistograms(
        _ windows: borrowing Windows, _ context: inout KernelContext
    ) {
        if windows.hasOnlyFloats { return }
        for step in 0..<windows.count
        where !windows.floatRange(step).isEmpty && !windows.histogramRange(step).isEmpty {
            WindowNotes.histogramsIgnored.tell(&context)
            return
        }
    }
}
