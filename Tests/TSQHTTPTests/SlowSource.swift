import Foundation
import TSQBase
import TSQModel
import TSQTesting

/// A source whose every series takes a millisecond to read: a query over it lasts as long as a test
/// wants, whatever the machine.
struct SlowSource: SelectOnlySource {
    static let seriesCount = 30_000

    func select(
        _ request: SelectRequest, symbols: SymbolTable
    ) throws(SourceError) -> any SeriesSelection {
        let name = LabelPair(
            name: symbols.intern(LabelName.metricName), value: symbols.intern("slow"))
        let number = symbols.intern("n")
        var labels = SeriesLabels()
        for index in 0..<Self.seriesCount {
            labels.append([name, LabelPair(name: number, value: symbols.intern("\(index)"))])
        }
        return SlowSelection(labels)
    }
}

private final class SlowSelection: SeriesSelection {
    let labels: SeriesLabels

    init(_ labels: SeriesLabels) { self.labels = labels }

    func fork() -> any SeriesSelection { SlowSelection(labels) }

    func read(
        _ index: Int, fromMs: TimestampMs, toMs: TimestampMs, into columns: inout SampleColumns
    ) throws(SourceError) {
        Thread.sleep(forTimeInterval: 0.001)
        columns.removeAll()
        columns.times.append(toMs)
        columns.values.append(1)
    }
}
