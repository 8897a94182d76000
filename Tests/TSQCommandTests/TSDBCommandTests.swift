import Foundation
import Testing

@Suite("tsq tsdb")
struct TSDBCommandTests {
    /// Two metrics in a fresh directory.
    private func withData(_ body: (_ run: ([String]) throws -> Program.Outcome) throws -> Void)
        throws
    {
        let program = try Program()
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("tsq-tsdb-\(UInt64.random(in: .min ... .max))").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let page = (0..<100).map { "a{n=\"\($0 % 4)\"} \($0) \(1_700_000_000_000 + $0 * 1000)\n" }
            .joined()
        let imported = try program.run(
            ["import", "-", "--data", directory + "/data"], input: page + "b 1 1700000000000\n")
        try #require(imported.code == 0, "\(imported.errors)")
        try body { arguments in
            try program.run(arguments.map { $0.replacing("DIR", with: directory) })
        }
    }

    private func samples(
        _ run: ([String]) throws -> Program.Outcome, _ data: String = "DIR/data"
    ) throws -> String {
        let query = "sum(count_over_time({__name__=~'a|b'}[1h]))"
        return try run(["query", query, "--time", "1700000200", "--data", data, "-o", "table"])
            .output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("series are counted, deleted, brought back, and their space is given back")
    func deletion() throws {
        try withData { run in
            #expect(try samples(run).hasSuffix("101"))
            let counted = try run(["tsdb", "delete", "DIR/data", "a{n='1'}", "--dry-run"])
            #expect(counted.output == "would delete 25 samples of 1 series\n")
            let some = try run([
                "tsdb", "delete", "DIR/data", "a", "--from", "1700000090", "--to", "1700000099",
            ])
            #expect(some.code == 0 && some.output.hasPrefix("deleted 10 samples of 4 series;"))
            #expect(try samples(run).hasSuffix("91"))
            let list = try run(["tsdb", "deletions", "DIR/data"]).output
            #expect(list.contains("__name__=\"a\"") && list.contains("2023-11-14T22:14:50Z"))
            let id = some.output.split(separator: " ").last.map {
                $0.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            let undone = try run(["tsdb", "undo", "DIR/data", try #require(id)])
            #expect(undone.code == 0, "\(undone.errors)")
            #expect(try samples(run).hasSuffix("101"))
            let json = try run(["tsdb", "delete", "DIR/data", "b", "-o", "json"]).output
            #expect(json.contains("\"series\":1,\"samples\":1"))
            #expect(try run(["tsdb", "clean", "DIR/data"]).code == 0)
            #expect(try run(["tsdb", "undo", "DIR/data", "1"]).code == 1)
            #expect(try samples(run).hasSuffix("100"))
        }
    }

    @Test("blocks are listed and analyzed, a snapshot opens, verify finds what is damaged")
    func reading() throws {
        try withData { run in
            let snapshot = try run(["tsdb", "snapshot", "DIR/data", "--name", "first"])
            #expect(snapshot.code == 0, "\(snapshot.errors)")
            let path = snapshot.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(path.hasSuffix("/data/snapshots/first"))
            #expect(try samples(run, path).hasSuffix("101"))
            #expect(try run(["tsdb", "snapshot", "DIR/data", "--name", "first"]).code == 1)
            let list = try run(["tsdb", "list", path])
            #expect(list.code == 0 && list.output.contains(" 101 samples, "))
            #expect(
                try run(["tsdb", "list", path, "-o", "json"]).output.contains("\"samples\":101"))
            let analysis = try run(["tsdb", "analyze", path, "--limit", "1"]).output
            #expect(analysis.contains("  4  a\n") && analysis.contains("samples"))
            let sound = try run(["tsdb", "verify", path])
            #expect(sound.code == 0 && sound.output.hasSuffix("sound\n"), "\(sound.output)")
            let blocks = try FileManager.default.contentsOfDirectory(atPath: path + "/blocks")
            let block = path + "/blocks/" + (try #require(blocks.first))
            var bytes = try #require(FileManager.default.contents(atPath: block))
            bytes[bytes.count / 2] ^= 0x40
            try bytes.write(to: URL(fileURLWithPath: block))
            let broken = try run(["tsdb", "verify", path])
            #expect(broken.code == 1 && broken.output.contains("blocks/"), "\(broken.output)")
            // Hard links share the bytes: the data directory's own block is the same file.
            #expect(
                try run(["tsdb", "verify", path, "-o", "json"]).output.contains("\"sound\":false"))
        }
    }

    @Test("what is no store, or nothing to delete, is said")
    func mistakes() throws {
        try withData { run in
            for command in ["list", "analyze", "verify", "deletions", "clean", "snapshot"] {
                let missing = try run(["tsdb", command, "DIR/none"])
                #expect(missing.code == 1, "\(command)")
                #expect(missing.errors.contains("none: no such directory"), "\(command)")
            }
            let empty = try run(["tsdb", "clean", "DIR"])
            #expect(empty.code == 1 && empty.errors.contains("no MANIFEST"))
            #expect(try run(["tsdb", "delete", "DIR/data"]).code == 2)
            #expect(try run(["tsdb", "delete", "DIR/data", "a{"]).errors.contains("parse error"))
            #expect(try run(["tsdb", "delete", "DIR/data", "c"]).output == "nothing to delete\n")
        }
    }
}
