import ArgumentParser
import TSQBase
import TSQJSON
import TSQStore

extension TSDBCommand {
    struct Analyze: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "analyze",
            abstract: "Say which metrics and labels the series, samples and bytes come from.",
            discussion: """
                What is in blocks counts; what a server has in memory only does not.

                EXAMPLES
                  tsq tsdb analyze data
                  tsq tsdb analyze data --limit 5 -o json
                """)

        @Argument(help: "The directory of the store.", completion: .directory)
        var directory: String

        @Option(help: "Lines of each list.")
        var limit = 20

        @Option(name: [.short, .long], help: "table or json.")
        var output = Output.table

        func validate() throws {
            if limit < 1 { throw ValidationError("--limit must be above 0.") }
        }

        func run() throws {
            let analysis = try DataDirectory.reading(directory) { () throws(StoreError) in
                try Store.analyze(directory: directory, limit: limit)
            }
            switch output {
            case .table: StandardOutput.write(Self.text(analysis))
            case .json: StandardOutput.write(Self.json(analysis) + [0x0A])
            }
            for problem in analysis.problems { StandardError.write("\(problem)\n") }
            if !analysis.problems.isEmpty { throw ExitCode(TSQ.Exit.failure) }
        }

        private static func counts(_ analysis: StoreAnalysis) -> [(name: String, UInt64)] {
            [
                ("series", analysis.seriesCount), ("samples", analysis.sampleCount),
                ("chunks", analysis.chunkCount), ("labelPairs", analysis.labelPairCount),
                ("seriesInNewestBlock", analysis.newestBlockSeriesCount),
                ("seriesBorn", analysis.bornSeriesCount),
                ("seriesEnded", analysis.endedSeriesCount),
                ("seriesEmpty", analysis.emptySeriesCount), ("blockBytes", analysis.blockBytes),
                ("indexBytes", analysis.indexBytes), ("timeColumns", analysis.timeColumnCount),
                ("timeColumnBytes", analysis.timeColumnBytes),
            ]
        }

        private static func lists(
            _ analysis: StoreAnalysis
        ) -> [(name: String, title: String, entries: [StoreAnalysis.Entry])] {
            [
                ("seriesByMetric", "Series by metric", analysis.seriesByMetric),
                ("samplesByMetric", "Samples by metric", analysis.samplesByMetric),
                ("bytesByMetric", "Bytes by metric", analysis.bytesByMetric),
                ("valuesByLabel", "Values by label", analysis.valuesByLabel),
                ("seriesByPair", "Series by label pair", analysis.seriesByPair),
            ]
        }

        private static func text(_ analysis: StoreAnalysis) -> String {
            var text = TextTable.render(
                counts(analysis).map { [$0.name, String($0.1)] }, rightAlignedFrom: 1)
            if let minTimeMs = analysis.minTimeMs, let maxTimeMs = analysis.maxTimeMs {
                text += "from \(RFC3339.format(ms: minTimeMs)) "
                text += "to \(RFC3339.format(ms: maxTimeMs))\n"
            }
            for list in lists(analysis) where !list.entries.isEmpty {
                text += "\n\(list.title)\n"
                text += TextTable.render(
                    list.entries.map { [String($0.value), $0.name] }, rightAlignedFrom: 0, to: 0,
                    indent: 2)
            }
            if !analysis.chunkKinds.isEmpty {
                text += "\nChunks\n"
                text += TextTable.render(
                    [["kind", "chunks", "samples", "bytes"]]
                        + analysis.chunkKinds.map {
                            [$0.name, "\($0.chunkCount)", "\($0.sampleCount)", "\($0.byteCount)"]
                        }, rightAlignedFrom: 1, indent: 2)
            }
            return text
        }

        private static func json(_ analysis: StoreAnalysis) -> [UInt8] {
            var json = JSONWriter()
            json.beginObject()
            for (name, count) in counts(analysis) {
                json.key(name)
                json.int(Int64(clamping: count))
            }
            for list in lists(analysis) {
                json.key(list.name)
                json.beginArray()
                for entry in list.entries {
                    json.element()
                    json.beginObject()
                    json.key("name")
                    json.string(entry.name)
                    json.key("value")
                    json.int(Int64(clamping: entry.value))
                    json.endObject()
                }
                json.endArray()
            }
            json.key("chunkKinds")
            json.beginArray()
            for kind in analysis.chunkKinds {
                json.element()
                json.beginObject()
                json.key("name")
                json.string(kind.name)
                json.key("chunks")
                json.int(Int64(clamping: kind.chunkCount))
                json.key("samples")
                json.int(Int64(clamping: kind.sampleCount))
                json.key("bytes")
                json.int(Int64(clamping: kind.byteCount))
                json.endObject()
            }
            json.endArray()
            json.endObject()
            return json.bytes
        }
    }
}
