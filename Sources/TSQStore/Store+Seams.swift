import TSQBase
import TSQModel

extension Store: SampleAppender {
    package func resolve(_ labels: LabelSet) throws(AppendError) -> SeriesRef {
        throw .readOnly("not there yet")
    }

    package func openGroup() -> WriteGroup { WriteGroup(0) }
    package func closeGroup(_ group: WriteGroup) {}

    package func commit(_ batch: borrowing WriteBatch) throws(AppendError) -> CommitReport {
        throw .readOnly("not there yet")
    }
}

extension Store: SeriesSource {
    package func select(
        _ request: SelectRequest, symbols: SymbolTable
    ) throws(SourceError) -> any SeriesSelection {
        throw .storage("not there yet")
    }

    package func labelNames(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] { [] }

    package func labelValues(
        _ name: String, matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] { [] }

    package func exemplars(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [(labels: LabelSet, exemplars: [Exemplar])] { [] }
}

extension Store: LogReader {
    package func oldestPosition() -> LogPosition { LogPosition(segment: 0, offset: 0) }
    package func endPosition() -> LogPosition { LogPosition(segment: 0, offset: 0) }

    package func read(
        from position: LogPosition, batchesMax: Int, _ body: (borrowing WriteBatch) -> Void
    ) throws(SourceError) -> LogPosition { position }

    package func labels(of ref: SeriesRef) -> LabelSet? { nil }
}

extension ReadOnlyStore: SeriesSource {
    package func select(
        _ request: SelectRequest, symbols: SymbolTable
    ) throws(SourceError) -> any SeriesSelection {
        throw .storage("not there yet")
    }

    package func labelNames(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] { [] }

    package func labelValues(
        _ name: String, matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] { [] }

    package func exemplars(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [(labels: LabelSet, exemplars: [Exemplar])] { [] }
}
