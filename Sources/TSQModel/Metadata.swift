import TSQBase

/// What an exposition says about a metric family.
package struct MetricMetadata: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case unknown, counter, gauge, histogram, gaugehistogram, summary, info, stateset
    }

    package var kind: Kind
    package var help: String
    package var unit: String

    package init(kind: Kind = .unknown, help: String = "", unit: String = "") {
        self.kind = kind
        self.help = help
        self.unit = unit
    }
}

/// An example of what a counter or bucket counted.
package struct Exemplar: Hashable, Sendable {
    package var labels: LabelSet
    package var value: Double
    /// ms; nil where the exposition gave none (then the sample's time counts).
    package var timeMs: TimestampMs?

    package init(labels: LabelSet, value: Double, timeMs: TimestampMs?) {
        self.labels = labels
        self.value = value
        self.timeMs = timeMs
    }
}
