import ArgumentParser
import TSQBase
import TSQJSON
import TSQStore

extension TSDBCommand {
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract:
                "Read everything, check every checksum and rule, and say what is wrong where.",
            discussion: """
                The exit code is 1 when something is wrong. Nothing is changed.

                EXAMPLES
                  tsq tsdb verify data
                  tsq tsdb verify data/snapshots/20261125T223320Z-2be650b6d019eb54
                """)

        @Argument(help: "The directory of the store.", completion: .directory)
        var directory: String

        @Option(name: [.short, .long], help: "table or json.")
        var output = Output.table

        func run() throws {
            let report = try DataDirectory.reading(directory) { () throws(StoreError) in
                try Store.verify(directory: directory)
            }
            switch output {
            case .table: StandardOutput.write(Self.text(report))
            case .json: StandardOutput.write(Self.json(report) + [0x0A])
            }
            if !report.isSound { throw ExitCode(TSQ.Exit.failure) }
        }

        private static func text(_ report: VerifyReport) -> String {
            var text = report.problems.map { "\($0)\n" }.joined()
            if report.problemCount > report.problems.count {
                text += "and \(report.problemCount - report.problems.count) more\n"
            }
            for file in report.unnamedFiles { text += "\(file): left over, in no MANIFEST\n" }
            text +=
                "\(report.blockCount) blocks with \(report.sampleCount) samples in "
                + "\(report.chunkCount) chunks, \(report.seriesCount) series in "
                + "\(report.indexCount) index segments, \(report.logSampleCount) samples in "
                + "\(report.logRecordCount) log records, \(report.deletionCount) deletions\n"
            text += report.isSound ? "sound\n" : "\(report.problemCount) problems\n"
            return text
        }

        private static func json(_ report: VerifyReport) -> [UInt8] {
            var json = JSONWriter()
            json.beginObject()
            json.key("sound")
            json.bool(report.isSound)
            json.key("problemCount")
            json.int(report.problemCount)
            json.key("problems")
            json.beginArray()
            for problem in report.problems {
                json.element()
                json.beginObject()
                json.key("file")
                json.string(problem.file)
                if let offset = problem.offset {
                    json.key("offset")
                    json.int(Int64(clamping: offset))
                }
                json.key("reason")
                json.string(problem.reason)
                if let lost = problem.lostSamples {
                    json.key("lostSamples")
                    json.int(Int64(clamping: lost))
                }
                json.endObject()
            }
            json.endArray()
            json.key("unnamedFiles")
            json.strings(report.unnamedFiles)
            let counts: [(StaticString, UInt64)] = [
                ("blocks", UInt64(report.blockCount)), ("samples", report.sampleCount),
                ("chunks", report.chunkCount), ("series", report.seriesCount),
                ("indexes", UInt64(report.indexCount)),
                ("logRecords", UInt64(report.logRecordCount)),
                ("logSamples", UInt64(report.logSampleCount)),
                ("deletions", UInt64(report.deletionCount)), ("bytes", report.byteCount),
            ]
            for (name, count) in counts {
                json.key(name)
                json.int(Int64(clamping: count))
            }
            json.endObject()
            return json.bytes
        }
    }
}
