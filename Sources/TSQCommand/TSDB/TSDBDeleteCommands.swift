import ArgumentParser
import TSQBase
import TSQJSON
import TSQModel
import TSQStore

extension TSDBCommand {
    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Delete the samples of selected series.",
            discussion: """
                Queries do not see them any more at once. Their space is given back after a day, or \
                by `tsq tsdb clean`; until then `tsq tsdb undo` brings them back.

                EXAMPLES
                  tsq tsdb delete data '{job="old"}' --dry-run
                  tsq tsdb delete data 'http_requests_total{path="/x"}' --from 2026-01-01T00:00:00Z
                """)

        @Argument(help: "The directory of the store.", completion: .directory)
        var directory: String

        @Argument(help: "Selectors; series of any of them lose their samples.")
        var selectors: [String]

        @Option(help: "The first time: seconds, RFC 3339, or before now as --from=-1h.")
        var from: TimeArgument?

        @Option(help: "The last time.")
        var to: TimeArgument?

        @Flag(help: "Only count.")
        var dryRun = false

        @Option(name: [.short, .long], help: "table or json.")
        var output = Output.table

        func validate() throws {
            if selectors.isEmpty { throw ValidationError("Give at least one selector.") }
        }

        func run() throws {
            let matchers = try QuerySource.matchers(selectors)
            if matchers.contains(where: { $0.allSatisfy(\.matchesEmpty) }) {
                throw CommandFailure("a selector must contain at least one non-empty matcher")
            }
            let nowMs = SystemClock().nowMs()
            let fromMs = from?.resolved(nowMs: nowMs) ?? .min
            let toMs = to?.resolved(nowMs: nowMs) ?? .max
            let store = try DataDirectory.openExisting(directory)
            let report = try DataDirectory.closing(store) { () throws(StoreError) in
                try store.deleteSeries(
                    matching: matchers, fromMs: fromMs, toMs: toMs, dryRun: dryRun)
            }
            if output == .json {
                StandardOutput.write(Self.json(report) + [0x0A])
            } else {
                print(text(report))
            }
        }

        private func text(_ report: DeletionReport) -> String {
            let what = "\(report.sampleCount) samples of \(report.seriesCount) series"
            if dryRun { return "would delete \(what)" }
            guard let id = report.id else { return "nothing to delete" }
            return "deleted \(what); to undo it: tsq tsdb undo \(directory) \(id)"
        }

        private static func json(_ report: DeletionReport) -> [UInt8] {
            var json = JSONWriter()
            json.beginObject()
            if let id = report.id {
                json.key("id")
                json.string(String(id))
            }
            json.key("series")
            json.int(Int64(clamping: report.seriesCount))
            json.key("samples")
            json.int(Int64(clamping: report.sampleCount))
            json.endObject()
            return json.bytes
        }
    }

    struct Deletions: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "deletions",
            abstract: "List the deletions that can be undone.",
            discussion: """
                EXAMPLES
                  tsq tsdb deletions data
                """)

        @Argument(help: "The directory of the store.", completion: .directory)
        var directory: String

        func run() throws {
            let store = try DataDirectory.openExisting(directory)
            let deletions = try DataDirectory.closing(store) { () throws(StoreError) in
                store.deletions()
            }
            var rows = [["id", "made", "selector", "from", "to", "series", "samples"]]
            for deletion in deletions {
                rows.append([
                    String(deletion.id), RFC3339.format(ms: deletion.madeMs), deletion.selector,
                    Self.time(deletion.fromMs), Self.time(deletion.toMs),
                    String(deletion.seriesCount), String(deletion.sampleCount),
                ])
            }
            StandardOutput.write(TextTable.render(rows, rightAlignedFrom: 5))
        }

        /// The ends of time are told by nothing.
        private static func time(_ ms: TimestampMs) -> String {
            ms.magnitude >= UInt64(1) << 53 ? "-" : RFC3339.format(ms: ms)
        }
    }

    struct Undo: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "undo",
            abstract: "Bring back what a deletion hid.",
            discussion: """
                EXAMPLES
                  tsq tsdb deletions data
                  tsq tsdb undo data 17
                """)

        @Argument(help: "The directory of the store.", completion: .directory)
        var directory: String

        @Argument(help: "The deletion's number, from `tsq tsdb deletions`.")
        var id: UInt64

        func run() throws {
            let store = try DataDirectory.openExisting(directory)
            try DataDirectory.closing(store) { () throws(StoreError) in
                try store.undoDeletion(id)
            }
            print("deletion \(id) is undone")
        }
    }

    struct Clean: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "clean",
            abstract:
                "Give the space of deleted samples back now. They cannot be brought back then.",
            discussion: """
                EXAMPLES
                  tsq tsdb clean data
                """)

        @Argument(help: "The directory of the store.", completion: .directory)
        var directory: String

        func run() throws {
            let store = try DataDirectory.openExisting(directory)
            let (before, after) = try DataDirectory.closing(store) { () throws(StoreError) in
                let before = store.statistics().diskBytes
                try store.compactDeletions()
                return (before, store.statistics().diskBytes)
            }
            print("\(before) bytes before, \(after) bytes after")
        }
    }
}
