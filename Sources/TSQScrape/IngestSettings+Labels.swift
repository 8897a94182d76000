import TSQBase
import TSQModel
import TSQRelabel

extension IngestSettings {
    /// The prefix of labels that give way to the target's.
    static let exportedPrefix = "exported_"

    /// The labels a sample is stored under; nil when relabelling drops it.
    ///
    /// - Throws: `ScrapeFailure` when a label limit is exceeded or the name is missing.
    func seriesLabels(_ exposed: LabelSet) throws(ScrapeFailure) -> LabelSet? {
        let merged = honorLabels ? honoring(exposed) : overriding(exposed)
        guard let labels = RelabelRule.apply(metricRelabelRules, to: merged),
            !labels.labels.isEmpty
        else { return nil }
        guard let name = labels.metricName else {
            throw ScrapeFailure("missing metric name (__name__ label)")
        }
        try checkLimits(labels, name)
        return labels
    }

    /// A series that the scraper itself makes: the target's labels win.
    func reportLabels(_ name: String) -> LabelSet {
        overriding(LabelSet([LabelName.metricName: name]))
    }

    private func honoring(_ exposed: LabelSet) -> LabelSet {
        var labels = exposed
        for label in targetLabels.labels where labels[label.name] == nil {
            labels[label.name] = label.value
        }
        return labels
    }

    private func overriding(_ exposed: LabelSet) -> LabelSet {
        var labels = exposed
        var conflicts: [Label] = []
        for label in targetLabels.labels {
            if let value = exposed[label.name] { conflicts.append(Label(label.name, value)) }
            labels[label.name] = label.value
        }
        // Short names first, so that `exported_x` of the page keeps clear of the new `exported_x`.
        conflicts.sort { $0.name.utf8.count < $1.name.utf8.count }
        for conflict in conflicts {
            var name = Self.exportedPrefix + conflict.name
            while labels[name] != nil { name = Self.exportedPrefix + name }
            labels[name] = conflict.value
        }
        return labels
    }

    private func checkLimits(_ labels: LabelSet, _ name: String) throws(ScrapeFailure) {
        let metric = "metric: \(name.prefix(50))"
        if labelLimit > 0, labels.labels.count > labelLimit {
            throw ScrapeFailure(
                "label_limit exceeded (\(metric), number of labels: \(labels.labels.count), "
                    + "limit: \(labelLimit))")
        }
        guard labelNameBytesMax > 0 || labelValueBytesMax > 0 else { return }
        for label in labels.labels {
            let nameBytes = label.name.utf8.count
            if labelNameBytesMax > 0, nameBytes > labelNameBytesMax {
                throw ScrapeFailure(
                    "label_name_length_limit exceeded (\(metric), label name: "
                        + "\(label.name.prefix(50)), length: \(nameBytes), limit: "
                        + "\(labelNameBytesMax))")
            }
            let valueBytes = label.value.utf8.count
            if labelValueBytesMax > 0, valueBytes > labelValueBytesMax {
                throw ScrapeFailure(
                    "label_value_length_limit exceeded (\(metric), label name: "
                        + "\(label.name.prefix(50)), value: "
                        + "\(GoQuote.quoted(label.value.prefix(50))), length: \(valueBytes), "
                        + "limit: \(labelValueBytesMax))")
            }
        }
    }
}

extension WriteBatch {
    /// Loose samples by series and time, of two at one time the first.
    mutating func sortLooseSamples() {
        let places = refs.indices.sorted { a, b in
            (refs[a].rawValue, times[a], a) < (refs[b].rawValue, times[b], b)
        }
        var sortedRefs: [SeriesRef] = []
        var sortedTimes: [TimestampMs] = []
        var sortedValues: [Double] = []
        for place in places {
            if sortedRefs.last == refs[place], sortedTimes.last == times[place] { continue }
            sortedRefs.append(refs[place])
            sortedTimes.append(times[place])
            sortedValues.append(values[place])
        }
        refs = sortedRefs
        times = sortedTimes
        values = sortedValues
    }
}
