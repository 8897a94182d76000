import TSQBase
import TSQModel

/// A `SeriesSource` over series that are simply held in memory: what test scripts and tests query.
///
/// - Shape: series in label order, unique; samples of a series ascend in time.
/// - Complexity: a selection looks at every series.
package struct MemorySource: SeriesSource {
    package struct Series: Sendable {
        package var labels: LabelSet
        package var columns: SampleColumns
        package var exemplars: [Exemplar] = []

        package init(labels: LabelSet, columns: SampleColumns, exemplars: [Exemplar] = []) {
            self.labels = labels
            self.columns = columns
            self.exemplars = exemplars
        }
    }

    package let series: [Series]

    /// Series with the same labels are joined: their samples must not overlap in time.
    package init(_ unsorted: [Series]) {
        var sorted: [Series] = []
        for next in unsorted.sorted(by: { LabelSet.isOrderedBefore($0.labels, $1.labels) }) {
            if let last = sorted.indices.last, sorted[last].labels == next.labels {
                sorted[last].columns.append(next.columns)
                sorted[last].exemplars += next.exemplars
            } else {
                sorted.append(next)
            }
        }
        series = sorted
    }

    package init(_ pairs: [(labels: LabelSet, columns: SampleColumns)]) {
        self.init(pairs.map { Series(labels: $0.labels, columns: $0.columns) })
    }

    package func select(
        _ request: SelectRequest, symbols: SymbolTable
    ) throws(SourceError) -> any SeriesSelection {
        let selected = series.filter { series in
            request.matchers.allSatisfy { $0.matches(series.labels) }
                && series.columns.hasSamples(fromMs: request.fromMs, toMs: request.toMs)
        }
        return MemorySelection(selected, symbols: symbols, labelNames: request.labelNames)
    }

    package func labelNames(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] {
        var names: Set<String> = []
        for series in seriesSatisfyingAny(matching, fromMs: fromMs, toMs: toMs) {
            names.formUnion(series.labels.labels.map(\.name))
        }
        return names.sorted(by: isBytewiseLess)
    }

    package func labelValues(
        _ name: String, matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [String] {
        let values = seriesSatisfyingAny(matching, fromMs: fromMs, toMs: toMs)
            .compactMap { $0.labels[name] }
        return Set(values).sorted(by: isBytewiseLess)
    }

    package func exemplars(
        matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) throws(SourceError) -> [(labels: LabelSet, exemplars: [Exemplar])] {
        series.compactMap { series in
            guard matching.contains(where: { $0.allSatisfy { $0.matches(series.labels) } }) else {
                return nil
            }
            let inside = series.exemplars.filter {
                ($0.timeMs ?? .min) >= fromMs && ($0.timeMs ?? .min) <= toMs
            }
            return inside.isEmpty ? nil : (series.labels, inside)
        }
    }

    private func seriesSatisfyingAny(
        _ matching: [[LabelMatcher]], fromMs: TimestampMs, toMs: TimestampMs
    ) -> [Series] {
        series.filter { series in
            let wanted =
                matching.isEmpty
                || matching.contains { list in list.allSatisfy { $0.matches(series.labels) } }
            let fromExclusive = fromMs == .min ? fromMs : fromMs - 1
            return wanted && series.columns.hasSamples(fromMs: fromExclusive, toMs: toMs)
        }
    }
}

/// A selection of a `MemorySource`.
package final class MemorySelection: SeriesSelection {
    package let labels: SeriesLabels
    private let series: [MemorySource.Series]

    /// - Parameter labelNames: as those of a `SelectRequest`; no more is given than was asked for.
    init(_ series: [MemorySource.Series], symbols: SymbolTable, labelNames: [String]?) {
        var labels = SeriesLabels()
        for one in series {
            let wanted = one.labels.labels.filter {
                labelNames?.contains($0.name) ?? true || $0.name == LabelName.metricName
            }
            labels.append(
                wanted.map {
                    LabelPair(name: symbols.intern($0.name), value: symbols.intern($0.value))
                })
        }
        self.labels = labels
        self.series = series
    }

    /// Nothing changes after the start: itself.
    package func fork() -> any SeriesSelection { self }

    package func read(
        _ index: Int, fromMs: TimestampMs, toMs: TimestampMs, into columns: inout SampleColumns
    ) throws(SourceError) {
        columns.removeAll()
        columns.append(series[index].columns, fromMs: fromMs, toMs: toMs)
        columns.timesID = Self.identity(columns.times)
    }

    /// The same for the same times, so that engines work out windows over them once, as they do over a
    /// store's columns; 0 where there are none.
    private static func identity(_ times: [TimestampMs]) -> UInt64 {
        if times.isEmpty { return 0 }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for timeMs in times {
            hash = (hash ^ UInt64(bitPattern: timeMs)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        return hash | 1
    }
}
