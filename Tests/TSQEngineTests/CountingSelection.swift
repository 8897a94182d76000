import Synchronization
import TSQBase
import TSQModel

final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .relaxed) }
    func add(_ more: Int = 1) { count.wrappingAdd(more, ordering: .relaxed) }
}

/// A selection that counts its reads, forks included.
final class CountingSelection: SeriesSelection {
    private let inner: any SeriesSelection
    private let reads: Counter

    init(_ inner: any SeriesSelection, _ reads: Counter) {
        self.inner = inner
        self.reads = reads
    }

    var labels: SeriesLabels { inner.labels }

    func fork() -> any SeriesSelection { CountingSelection(inner.fork(), reads) }

    func read(
        _ index: Int, fromMs: TimestampMs, toMs: TimestampMs, into columns: inout SampleColumns
    ) throws(SourceError) {
        reads.add()
        try inner.read(index, fromMs: fromMs, toMs: toMs, into: &columns)
    }
}
