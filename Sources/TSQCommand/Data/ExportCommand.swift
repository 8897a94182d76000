import ArgumentParser
import TSQBase
import TSQExposition
import TSQModel
import TSQPromQL

/// `tsq export`: samples as OpenMetrics.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the samples of selected series as OpenMetrics, with timestamps.",
        discussion: """
            Samples come out as they went in, bit for bit. Stale markers and native histograms \
            have no form in OpenMetrics text; how many were left out is said on standard error.

            EXAMPLES
              tsq export '{job="node"}' --data d > node.om
              tsq export up 'http_requests_total' --data d --since 1d | gzip > day.om.gz
            """)

    @Argument(help: "Selectors; series of any of them are written.")
    var selectors: [String]

    @Option(help: "The directory of the store; another process may be writing it.")
    var data: String

    @OptionGroup var span: SpanOptions

    /// Written to the output in pieces of about this size.
    private static let pieceByteCount = 1 << 20

    func run() throws {
        let store = try DataDirectory.openReadOnly(data)
        let matchers = try QuerySource.matchers(selectors)
        let (fromMs, toMs) = span.bounds
        var writer = ExpositionWriter(format: .openMetrics)
        var left = (stale: 0, histograms: 0)
        do throws(SourceError) {
            for entry in try Self.series(store, matchers, fromMs - 1, toMs) {
                if let family = entry.family {
                    writer.family(family, MetricMetadata())
                }
                let series = ExpositionWriter.seriesBytes(entry.labels, format: .openMetrics)
                var columns = SampleColumns()
                try entry.selection.read(
                    entry.index, fromMs: fromMs - 1, toMs: toMs, into: &columns)
                left.histograms += columns.histograms.count
                for (time, value) in zip(columns.times, columns.values) {
                    if StaleMarker.isStale(value) {
                        left.stale += 1
                        continue
                    }
                    writer.sample(series: series, value, timeMs: time)
                }
                if writer.bytes.count >= Self.pieceByteCount {
                    StandardOutput.write(writer.take())
                }
            }
        } catch {
            throw CommandFailure(error.message)
        }
        writer.finish()
        StandardOutput.write(writer.take())
        if left.stale + left.histograms > 0 {
            StandardError.write(
                "left out: \(left.stale) stale markers, \(left.histograms) native histograms\n")
        }
    }

    private struct Entry {
        var labels: LabelSet
        var selection: any SeriesSelection
        var index: Int
        /// The name, where the metric's first series stands.
        var family: String?
    }

    /// Each series once, those of a metric together: OpenMetrics does not mix families.
    private static func series(
        _ source: any SeriesSource, _ matchers: [[LabelMatcher]], _ fromMs: TimestampMs,
        _ toMs: TimestampMs
    ) throws(SourceError) -> [Entry] {
        var seen = Set<LabelSet>()
        var entries: [Entry] = []
        for list in matchers {
            let symbols = SymbolTable()
            let selection = try source.select(
                SelectRequest(matchers: list, fromMs: fromMs, toMs: toMs), symbols: symbols)
            for index in 0..<selection.count {
                let labels = selection.labels.labelSet(index, symbols)
                if seen.insert(labels).inserted {
                    entries.append(Entry(labels: labels, selection: selection, index: index))
                }
            }
        }
        entries.sort {
            let (a, b) = ($0.labels.metricName ?? "", $1.labels.metricName ?? "")
            return a == b ? LabelSet.isOrderedBefore($0.labels, $1.labels) : isBytewiseLess(a, b)
        }
        var name: String?
        for index in entries.indices where entries[index].labels.metricName != name {
            name = entries[index].labels.metricName
            entries[index].family = name
        }
        return entries
    }
}
