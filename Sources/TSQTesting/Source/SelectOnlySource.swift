import TSQBase
import TSQModel

/// A source of which only `select` matters: it has no label names, values or exemplars to list.
package protocol SelectOnlySource: SeriesSource {}

extension SelectOnlySource {
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
