import ArgumentParser
import Foundation
import TSQBase
import TSQJSON
import TSQModel
import TSQStore

/// `tsq tsdb`: what a store's directory holds, and what is done to it.
struct TSDBCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tsdb",
        abstract: "Look into a store's directory, check it, delete from it, take a snapshot.",
        discussion: """
            list, analyze and verify read, also beside a running server. The others write: they need \
            the directory for themselves; a running server takes the same through \
            /api/v1/admin/tsdb/… when it was started with --web.enable-admin-api.
            """,
        subcommands: [
            List.self, Analyze.self, Verify.self, Delete.self, Deletions.self, Undo.self,
            Clean.self, Snapshot.self,
        ])

    /// For people, or for programs.
    enum Output: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the blocks.",
            discussion: """
                EXAMPLES
                  tsq tsdb list data
                  tsq tsdb list data -o json
                """)

        @Argument(help: "The directory of the store.", completion: .directory)
        var directory: String

        @Option(name: [.short, .long], help: "table or json.")
        var output = Output.table

        func run() throws {
            let blocks = try DataDirectory.reading(directory) { () throws(StoreError) in
                try Store.blocks(directory: directory)
            }
            switch output {
            case .table: StandardOutput.write(Self.table(blocks))
            case .json:
                var json = JSONWriter()
                json.beginArray()
                for block in blocks {
                    json.element()
                    Self.append(block, to: &json)
                }
                json.endArray()
                StandardOutput.write(json.bytes + [0x0A])
            }
        }

        private static func table(_ blocks: [BlockInfo]) -> String {
            var rows = [
                ["block", "level", "from", "to", "series", "chunks", "samples", "bytes", "each"]
            ]
            for block in blocks {
                let each = Double(block.byteCount) / Double(max(1, block.sampleCount))
                rows.append([
                    block.file, String(block.level), RFC3339.format(ms: block.minTimeMs),
                    RFC3339.format(ms: block.maxTimeMs), Self.text(block.seriesCount),
                    Self.text(block.chunkCount), String(block.sampleCount),
                    String(block.byteCount), "\((each * 100).rounded() / 100)",
                ])
            }
            let total = blocks.reduce(into: (samples: UInt64(0), bytes: UInt64(0))) {
                $0.samples += $1.sampleCount
                $0.bytes += $1.byteCount
            }
            return TextTable.render(rows, rightAlignedFrom: 4)
                + "\(blocks.count) blocks, \(total.samples) samples, \(total.bytes) bytes\n"
        }

        /// What cannot be read is told apart from nothing.
        private static func text(_ count: UInt64?) -> String { count.map { "\($0)" } ?? "?" }

        private static func append(_ block: BlockInfo, to json: inout JSONWriter) {
            json.beginObject()
            json.key("name")
            json.string(block.file)
            json.key("level")
            json.int(block.level)
            json.key("minTime")
            json.int(block.minTimeMs)
            json.key("maxTime")
            json.int(block.maxTimeMs)
            if let seriesCount = block.seriesCount, let chunkCount = block.chunkCount {
                json.key("series")
                json.int(Int64(clamping: seriesCount))
                json.key("chunks")
                json.int(Int64(clamping: chunkCount))
            }
            json.key("samples")
            json.int(Int64(clamping: block.sampleCount))
            json.key("bytes")
            json.int(Int64(clamping: block.byteCount))
            json.endObject()
        }
    }

    struct Snapshot: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "snapshot",
            abstract: "Take a snapshot by hard links: it costs no space until blocks change.",
            discussion: """
                The snapshot is a directory below DIR/snapshots that any tsq opens.

                EXAMPLES
                  tsq tsdb snapshot data
                  tsq tsdb snapshot data --name before-upgrade --skip-head
                """)

        @Argument(help: "The directory of the store.", completion: .directory)
        var directory: String

        @Option(help: "The snapshot's name. (default: the time and a number)")
        var name: String?

        @Flag(help: "Only what is in blocks already.")
        var skipHead = false

        func run() throws {
            let store = try DataDirectory.openExisting(directory)
            let path = try DataDirectory.closing(store) { () throws(StoreError) in
                try store.snapshot(
                    name: name ?? SnapshotName.now(), includingHead: !skipHead)
            }
            print(path)
        }
    }
}

/// The names of snapshots that nobody named.
enum SnapshotName {
    /// As Prometheus's: `20261125T223320Z-2be650b6d019eb54`.
    static func now() -> String {
        let time = RFC3339.formatSeconds(ms: SystemClock().nowMs())
            .filter { $0 != "-" && $0 != ":" }
        let number = String(UInt64.random(in: .min ... .max), radix: 16)
        return time + "-" + String(repeating: "0", count: 16 - number.count) + number
    }
}
