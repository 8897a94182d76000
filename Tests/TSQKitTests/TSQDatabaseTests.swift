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

    @Test("samples are deleted and brought back, a snapshot opens like any database, all is sound")
    func administration() throws {
        try withDirectory { directory in
            var options = TSQOptions()
            options.retentionMs = nil
            let database = try TSQDatabase(directory: directory, options: options)
            try database.append(samples)
            let snapshot = try database.snapshot(name: "before")
            func count(_ database: TSQDatabase) throws -> Double? {
                try database.query("count_over_time(requests_total[1h])", atMs: 1_700_000_135_000)
                    .series.first?.points.first?.value
            }
            let wanted = try database.delete(
                "requests_total", endMs: 1_700_000_059_000, dryRun: true)
            #expect(wanted.id == nil && wanted.seriesCount == 1 && wanted.sampleCount == 4)
            #expect(try count(database) == 10)
            let deleted = try database.delete("requests_total", endMs: 1_700_000_059_000)
            #expect(try count(database) == 6)
            try database.undoDeletion(try #require(deleted.id))
            #expect(try count(database) == 10)
            try database.delete("{path='/'}")
            try database.reclaimDeleted()
            #expect(try count(database) == nil)
            #expect(throws: TSQError.self) { try database.undoDeletion(deleted.id ?? 0) }
            #expect(throws: TSQError.self) { try database.delete("{path='/'") }
            #expect(throws: TSQError.self) { try database.snapshot(name: "../x") }
            try database.close()
            #expect(try TSQDatabase.verify(directory: directory) == [])
            let old = try TSQDatabase(directory: snapshot, options: options)
            #expect(try count(old) == 10)
            try old.close()
        }
    }

    @Test("a plan tells what each operator did")
    func explain() throws {
        try withDirectory { directory in
            var options = TSQOptions()
            options.retentionMs = nil
            let database = try TSQDatabase(directory: directory, options: options)
            try database.append(samples)
            let plan = try database.explain(
                "sum(rate(requests_total[1m]))", startMs: 1_700_000_060_000,
                endMs: 1_700_000_120_000, stepMs: 15_000)
            func names(_ plan: TSQPlan) -> [String] { [plan.name] + plan.children.flatMap(names) }
            #expect(names(plan).contains("sum") && names(plan).contains("rate"))
            #expect(plan.seconds >= 0)
            try database.close()
        }
    }
}
