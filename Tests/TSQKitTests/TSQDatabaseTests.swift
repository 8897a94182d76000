import Foundation
import TSQKit
import Testing

@Suite("TSQDatabase")
struct TSQDatabaseTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("tsq-kit-\(UInt64.random(in: .min ... .max))").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    private var samples: [TSQSample] {
        (0..<10).map {
            TSQSample(
                "requests_total", ["path": "/"], at: 1_700_000_000_000 + Int64($0) * 15_000,
                Double($0) * 30)
        }
    }

    @Test("what is appended is answered, also after the database was closed and opened again")
    func roundTrip() throws {
        try withDirectory { directory in
            var options = TSQOptions()
            options.retentionMs = nil
            let database = try TSQDatabase(directory: directory, options: options)
            let report = try database.append(samples)
            #expect(report.acceptedCount == 10 && report.refusedCount == 0)
            func check(_ answer: TSQAnswer) {
                #expect(answer.series.map(\.labels) == [["path": "/"]])
                #expect(answer.series.first?.points.map(\.value) == [270])
            }
            check(try database.query("max_over_time(requests_total[2m])", atMs: 1_700_000_135_000))
            try database.close()
            let reopened = try TSQDatabase(directory: directory, options: options)
            check(try reopened.query("max_over_time(requests_total[2m])", atMs: 1_700_000_135_000))
            #expect(
                try reopened.series(
                    "requests_total", startMs: 1_700_000_000_000, endMs: 1_700_000_135_000)
                    == [["__name__": "requests_total", "path": "/"]])
            try reopened.close()
        }
    }

    @Test("a reader sees what another writes without closing it")
    func reader() throws {
        try withDirectory { directory in
            var options = TSQOptions()
            options.retentionMs = nil
            let database = try TSQDatabase(directory: directory, options: options)
            try database.append(samples)
            let reader = try TSQReader(directory: directory)
            let answer = try reader.queryRange(
                "requests_total", startMs: 1_700_000_000_000, endMs: 1_700_000_030_000,
                stepMs: 15_000)
            #expect(answer.series.first?.points.map(\.value) == [0, 30, 60])
            try database.close()
        }
    }

    @Test("errors are the query's own words")
    func errors() throws {
        try withDirectory { directory in
            let database = try TSQDatabase(directory: directory)
            #expect(throws: TSQError.self) { try database.query("rate(up)", atMs: 0) }
            #expect(throws: TSQError.self) {
                try database.queryRange("up", startMs: 10, endMs: 5, stepMs: 1)
            }
            try database.close()
        }
    }
}
