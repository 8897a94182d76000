import ArgumentParser
import Foundation
import TSQBase
import TSQExposition
import TSQHTTP
import TSQStore

/// `tsq import`: files with timestamps into a directory or a server.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Read OpenMetrics or text files with timestamps into a store.",
        discussion: """
            Files may be gzipped, times may be any, and importing a file again changes nothing. \
            A directory must not be written by another process meanwhile; a server takes samples \
            while it runs, when it was started with --web.enable-import. - is standard input.

            EXAMPLES
              tsq import samples.om.gz --data d
              tsq import samples.om --server http://127.0.0.1:9090
              tsq export '{job="node"}' --data old | tsq import - --data new
            """)

    @Argument(help: "The files.", completion: .file())
    var files: [String]

    @Option(help: "The directory of the store; made where it is missing.")
    var data: String?

    @Option(help: "The URL of a tsq server.")
    var server: String?

    @Flag(help: "Where another value is stored at the same time, the file's one wins.")
    var overwrite = false

    mutating func validate() throws {
        if (data == nil) == (server == nil) {
            throw ValidationError("Give either --data or --server.")
        }
    }

    func run() async throws {
        var summary = Summary()
        if let server {
            let client = APIClient(url: server)
            for file in files { try await summary.send(file, to: client, overwrites: overwrite) }
        } else if let data {
            try summary.read(files, into: data, overwrites: overwrite)
        }
        for (reason, count) in summary.refusedCounts.sorted(by: { $0.key < $1.key }) {
            StandardError.write("refused: \(count) samples (\(reason))\n")
        }
        for refused in summary.refusals {
            StandardError.write(
                "  \(refused.series) at \(RFC3339.format(ms: refused.timeMs)): "
                    + "\(refused.reason)\n")
        }
        print("\(summary.acceptedCount) samples of \(summary.seriesCount) series imported")
    }

    /// What became of all files.
    private struct Summary {
        var acceptedCount = 0
        var seriesCount = 0
        var refusedCounts: [String: Int] = [:]
        var refusals: [SampleImporter.Refused] = []

        mutating func read(
            _ files: [String], into directory: String, overwrites: Bool
        ) throws {
            let store = try DataDirectory.open(directory)
            var importer = SampleImporter(store: store, overwrites: overwrites)
            do {
                for file in files {
                    let before = importer.acceptedCount
                    let page = try ImportCommand.contents(file)
                    importer.beginPage()
                    do throws(SampleImporter.Failure) {
                        try importer.read(page, format: SampleImporter.format(of: page))
                    } catch {
                        throw CommandFailure("\(file): \(error.message)")
                    }
                    print("\(file): \(importer.acceptedCount - before) samples")
                }
            } catch {
                // What was committed before the fault stays.
                try? DataDirectory.close(store)
                throw error
            }
            try DataDirectory.close(store)
            acceptedCount = importer.acceptedCount
            seriesCount = importer.seriesCount
            refusedCounts = importer.refusedCounts
            refusals = importer.refusals
        }

        mutating func send(
            _ file: String, to client: APIClient, overwrites: Bool
        ) async throws {
            let page = try ImportCommand.contents(file)
            let body = try await client.send(
                "import" + (overwrites ? "?overwrite=1" : ""), page,
                contentType: SampleImporter.format(of: page).contentType)
            struct Refused: Decodable {
                var series: String
                var timestamp: Double
                var reason: String
            }
            struct Answer: Decodable {
                struct Outcome: Decodable {
                    var samples: Int
                    var series: Int
                    var refused: [String: Int]
                    var refusals: [Refused]
                }
                var data: Outcome
            }
            let outcome = try APIClient.decode(Answer.self, body).data
            print("\(file): \(outcome.samples) samples")
            acceptedCount += outcome.samples
            seriesCount += outcome.series
            refusedCounts.merge(outcome.refused, uniquingKeysWith: +)
            refusals += outcome.refusals.map {
                SampleImporter.Refused(
                    series: $0.series,
                    timeMs: GoNumber.int64Saturating(($0.timestamp * 1000).rounded()),
                    reason: $0.reason)
            }
        }
    }

    static func contents(_ file: String) throws(CommandFailure) -> [UInt8] {
        let data: Data?
        if file == "-" {
            data = try? FileHandle.standardInput.readToEnd()
        } else {
            guard FileManager.default.fileExists(atPath: file) else {
                throw CommandFailure("\(file): no such file")
            }
            data = FileManager.default.contents(atPath: file)
        }
        guard let data else { throw CommandFailure("\(file): cannot be read") }
        let bytes = Array(data)
        guard Gzip.isCompressed(bytes) else { return bytes }
        do throws(CommandFailure) {
            return try Gzip.inflated(bytes)
        } catch {
            throw CommandFailure("\(file): \(error.message)")
        }
    }
}
